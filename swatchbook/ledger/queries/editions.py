"""Read the parts of a document that are compared with another edition; find the older document of the same name."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select

from swatchbook.ledger.database import Ledger
from swatchbook.ledger.documents import Document, load_document, read_document
from swatchbook.ledger.tables import documents, images, links, placements, products, timings
from swatchbook.printed_prices import amounts_of, currencies_of, with_currency
from swatchbook.records import (
    COUNTED,
    DocumentStatus,
    Edition,
    EditionProduct,
    LinkKind,
    ListedProduct,
    PrintedPrice,
    Product,
    ShownPicture,
    Stage,
)

_LIKELY = 3
"""Documents of the same name that are looked at, the newest first."""


def read_edition(ledger: Ledger, document: str) -> Edition:
    """Return a document as it is compared. Raises InvalidReference for an unknown one."""
    with ledger.read() as connection:
        stored = load_document(connection, document)
        shown = connection.execute(
            select(images.c.content_key)
            .join(placements, placements.c.image == images.c.id)
            .where(placements.c.document == document, placements.c.state.in_(COUNTED))
        ).scalars()
        return Edition(
            id=stored.id,
            name=stored.name,
            products=tuple(_products(connection, document)),
            pictures=frozenset(shown),
        )


def same_name(ledger: Ledger, document: Document) -> list[Document]:
    """Return earlier documents of the owner with the same name, the newest first, that are not superseded."""
    query = (
        select(documents)
        .where(
            documents.c.owner == document.owner,
            documents.c.name == document.name,
            documents.c.kind == document.kind,
            documents.c.id != document.id,
            documents.c.created_at <= document.created_at,
            documents.c.status == DocumentStatus.COMPLETED,
            documents.c.superseded_by.is_(None),
        )
        .order_by(documents.c.created_at.desc(), documents.c.id)
        .limit(_LIKELY)
    )
    with ledger.read() as connection:
        return [read_document(row) for row in connection.execute(query).mappings()]


def count_embedded(ledger: Ledger, document: str, run: str) -> int:
    """Return of how many pictures a run made anything."""
    query = select(timings.c.units).where(
        timings.c.document == document, timings.c.run == run, timings.c.stage == Stage.EMBEDDED
    )
    with ledger.read() as connection:
        return connection.execute(query).scalar_one_or_none() or 0


def _products(connection: Connection, document: str) -> list[EditionProduct]:
    query = select(products.c.record).where(products.c.document == document).order_by(products.c.ordinal)
    pictures = _pictures(connection, document)
    found = map(Product.model_validate, connection.execute(query).scalars())
    return [_product(product, pictures.get(product.id, {})) for product in found]


def _product(product: Product, pictures: Mapping[str, ShownPicture]) -> EditionProduct:
    told = product.metadata
    prices = {"": with_currency(told["price"], told.get("currency"))} if told.get("price") else {}
    size = told.get("size") or told.get("dimensions")  # by the label, or found by its signs
    sizes = {"": size} if size else {}
    for variant in product.variants:
        name = variant.code or variant.name
        prices |= {name: variant.price} if variant.price else {}
        sizes |= {name: variant.size} if variant.size else {}
    return EditionProduct(
        listed=ListedProduct(
            id=product.id, name=product.name, code=product.code or told.get("code"), page=product.first_page
        ),
        category=product.category,
        prices={
            name: PrintedPrice(text=text, amounts=amounts_of(text), currencies=currencies_of(text))
            for name, text in prices.items()
        },
        sizes=sizes,
        pictures=tuple(pictures.values()),
    )


def _pictures(connection: Connection, document: str) -> dict[str, dict[str, ShownPicture]]:
    """Return product -> placement -> the picture that is linked to it."""
    query: Any = (
        select(links.c.target, placements.c.id, placements.c.page, placements.c.bbox, images.c.content_key)
        .join(placements, placements.c.id == links.c.source)
        .join(images, images.c.id == placements.c.image)
        .where(
            links.c.document == document,
            links.c.kind == LinkKind.IMAGE_PRODUCT,
            placements.c.state.in_(COUNTED),
        )
        .order_by(placements.c.ordinal)
    )
    found = dict[str, dict[str, ShownPicture]]()
    for row in connection.execute(query):
        picture = ShownPicture(key=row.content_key, page=row.page, box=tuple(row.bbox))
        found.setdefault(row.target, {})[row.id] = picture
    return found
