"""Store edits by hand with number, author and time, and the products and links that stage 7 found before them.

`swatchbook/product_edits.py` applies edits; `record_edits.py` makes and undoes them.
"""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, Connection, and_, delete, select, update

from swatchbook.ledger.bulk_rows import upsert_rows
from swatchbook.ledger.database import Ledger
from swatchbook.ledger.tables import assemblies, chunks, hand_edits, links, placements, products
from swatchbook.product_edits import apply_edits
from swatchbook.records import COUNTED, Anchor, Assembly, Edit, Link, PicturePlace, Product, StoredEdit

_EDIT: Final[TypeAdapter[Edit]] = TypeAdapter(Edit)


def list_edits(ledger: Ledger, document: str) -> list[StoredEdit]:
    """Return the edits of a document in order, undone ones and those that change nothing now included."""
    with ledger.read() as connection:
        return read_edits(connection, document)


def read_edits(connection: Connection, document: str) -> list[StoredEdit]:
    query = select(hand_edits).where(hand_edits.c.document == document).order_by(hand_edits.c.number)
    return [_read(row._mapping) for row in connection.execute(query)]


def read_found(connection: Connection, document: str) -> Assembly:
    """Return what stage 7 found: what is saved, unless edits have changed that."""
    kept = select(assemblies.c.record).where(assemblies.c.document == document)
    record = connection.execute(kept).scalar_one_or_none()
    if record is not None:
        return Assembly.model_validate(record)
    ordered = select(products.c.record).where(products.c.document == document).order_by(products.c.ordinal)
    linked = select(*(links.c[name] for name in Link.model_fields)).where(links.c.document == document)
    return Assembly(
        products=tuple(Product.model_validate(record) for record in connection.execute(ordered).scalars()),
        links=tuple(Link.model_validate(dict(row._mapping)) for row in connection.execute(linked)),
    )


def edit_assembly(connection: Connection, document: str, found: Assembly) -> Assembly:
    """Return what was found with the document's edits, and record what was found and which edits change nothing."""
    standing = [each for each in read_edits(connection, document) if each.undone_at is None]
    if not standing:
        connection.execute(delete(assemblies).where(assemblies.c.document == document))
        return found
    upsert_rows(connection, assemblies, [{"document": document, "record": found.model_dump(mode="json")}])
    edited, problems = apply_edits(
        found,
        {each.number: each.edit for each in standing},
        document=document,
        pictures=[
            PicturePlace(id=placement, page=anchor.page, box=anchor.box)
            for _, placement, anchor in _picture_anchors(connection, document)
            if anchor.box
        ],
        chunk_pages=_chunk_pages(connection, document),
    )
    for each in standing:
        if each.problem != (problem := problems.get(each.number)):
            connection.execute(update(hand_edits).where(is_edit(document, each.number)).values(problem=problem))
    return edited


def picture_anchors(ledger: Ledger, document: str) -> list[tuple[str, str, Anchor]]:
    """Return (image, placement, place) of every picture that a document shows, in reading order."""
    with ledger.read() as connection:
        return _picture_anchors(connection, document)


def is_edit(document: str, number: int) -> ColumnElement[bool]:
    return and_(hand_edits.c.document == document, hand_edits.c.number == number)


def dump_edit(edit: Edit) -> Any:
    return _EDIT.dump_python(edit, mode="json")


def _read(row: Mapping[Any, Any]) -> StoredEdit:
    fields = {name: row[name] for name in StoredEdit.model_fields}
    return StoredEdit.model_validate(fields)


def _picture_anchors(connection: Connection, document: str) -> list[tuple[str, str, Anchor]]:
    query = (
        select(placements.c.image, placements.c.id, placements.c.page, placements.c.bbox)
        .where(placements.c.document == document, placements.c.state.in_(COUNTED))
        .order_by(placements.c.ordinal)
    )
    rows = connection.execute(query)
    return [(row.image, row.id, Anchor(page=row.page, box=tuple(row.bbox))) for row in rows]


def _chunk_pages(connection: Connection, document: str) -> dict[str, list[int]]:
    query = select(chunks.c.id, chunks.c.record).where(chunks.c.document == document, ~chunks.c.gone)
    return {row.id: row.record["pages"] for row in connection.execute(query)}
