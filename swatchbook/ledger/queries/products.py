"""Read products with their pictures: those of a document a portion at a time, or one by its id.

A product's pictures are the images with a file that a link connects to it, ordered by the score of the best link.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, literal, select, tuple_

from swatchbook.ledger.database import Ledger, select_in
from swatchbook.ledger.queries.portions import Numbered, read_portion
from swatchbook.ledger.tables import contents, documents, images, links, placements, products
from swatchbook.product_doubts import reasons_to_look
from swatchbook.records import COUNTED, LinkedPicture, LinkKind, Product, ProductDetails, ProductPicture


def find_product(ledger: Ledger, product: str) -> ProductDetails | None:
    """Return a product of any owner by its id, or None."""
    with ledger.read() as connection:
        rows = connection.execute(_PRODUCTS.where(products.c.id == product)).all()
        return next(iter(_with_pictures(connection, rows)), None)


def list_products(
    ledger: Ledger, document: str, *, after: tuple[int, str] | None = None, limit: int
) -> list[Numbered[ProductDetails]]:
    """Return a document's products in order, at most `limit`, each with its position; `after` a position."""
    query = _PRODUCTS.where(products.c.document == document)
    with ledger.read() as connection:
        rows = read_portion(connection, query, (products.c.ordinal, products.c.id), after, limit)
        positions = ((row.ordinal, row.id) for row in rows)
        return list(zip(positions, _with_pictures(connection, rows), strict=True))


def products_by_name(ledger: Ledger, owner: str) -> dict[str, list[str]]:
    """Return name, without case -> the ids of the owner's products that have it."""
    query = select(products.c.id, products.c.name).join(documents).where(documents.c.owner == owner)
    found = dict[str, list[str]]()
    with ledger.read() as connection:
        for row in connection.execute(query.order_by(products.c.id)):
            found.setdefault(row.name.casefold(), []).append(row.id)
    return found


def pictures_of_products(connection: Connection, ids: Iterable[str]) -> dict[str, list[ProductPicture]]:
    """Return product -> its pictures, best link first, each once; without products that have none."""
    pictures: dict[str, dict[str, ProductPicture]] = {}
    for row in select_in(connection, _PICTURES, links.c.target, ids):
        pictures.setdefault(row.target, {}).setdefault(row.id, _picture(row._mapping))
    return {product: list(by_id.values()) for product, by_id in pictures.items()}


def describe_products(ledger: Ledger, ids: Sequence[str]) -> list[ProductDetails]:
    """Return these products in the order given, without missing ones."""
    with ledger.read() as connection:
        found = _with_pictures(connection, list(select_in(connection, _PRODUCTS, products.c.id, ids)))
    by_id = {product.id: product for product in found}
    return [by_id[each] for each in ids if each in by_id]


def product_ids(ledger: Ledger, document: str, *, first: Sequence[str] = (), offset: int = 0, limit: int) -> list[str]:
    """Return the ids of a document's products, at most `limit` after `offset`; those in `first` come first."""
    begin = list(first[offset : offset + limit])
    others = select(products.c.id).where(products.c.document == document, products.c.id.not_in(first))
    query = others.order_by(products.c.ordinal, products.c.id).offset(max(offset - len(first), 0))
    with ledger.read() as connection:
        return begin + list(connection.execute(query.limit(limit - len(begin))).scalars())


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
    with ledger.read() as connection:
        return [
            LinkedPicture.model_validate(dict(row._mapping))
            for row in connection.execute(_LINKED.where(links.c.target == product))
        ]


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


_PRODUCTS = select(
    products.c.id,
    products.c.ordinal,
    products.c.document,
    products.c.record,
    documents.c.name.label("document_name"),
    documents.c.owner,
).join(documents)
_PICTURES = (
    select(
        links.c.target,
        links.c.score,
        images.c.id,
        images.c.width,
        images.c.height,
        placements.c.page,
        placements.c.caption,
        contents.c.file,
    )
    .join(placements, placements.c.id == links.c.source)
    .join(images, images.c.id == placements.c.image)
    .join(contents, contents.c.key == images.c.content_key)
    .where(
        links.c.kind == LinkKind.IMAGE_PRODUCT,
        placements.c.state.in_(COUNTED),
        contents.c.file.is_not(None),
    )
    .order_by(links.c.score.desc(), placements.c.ordinal)
)
_LINKED = (
    select(
        placements.c.id.label("placement"),
        placements.c.image,
        placements.c.page,
        placements.c.bbox,
        placements.c.path,
        placements.c.caption,
        contents.c.file.is_not(None).label("shown"),
        links.c.score,
        links.c.role,
        links.c.shared,
        links.c.evidence,
    )
    .join_from(links, placements, placements.c.id == links.c.source)
    .join(images, images.c.id == placements.c.image)
    .outerjoin(contents, contents.c.key == images.c.content_key)
    .where(links.c.kind == LinkKind.IMAGE_PRODUCT, placements.c.state.in_(COUNTED))
    .order_by(links.c.score.desc(), placements.c.ordinal)
)
