"""`swatchbook batches`: list the batches in which providers answer calls later, for half the price."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import RenderableType

from interface.cli.shared_arguments import Json, opened_resources
from interface.cli.terminal import cell, clean, duration, note, out, say_json, table, until

if TYPE_CHECKING:
    from swatchbook.records import BatchState


def batches(
    ended: Annotated[bool, typer.Option("--ended", help="Also the last batches that have ended.")] = False,
    as_json: Json = False,
) -> None:
    """List the batches of providers: state, calls and answers, cost, since when, until when, and what keeps them."""
    with opened_resources() as resources:
        from swatchbook.ledger.queries.batches import batch_states

        found = batch_states(resources.ledger, ended=ended)
        if as_json:
            say_json(found)
        elif found:
            out().print(draw_batches(found, now=resources.ledger.now()))
        else:
            note("No calls are in a batch of a provider." if not ended else "There was no batch of a provider.")


def draw_batches(found: "Sequence[BatchState]", *, now: float) -> RenderableType:
    """Return batches as a table."""
    drawn = table("batch", "provider", "model", "state", "calls", "answered", "cost", "since", "until", "message")
    for each in found:
        drawn.add_row(
            cell(each.id[-8:]),
            clean(each.provider),
            clean(each.model),
            each.words,
            f"{each.calls:,}",
            f"{each.answered:,}",
            each.cost,
            f"{duration(max(0.0, now - each.created_at))} ago",
            _time_limit(each, now),
            clean(each.message or ""),
        )
    return drawn


def _time_limit(batch: "BatchState", now: float) -> str:
    if batch.expires_at is None or batch.state == "ended":
        return ""
    return "over" if batch.expires_at <= now else until(batch.expires_at, now)


COMMANDS = {"Operation": {"batches": batches}}
