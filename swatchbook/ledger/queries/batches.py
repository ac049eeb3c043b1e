"""List the batches of providers with the calls in them, how many are answered, and what they cost."""

from urllib.parse import urlsplit

from sqlalchemy import case, func, select

from swatchbook.ledger.database import Ledger
from swatchbook.ledger.tables import calls, provider_batches
from swatchbook.records import BatchState


def batch_states(ledger: Ledger, *, limit: int = 100, ended: bool = True) -> list[BatchState]:
    """Return the batches, newest first; `ended`: also those that have ended."""
    is_answered = calls.c.state == "answered"
    is_open = calls.c.state.in_(("queued", "batched"))
    of_batch = (
        select(
            calls.c.batch,
            func.sum(case((is_answered, 1), else_=0)).label("answered"),
            func.sum(calls.c.cost_usd).label("cost_usd"),
            func.sum(case((is_open, calls.c.at_most_usd))).label("at_most_usd"),
        )
        .where(calls.c.batch.is_not(None))
        .group_by(calls.c.batch)
        .subquery("of_batch")
    )
    query = (
        select(provider_batches, of_batch.c.answered, of_batch.c.cost_usd, of_batch.c.at_most_usd)
        .outerjoin(of_batch, of_batch.c.batch == provider_batches.c.id)
        .where(*([] if ended else [provider_batches.c.state != "ended"]))
        .order_by(provider_batches.c.id.desc())
        .limit(limit)
    )
    with ledger.read() as connection:
        return [
            BatchState(
                **{name: row[name] for name in BatchState.model_fields.keys() & row.keys() - {"answered"}},
                provider=urlsplit(row["url"]).netloc,
                answered=row["answered"] or 0,
            )
            for row in connection.execute(query).mappings()
        ]
