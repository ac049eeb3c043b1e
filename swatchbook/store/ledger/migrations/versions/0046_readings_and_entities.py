"""Readings that people taught are kept with their document, and entities with their page; also in the trash."""

import json
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from alembic import op
from sqlalchemy import JSON, Column, MetaData, Table, column, delete, select, table, update

revision = "0046"
down_revision = "0045"

Row = Mapping[str, Any]
Place = tuple[Any, ...]


def upgrade() -> None:
    _fold(
        "taught_readings", "number", into="documents", name="readings", key=("id",),
        place=lambda row: (row["document"],),
        entry=lambda row: {name: value for name, value in row.items() if name != "document"},
    )  # fmt: skip
    _fold(
        "entities", "ordinal", into="pages", name="entities", key=("document", "number"),
        place=lambda row: (row["document"], row["record"]["page"]), entry=lambda row: row["record"],
    )  # fmt: skip


def _fold(
    before: str,
    order: str,
    *,
    into: str,
    name: str,
    key: tuple[str, ...],
    place: Callable[[Row], Place],
    entry: Callable[[Row], Any],
) -> None:
    """Keep the rows of a table in a new JSON column of another one, in the rows with this key."""

    def by_place(rows: Iterable[Any]) -> Mapping[Place, list[Any]]:
        found = defaultdict[Place, list[Any]](list)
        for row in sorted(rows, key=lambda row: row[order]):
            found[place(row)].append(entry(row))
        return found

    connection = op.get_bind()
    old = Table(before, MetaData(), autoload_with=connection)
    op.add_column(into, Column(name, JSON))
    new = table(into, *map(column, key), column(name, JSON))
    for at, entries in by_place(connection.execute(select(old)).mappings().all()).items():
        here = (new.c[each] == value for each, value in zip(key, at, strict=True))
        connection.execute(update(new).where(*here).values({name: entries}))
    op.drop_table(before)
    trash = table("trash_rows", *map(column, ("document", "number", "name", "data")))
    trashed = select(trash.c.document).where(trash.c.name == before).distinct()
    for document in connection.execute(trashed).scalars().all():
        kept = connection.execute(select(trash).where(trash.c.document == document).order_by(trash.c.number)).all()
        rows = {each.number: json.loads(zlib.decompress(each.data)) for each in kept}
        left = by_place(row for each in kept if each.name == before for row in rows[each.number])
        for each in kept:
            this = (trash.c.document == document, trash.c.number == each.number)
            if each.name == before:
                connection.execute(delete(trash).where(*this))
            if each.name == into:
                folded = [{**row, name: left.get(tuple(row[part] for part in key))} for row in rows[each.number]]
                data = zlib.compress(json.dumps(folded).encode(), 1)
                connection.execute(update(trash).where(*this).values(data=data))
