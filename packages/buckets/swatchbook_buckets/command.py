"""`swatchbook upkeep events`: list events of object stores that were not ingested yet, and try them again."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import RenderableType

from swatchbook.doors.cli.shared_arguments import (
    AllOwners,
    Json,
    OwnerName,
    check_text,
    choose_owner,
    opened_resources,
)
from swatchbook.doors.cli.terminal import cell, duration, note, out, say_json, table
from swatchbook_base.one_line import clean

if TYPE_CHECKING:
    from swatchbook.domain.records import ObjectEvent
    from swatchbook.resources import Resources

_MOST = 1_000
"""Events that are listed at most."""

app = typer.Typer()
"""What the entry point names: it has the group `events`."""

events = typer.Typer(
    invoke_without_command=True,
    help="List the events of object stores that wait or are dead, and have them tried again.",
)
app.add_typer(events, name="events")


@events.callback()
def list_events(
    context: typer.Context,
    owner: OwnerName = None,
    all_owners: AllOwners = False,
    ended: Annotated[bool, typer.Option("--ended", help="Also events that are done or ignored.")] = False,
    as_json: Json = False,
) -> None:
    """List the events that wait for their next try, and the dead ones with their reason, the latest first."""
    if context.invoked_subcommand is not None:
        return
    with opened_resources() as resources:
        from swatchbook_buckets.event_ledger import STATES, UNFINISHED
        from swatchbook_buckets.event_ledger import list_events as read

        whose = choose_owner(resources.ledger, owner, all_owners, others=_owners_of_sources(resources))
        found = read(resources.ledger, whose, states=STATES if ended else UNFINISHED, limit=_MOST)
        if as_json:
            say_json(found)
        elif found:
            out().print(draw_events(found, now=resources.ledger.now(), owners=all_owners))
        else:
            note("No event of an object store waits or has failed." if not ended else "There are no events.")


def draw_events(found: "Sequence[ObjectEvent]", *, now: float, owners: bool) -> RenderableType:
    """Return events as a table. `owners`: of several owners."""
    names = ("event", "object", *(("owner",) if owners else ()), "state", "tries", "next try in", "reason")
    drawn = table(*names)
    for each in found:
        whose = (clean(each.owner or "no owner"),) if owners else ()
        wait = duration(max(0.0, each.next_try_at - now)) if each.next_try_at is not None else ""
        drawn.add_row(
            each.id[:8], clean(each.url), *whose, each.state, cell(each.tries), wait, clean(each.message or "")
        )
    return drawn


@events.command("retry")
def retry_event(
    event: Annotated[
        str | None,
        typer.Argument(metavar="EVENT", help="Id of an event, or its beginning; all by default."),
    ] = None,
    owner: OwnerName = None,
    all_owners: AllOwners = False,
    as_json: Json = False,
) -> None:
    """Have events tried again by the next round of `serve`, however often they have failed."""
    check_text(event or "", "EVENT")
    with opened_resources() as resources:
        from swatchbook_buckets import event_ledger

        whose = choose_owner(resources.ledger, owner, all_owners, others=_owners_of_sources(resources))
        if event is not None:
            found = event_ledger.find_event(resources.ledger, event, whose)
            tried = [event_ledger.try_again(resources.ledger, found)]
        else:
            tried = event_ledger.try_all_again(resources.ledger, whose)
        if as_json:
            say_json(tried)
        else:
            note(f"{len(tried):,} to be tried again by the next round." if tried else "There is nothing to try again.")


def _owners_of_sources(resources: "Resources") -> set[str]:
    """Return the owners that may have events before they have a document."""
    return {source.owner for source in resources.settings.event_sources}
