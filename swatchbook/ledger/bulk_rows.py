"""Insert, replace, lock and delete rows in bulk."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Table, and_, bindparam, delete, select

from swatchbook.ledger.database import portions, upsert

Values = dict[str, Any]


def upsert_rows(
    connection: Connection, table: Table, rows: Sequence[Values], *, new: Mapping[str, Any] | None = None
) -> None:
    """Insert rows, or replace the columns given of those that are there; `new` is for those inserted only."""
    if not rows:
        return
    insert = upsert(connection, table)
    keys = {column.name for column in table.primary_key}
    given = {name: insert.excluded[name] for name in rows[0] if name not in keys}
    first = dict(new or {})
    connection.execute(
        insert.on_conflict_do_update(index_elements=sorted(keys), set_=given),
        [row | first for row in rows],
    )


def insert_new_rows(connection: Connection, table: Table, rows: Sequence[Values]) -> None:
    """Insert rows whose key is not there yet."""
    if rows:
        connection.execute(upsert(connection, table).on_conflict_do_nothing(), rows)


def delete_rows_by_key(connection: Connection, table: Table, keys: Collection[Any]) -> None:
    """Delete rows by primary key: values where it is one column, tuples in its order where it is more."""
    columns = list(table.primary_key)
    names = [f"key_{n}" for n in range(len(columns))]
    found = and_(*(column == bindparam(name) for column, name in zip(columns, names, strict=True)))
    rows = [dict(zip(names, (key if len(columns) > 1 else (key,)), strict=True)) for key in sorted(keys)]
    if rows:
        connection.execute(delete(table).where(found), rows)


def lock_rows(connection: Connection, table: Table, ids: Collection[str]) -> dict[str, Row[Any]]:
    """id -> row of images or chunks, locked against other writers."""
    return {
        row.id: row
        for portion in portions(sorted(ids))
        for row in connection.execute(select(table).where(table.c.id.in_(portion)).with_for_update())
    }
