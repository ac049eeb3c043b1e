"""Read a document's chunks, entities, links, images and pages, a portion at a time.

Products: `products.py`; all of a document at once: `document.py`.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, TypeVar

from sqlalchemy import Table, func, select

from swatchbook.ledger.database import Ledger, select_in
from swatchbook.ledger.queries.document import image_rows
from swatchbook.ledger.queries.lost_pictures import read_lost_pictures
from swatchbook.ledger.queries.portions import Numbered, read_portion
from swatchbook.ledger.tables import chunks, entities, links, pages, placements, products
from swatchbook.records import (
    Chunk,
    DocumentImage,
    Entity,
    Link,
    LinkKind,
    LostPicture,
    PageDetails,
    PlacedImage,
    Record,
)

T = TypeVar("T", bound=Record)


class ProductLink(Link):
    """A link of a placement to a product, with the product's name."""

    name: str


ByOrdinal = tuple[int, str]
"""The position of a product, chunk, entity or image: its ordinal and its id."""

ByEnds = tuple[LinkKind, str, str]
"""The position of a link: its kind, source and target."""


def list_chunks(ledger: Ledger, document: str, *, after: ByOrdinal | None = None, limit: int) -> list[Numbered[Chunk]]:
    """Return a document's chunks in reading order."""
    return _list_records(ledger, chunks, Chunk, document, after, limit)


def list_entities(
    ledger: Ledger, document: str, *, after: ByOrdinal | None = None, limit: int
) -> list[Numbered[Entity]]:
    """Return a document's entities in order."""
    return _list_records(ledger, entities, Entity, document, after, limit)


def list_links(ledger: Ledger, document: str, *, after: ByEnds | None = None, limit: int) -> list[Numbered[Link]]:
    """Return a document's links, by kind, source and target."""
    query = select(links).where(links.c.document == document)
    with ledger.read() as connection:
        rows = read_portion(connection, query, (links.c.kind, links.c.source, links.c.target), after, limit)
    return [
        (
            (row.kind, row.source, row.target),
            Link.model_validate({name: row._mapping[name] for name in Link.model_fields}),
        )
        for row in rows
    ]


def list_images(
    ledger: Ledger, document: str, *, after: ByOrdinal | None = None, limit: int
) -> list[Numbered[DocumentImage]]:
    """Return every image that a document places, shown or not, in reading order."""
    first = (
        select(placements.c.image, func.min(placements.c.ordinal).label("ordinal"))
        .where(placements.c.document == document)
        .group_by(placements.c.image)
        .subquery("first")
    )
    with ledger.read() as connection:
        rows = read_portion(connection, select(first), (first.c.ordinal, first.c.image), after, limit)
        described = {row["id"]: row for row in image_rows(connection, document, [row.image for row in rows])}
    return [((row.ordinal, row.image), _image(described[row.image])) for row in rows if row.image in described]


def image_in_document(ledger: Ledger, document: str, image: str) -> tuple[DocumentImage, list[ProductLink]] | None:
    """Return an image as a document places it, and its links to the document's products, best first."""
    query = (
        select(*(links.c[name] for name in Link.model_fields), products.c.name)
        .join_from(links, products, products.c.id == links.c.target)
        .where(links.c.document == document, links.c.kind == LinkKind.IMAGE_PRODUCT)
        .order_by(links.c.score.desc(), links.c.target)
    )
    with ledger.read() as connection:
        rows = image_rows(connection, document, [image])
        if not rows:
            return None
        placed = _image(rows[0])
        linked = select_in(connection, query, links.c.source, [place.id for place in placed.placements])
        found = [ProductLink.model_validate(dict(row._mapping)) for row in linked]
    return placed, found


def list_pages(
    ledger: Ledger, document: str, *, after: tuple[int] | None = None, limit: int
) -> list[Numbered[PageDetails]]:
    """Return a document's pages by number."""
    query = select(pages).where(pages.c.document == document)
    lost = defaultdict[int, list[LostPicture]](list)
    with ledger.read() as connection:
        rows = read_portion(connection, query, (pages.c.number,), after, limit)
        for picture in read_lost_pictures(connection, document):
            lost[picture.page].append(picture)
    return [((row.number,), _page(row, lost[row.number])) for row in rows]


def _list_records(
    ledger: Ledger, table: Table, record: type[T], document: str, after: ByOrdinal | None, limit: int
) -> list[Numbered[T]]:
    query = select(table.c.ordinal, table.c.id, table.c.record).where(table.c.document == document)
    if "gone" in table.c:
        query = query.where(~table.c.gone)
    with ledger.read() as connection:
        rows = read_portion(connection, query, (table.c.ordinal, table.c.id), after, limit)
    return [((row.ordinal, row.id), record.model_validate(row.record)) for row in rows]


def _image(row: dict[str, Any]) -> DocumentImage:
    placed = [{name: each[name] for name in PlacedImage.model_fields} for each in row["placements"]]
    same = DocumentImage.model_fields.keys() & row.keys()
    return DocumentImage.model_validate(
        {name: row[name] for name in same} | {"state": row["status"], "placements": placed}
    )


def _page(row: Any, lost: Sequence[LostPicture]) -> PageDetails:
    x0, y0, x1, y1 = row.box
    size = (x1 - x0, y1 - y0) if x1 > x0 else (None, None)
    return PageDetails(
        number=row.number,
        label=row.label,
        width=size[0],
        height=size[1],
        kind=row.kind,
        reason=row.reason,
        failure_kind=row.failure_kind,
        pictures=row.pictures or (),
        lost_pictures=tuple(lost),
        unassigned=row.unassigned,
        rejected=row.rejected or (),
        unsure=row.unsure,
    )
