"""Read a document's products, chunks, entities, links, images and pages, a portion at a time.

A portion begins after the position of the last row, so that what is added or removed meanwhile does not shift the rest.
A product's pictures are the readable images that a link connects to it, best link first. All of a document at once:
`document.py`; documents: `store/ledger/stored_documents.py`.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, Select, func, literal, select, tuple_

from swatchbook.domain.product_doubts import reasons_to_look
from swatchbook.domain.records import (
    Chunk,
    DocumentImage,
    Entity,
    Link,
    LinkedPicture,
    LinkKind,
    LostPicture,
    PageDetails,
    PlacedImage,
    Product,
    ProductDetails,
    ProductPicture,
)
from swatchbook.store.ledger.database import Ledger, Source, select_in
from swatchbook.store.ledger.image_states import linked_images, picture_file, why_no_picture
from swatchbook.store.ledger.page_findings import list_lost_pictures, read_entities
from swatchbook.store.ledger.queries.document import image_rows
from swatchbook.store.ledger.tables import chunks, contents, documents, images, links, pages, placements, products

Listed = TypeVar("Listed")

Numbered = tuple[tuple[Any, ...], Listed]
"""A position in a list, and the row there."""


def read_portion(
    source: Source,
    query: Select[Any],
    position: Sequence[ColumnElement[Any]],
    after: Sequence[Any] | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Return at most `limit` rows of a query, ordered by the columns of `position`; only those after `after`."""
    if after is not None:
        query = query.where(tuple_(*position) > tuple_(*map(literal, after)))
    return source.execute(query.order_by(*position).limit(limit)).all()


class ProductLink(Link):
    """A link of a placement to a product, with the product's name."""

    name: str


ByOrdinal = tuple[int, str]
"""The position of a product, chunk, entity or image: its ordinal and its id."""

ByEnds = tuple[LinkKind, str, str]
"""The position of a link: its kind, source and target."""


def list_chunks(ledger: Ledger, document: str, *, after: ByOrdinal | None = None, limit: int) -> list[Numbered[Chunk]]:
    """Return a document's chunks in reading order."""
    query = select(chunks.c.ordinal, chunks.c.id, chunks.c.record).where(chunks.c.document == document, ~chunks.c.gone)
    rows = read_portion(ledger, query, (chunks.c.ordinal, chunks.c.id), after, limit)
    return [((row.ordinal, row.id), Chunk.model_validate(row.record)) for row in rows]


def list_entities(
    ledger: Ledger, document: str, *, after: ByOrdinal | None = None, limit: int
) -> list[Numbered[Entity]]:
    """Return a document's entities, by page."""
    found = enumerate(read_entities(ledger, document))
    numbered = [((number, each["id"]), Entity.model_validate(each)) for number, each in found]
    return [each for each in numbered if after is None or each[0] > after][:limit]


def list_links(ledger: Ledger, document: str, *, after: ByEnds | None = None, limit: int) -> list[Numbered[Link]]:
    """Return a document's links, by kind, source and target."""
    query = select(links).where(links.c.document == document)
    rows = read_portion(ledger, query, (links.c.kind, links.c.source, links.c.target), after, limit)
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
        for picture in list_lost_pictures(connection, document):
            lost[picture.page].append(picture)
    return [((row.number,), _page(row, lost[row.number])) for row in rows]


def _image(row: dict[str, Any]) -> DocumentImage:
    placed = [{name: each[name] for name in PlacedImage.model_fields} for each in row["placements"]]
    same = DocumentImage.model_fields.keys() & row.keys()
    return DocumentImage.model_validate(
        {name: row[name] for name in same} | {"state": row["status"], "placements": placed}
    )


def _page(row: Any, lost: Sequence[LostPicture]) -> PageDetails:
    x0, y0, x1, y1 = row.box
    size = (x1 - x0, y1 - y0) if x1 > x0 else (None, None)
    same = ("number", "label", "kind", "reason", "failure_kind", "unassigned", "unsure")
    return PageDetails(
        **{name: row._mapping[name] for name in same},
        width=size[0],
        height=size[1],
        pictures=row.pictures or (),
        lost_pictures=tuple(lost),
        rejected=row.rejected or (),
    )


# --- products ---------------------------------------------------------------------------------------------------------


def find_product(ledger: Ledger, product: str) -> ProductDetails | None:
    """Return a product of any owner by its id, or None."""
    return next(iter(describe_products(ledger, [product])), None)


def list_products(
    ledger: Ledger, document: str, *, after: tuple[int, str] | None = None, limit: int
) -> list[Numbered[ProductDetails]]:
    """Return a document's products in order, at most `limit`, each with its position; `after` a position."""
    query = PRODUCTS.where(products.c.document == document)
    with ledger.read() as connection:
        rows = read_portion(connection, query, (products.c.ordinal, products.c.id), after, limit)
        positions = ((row.ordinal, row.id) for row in rows)
        return list(zip(positions, _with_pictures(connection, rows), strict=True))


