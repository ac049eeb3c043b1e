"""Insert, replace and lock many rows at once, in any table. It has no rules."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Table, select

from swatchbook.store.ledger.database import upsert

Values = dict[str, Any]


def upsert_rows(
    connection: Connection, table: Table, rows: Sequence[Values], *, new: Mapping[str, Any] | None = None
) -> None:
    """Insert rows, or update their columns where the key exists; `new`: values for inserted rows only."""
    if not rows:
        return
    insert = upsert(connection, table)
    keys = {column.name for column in table.primary_key}
    updated = {name: insert.excluded[name] for name in rows[0] if name not in keys}
    connection.execute(
        insert.on_conflict_do_update(index_elements=sorted(keys), set_=updated),
        [row | dict(new or {}) for row in rows],
    )


def insert_new_rows(connection: Connection, table: Table, rows: Sequence[Values]) -> None:
    """Insert rows whose key does not exist yet."""
    if rows:
        connection.execute(upsert(connection, table).on_conflict_do_nothing(), rows)


def lock_document_rows(connection: Connection, table: Table, document: str) -> dict[str, Row[Any]]:
    """Return id -> row of the document, locked against other writers."""
    query = select(table).where(table.c.document == document).with_for_update()
    return {row.id: row for row in connection.execute(query)}
