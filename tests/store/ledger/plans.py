"""How SQLite goes about a question: without a scan where there may be millions of rows.

PostgreSQL counts rows before it chooses, so an empty one says nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy.event import listen, remove

from swatchbook.store.ledger.database import Ledger


@contextmanager
def planned(ledger: Ledger) -> Iterator[list[str]]:
    """What SQLite says of each statement that is executed meanwhile: there when this ends."""
    asked, plans = list[tuple[str, Any]](), list[str]()

    def note(*event: Any) -> None:
        _, _, statement, values, _, many = event
        asked.append((statement, values[0] if many else values))

    with ledger.read() as connection:
        engine = connection.engine
    listen(engine, "before_cursor_execute", note)
    try:
        yield plans
    finally:
        remove(engine, "before_cursor_execute", note)
    with ledger.read() as connection:
        plans += [
            str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", values).all())
            for query, values in asked
            if query.startswith(("SELECT", "INSERT", "UPDATE", "DELETE"))
        ]