def pictures_of_products(source: Source, ids: Iterable[str]) -> dict[str, list[ProductPicture]]:
    """Return product -> its pictures, best link first, each once; without products that have none."""
    pictures: dict[str, dict[str, ProductPicture]] = {}
    for row in select_in(source, _PICTURES, links.c.target, ids):
        pictures.setdefault(row.target, {}).setdefault(row.id, _picture(row._mapping))
    return {product: list(by_id.values()) for product, by_id in pictures.items()}


def describe_products(ledger: Ledger, ids: Sequence[str]) -> list[ProductDetails]:
    """Return these products in the order given, without missing ones."""
    with ledger.read() as connection:
        found = _with_pictures(connection, select_in(connection, PRODUCTS, products.c.id, ids))
    by_id = {product.id: product for product in found}
    return [by_id[each] for each in ids if each in by_id]


def product_ids(ledger: Ledger, document: str, *, first: Sequence[str] = (), offset: int = 0, limit: int) -> list[str]:
    """Return the ids of a document's products, at most `limit` after `offset`; those in `first` come first."""
    begin = list(first[offset : offset + limit])
    others = select(products.c.id).where(products.c.document == document, products.c.id.not_in(first))
    query = others.order_by(products.c.ordinal, products.c.id).offset(max(offset - len(first), 0))
    return begin + list(ledger.execute(query.limit(limit - len(begin))).scalars())


def neighbours(ledger: Ledger, product: ProductDetails) -> tuple[tuple[str, str] | None, tuple[str, str] | None]:
    """Return (id, name) of the products before and after one in its document, None at the ends."""
    here = select(products.c.ordinal, products.c.id).where(products.c.id == product.id)
    position = tuple_(products.c.ordinal, products.c.id)
    query = select(products.c.id, products.c.name).where(products.c.document == product.document_id)
    with ledger.read() as connection:
        this = connection.execute(here).one_or_none()
        if this is None:
            return None, None
        at = tuple_(literal(this.ordinal), literal(this.id))
        last = query.where(position < at).order_by(products.c.ordinal.desc(), products.c.id.desc()).limit(1)
        next_ = query.where(position > at).order_by(products.c.ordinal, products.c.id).limit(1)
        before, after = (connection.execute(each).one_or_none() for each in (last, next_))
    return tuple(before) if before else None, tuple(after) if after else None


def linked_pictures(ledger: Ledger, product: str) -> list[LinkedPicture]:
    """Return the placements that are linked to a product, best link first."""
    return [
        LinkedPicture.model_validate(dict(row._mapping))
        for row in ledger.execute(_LINKED.where(links.c.target == product))
    ]


def unreadable_pictures(ledger: Ledger, document: str) -> list[tuple[str, str, str]]:
    """Return (image, product's name, why) of linked images that are no picture of their product: none can be read."""
    query = (
        linked_images(images.c.id, products.c.name, why_no_picture)
        .join(products, products.c.id == links.c.target)
        .join(contents, contents.c.key == images.c.content_key)
        .where(links.c.document == document, why_no_picture.is_not(None))
        .order_by(placements.c.ordinal, products.c.name)
    )
    return [(row.id, row.name, row.why_no_picture) for row in ledger.execute(query)]


def _picture(row: Mapping[Any, Any]) -> ProductPicture:
    return ProductPicture.model_validate({name: row[name] for name in ProductPicture.model_fields})


def _with_pictures(connection: Connection, rows: Sequence[Row[Any]]) -> list[ProductDetails]:
    pictures = pictures_of_products(connection, [row.id for row in rows])
    found = [(row, Product.model_validate(row.record)) for row in rows]
    return [
        ProductDetails(
            **dict(product),
            document_id=row.document,
            document=row.document_name,
            owner=row.owner,
            pictures=tuple(pictures.get(row.id, ())),
            look_at=reasons_to_look(product),
        )
        for row, product in found
    ]


PRODUCTS = select(
    products.c.id, products.c.ordinal, products.c.document, products.c.record, documents.c.name.label("document_name"),
    documents.c.owner,
).join(documents)  # fmt: skip
_PICTURES = (
    linked_images(
        links.c.target, links.c.score, links.c.role, images.c.id, images.c.width, images.c.height, placements.c.page,
        placements.c.caption, picture_file,
    )
    .join(contents, contents.c.key == images.c.content_key)
    .where(picture_file.is_not(None))
    .order_by(links.c.score.desc(), placements.c.ordinal)
)  # fmt: skip
_LINKED = (
    linked_images(
        placements.c.id.label("placement"), placements.c.image, placements.c.page, placements.c.bbox, placements.c.path,
        placements.c.caption, picture_file.is_not(None).label("shown"), why_no_picture, links.c.score, links.c.role,
        links.c.shared, links.c.evidence,
    )
    .outerjoin(contents, contents.c.key == images.c.content_key)
    .order_by(links.c.score.desc(), placements.c.ordinal)
)  # fmt: skip
