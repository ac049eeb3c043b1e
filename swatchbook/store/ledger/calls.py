"""Who pays for a call to a provider, and what a document paid.

`packages/providers` reserves calls and stores their answers. Each attempt has its own row, so that no cost is lost.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, func, select

from swatchbook.domain.records import Spent
from swatchbook.domain.tracing import current_span
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.runs import Run
from swatchbook.store.ledger.tables import calls, runs

if TYPE_CHECKING:
    from opentelemetry.trace import Span

at_most: ColumnElement[float] = func.coalesce(calls.c.cost_usd, calls.c.at_most_usd, 0.0)
"""What a call costs, or may cost at most where its cost is not known."""


@dataclass(frozen=True)
class CallContext:
    """The run and stage that pay for a call. `span`: in which the calls are made, whatever thread makes them.

    `for_items`: a call that is told to wait for long raises RateLimited, and its items are given back.
    """

    ledger: Ledger
    run: Run
    stage: str
    for_items: bool = False
    span: "Span | None" = field(default_factory=current_span, compare=False, repr=False)


def spending(ledger: Ledger, document: str) -> list[Spent]:
    """Return what a document paid, by stage, provider and model."""
    lost = (calls.c.state == "unknown") | ((calls.c.state == "reserved") & runs.c.state.is_distinct_from("live"))
    unknown = lost | ((calls.c.state == "failed") & calls.c.cost_usd.is_(None))
    unpriced = (calls.c.state == "answered") & calls.c.cost_usd.is_(None)
    of = (calls.c.stage, calls.c.provider, calls.c.model)
    query = (
        select(
            *of,
            func.count().label("calls"),
            func.count().filter(calls.c.state == "failed").label("failed"),
            func.count().filter(unknown).label("unknown"),
            func.count().filter(unpriced).label("unpriced"),
            func.count().filter(calls.c.truncated).label("truncated"),
            func.coalesce(func.sum(calls.c.tokens_in), 0).label("tokens_in"),
            func.coalesce(func.sum(calls.c.tokens_out), 0).label("tokens_out"),
            func.coalesce(func.sum(calls.c.cost_usd), 0.0).label("cost_usd"),
            func.coalesce(func.sum(at_most), 0.0).label("at_most_usd"),
        )
        .join_from(calls, runs, runs.c.token == calls.c.run, isouter=True)
        .where(calls.c.document == document)
        .group_by(*of)
        .order_by(*of)
    )
    return [Spent.model_validate(dict(row)) for row in ledger.execute(query).mappings()]
