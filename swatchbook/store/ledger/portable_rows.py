"""Read the tables, rows and columns of the ledger that a backup holds, from one snapshot.

Left out is what means something on one machine only (runs, leases, flow runs, what is published), what is being
removed (documents that are deleted or in the trash, what nothing shows or uses any more), notices (the original sends
them) and what came in. So an item that a run had leased comes as pending, and a call that was reserved as one whose
outcome is unknown.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Table, func, or_, select, union

from swatchbook.domain.records import DocumentStatus
from swatchbook.store.ledger.tables import (
    analyses,
    assemblies,
    calls,
    chunks,
    contents,
    documents,
    figures,
    hand_edits,
    images,
    items,
    links,
    lost_pictures,
    owner_seeds,
    pages,
    placements,
    products,
    requested,
    reviews,
    source_items,
    spaces,
    vectors,
)
from swatchbook.store.ledger.used_contents import is_used_by_documents, is_used_by_trash

SHARED_TABLES: Sequence[Table] = (contents, vectors, analyses, reviews, items, calls)
"""Tables whose rows belong to no document: what models made is shared."""

PART_TABLES: Sequence[Table] = (
    requested, pages, lost_pictures, placements, products, chunks, links, hand_edits, assemblies,
    source_items, figures,
)  # fmt: skip
"""Tables whose rows are parts of one document."""

PORTABLE: Sequence[Table] = (owner_seeds, spaces, *SHARED_TABLES, documents, images, *PART_TABLES)
"""All tables of a backup."""

_PUBLISHING = frozenset(
    ("dirty", "made", "published", "gone", "publish_lease", "publish_until", "publish_tries", "publish_failure",
     "publish_next")
)  # fmt: skip
_LEFT_OUT: Mapping[Table, frozenset[str]] = {
    documents: frozenset({"run", "deaths", "trace"}),
    images: _PUBLISHING,
    chunks: _PUBLISHING,
    contents: frozenset({"unused_since"}),
    items: frozenset({"lease", "lease_until", "lease_size"}),
    spaces: frozenset({"dropping", "backgrounds"}),
}

_PORTION = 200
"""Rows that the database sends at a time: some are large."""


def portable_columns(table: Table) -> list[Column[Any]]:
    """Return the columns of a table that a backup holds."""
    return [column for column in table.columns if column.name not in _LEFT_OUT.get(table, ())]


def portable_rows(connection: Connection, table: Table) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of a table that a backup holds, in bounded memory."""
    query = select(*portable_columns(table)).where(*_kept(table))
    for row in connection.execute(query.execution_options(yield_per=_PORTION)):
        yield row._asdict()


def count_portable(connection: Connection) -> int:
    """Count the rows of all tables that a backup holds."""
    counts = (select(func.count()).select_from(table).where(*_kept(table)) for table in PORTABLE)
    return sum(connection.execute(count).scalar_one() for count in counts)


def portable_files(connection: Connection) -> Iterator[str]:
    """Yield the keys of the stored files that these rows name, in order, in bounded memory."""
    named = (contents.c.file, documents.c.file, documents.c.pages_file)
    files = union(
        *(select(column.label("file")).where(column.is_not(None), *_kept(column.table)) for column in named)
    ).subquery()
    query = select(files.c.file).order_by(files.c.file).execution_options(yield_per=_PORTION)
    yield from connection.execute(query).scalars()


def _kept(table: Any) -> list[ColumnElement[bool]]:
    """Return the conditions of the rows that a backup holds."""
    deleting = select(documents.c.id).where(documents.c.status == DocumentStatus.DELETING)
    if table is documents:
        return [documents.c.status != DocumentStatus.DELETING]
    if table is images:
        placed = select(placements.c.id).where(
            placements.c.image == images.c.id, placements.c.document.not_in(deleting)
        )
        return [placed.exists()]
    if table in PART_TABLES:
        return [table.c.document.not_in(deleting), *([~chunks.c.gone] if table is chunks else [])]
    if table is contents:
        # what only the trash keeps is being removed
        return [or_(contents.c.unused_since.is_(None) & ~is_used_by_trash(), is_used_by_documents())]
    if table in (vectors, analyses, reviews, items):
        left = or_(contents.c.unused_since.is_not(None), is_used_by_trash())
        unused = select(contents.c.key).where(left, ~is_used_by_documents())
        return [table.c.key.not_in(unused)]
    return [~spaces.c.dropping] if table is spaces else []
