"""Add up what runs did, for figures over time: seconds and units of stages, and tries that failed."""

from sqlalchemy import Connection

from swatchbook.store.ledger.database import db_now, upsert
from swatchbook.store.ledger.tables import figures


def add_figures(
    connection: Connection, document: str, run: str, stage: str, *, failure: str = "", seconds: float = 0.0, units: int
) -> None:
    """Add to what a run did. `stage`: or the role whose tries ended in a `failure` of this kind."""
    new = upsert(connection, figures).values(
        document=document, run=run, stage=stage, failure=failure, seconds=seconds, units=units, at=db_now()
    )
    added = {name: figures.c[name] + new.excluded[name] for name in ("seconds", "units")}
    key = list(figures.primary_key)
    connection.execute(new.on_conflict_do_update(index_elements=key, set_={**added, "at": new.excluded.at}))
