"""Keep the chain of a document's editions, mark those as superseded whose newer edition has products, and compare two.

Searches leave out what only superseded documents show; nothing of them is deleted.

A document is an edition of at most one, and has at most one newer edition. Deleting one closes the chain: the older one
is then superseded by the next, or by none, and searched again.
"""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection, select

from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.records import (
    COUNTED,
    DocumentStatus,
    Edition,
    EditionProduct,
    ListedProduct,
    PrintedPrice,
    Product,
    ShownPicture,
)
from swatchbook.store.ledger.database import Ledger, db_now
from swatchbook.store.ledger.dirty import mark_documents
from swatchbook.store.ledger.image_states import linked_images
from swatchbook.store.ledger.stored_documents import Document, change_document, get_document, read_document
from swatchbook.store.ledger.tables import documents, images, links, placements, products
from swatchbook_base.printed_prices import amounts_of, currencies_of, with_currency


def declare_edition(connection: Connection, newer: str, older: str) -> None:
    """Record that a document is the newer edition of another one of its owner; it supersedes that once it has products.

    Raises InvalidReference where this cannot be.
    """
    new, old = get_document(connection, newer, lock=True), get_document(connection, older, lock=True)
    if new.edition_of == old.id:
        return
    _require_chain(connection, new, old)
    _set(connection, new.id, edition_of=old.id)
    _supersede(connection, new.id)


def supersede(ledger: Ledger, newer: str) -> bool:
    """Let a document with products supersede the one that it is an edition of; return whether that is new."""
    if get_document(ledger, newer).edition_of is None:
        return False
    with ledger.write() as connection:
        return _supersede(connection, newer)


def leave_chain(connection: Connection, document: str) -> None:
    """Take a document that is being deleted out of its chain. If it was the last, the one before is searched again."""
    row = _find(connection, document)
    if row is None:  # another process has finished its delete
        return
    older = connection.execute(select(documents.c.id).where(documents.c.superseded_by == document)).scalars().all()
    newer = connection.execute(select(documents.c.id).where(documents.c.edition_of == document)).scalars().all()
    _set(connection, document, edition_of=None, superseded_by=None)
    for each in older:
        _set(connection, each, superseded_by=row.superseded_by)
        if row.superseded_by is None:
            mark_documents(connection, documents.c.id == each)
    for each in newer:
        _set(connection, each, edition_of=row.edition_of)
        _supersede(connection, each)


def rejoin_chain(connection: Connection, document: str, *, older: str | None, newer: str | None) -> None:
    """Put a document that is here again back between its older and its newer edition, as far as these are as before."""
    before, after = _find(connection, older), _find(connection, newer)
    if after is not None and after.edition_of in (None, older):
        _set(connection, after.id, edition_of=document)
    taken = select(documents.c.id).where(documents.c.edition_of == older, documents.c.id != document)
    if before is not None and connection.execute(taken).first() is None:
        _set(connection, document, edition_of=older)
        _supersede(connection, document)
    if after is not None:
        _supersede(connection, after.id)


def has_superseded(ledger: Ledger, owners: Collection[str]) -> bool:
    """Return whether any document of these owners is superseded; no owners means all."""
    of_owners = [documents.c.owner.in_(owners)] if owners else []
    query = select(documents.c.id).where(documents.c.superseded_by.is_not(None), *of_owners).limit(1)
    return ledger.execute(query).first() is not None


def _supersede(connection: Connection, newer: str) -> bool:
    new = get_document(connection, newer, lock=True)
    has_products = connection.execute(select(products.c.id).where(products.c.document == newer).limit(1)).first()
    if new.edition_of is None or has_products is None:
        return False
    old = _find(connection, new.edition_of)
    if old is None or old.superseded_by == newer:
        return False
    _set(connection, old.id, superseded_by=newer)
    mark_documents(connection, documents.c.id == old.id)
    return True


def _find(connection: Connection, document: str | None) -> Document | None:
    """Return a document of a chain; None if it is not here, as that of a backup which did not hold it."""
    row = connection.execute(select(documents).where(documents.c.id == document)).mappings().one_or_none()
    return None if row is None else read_document(row)


def _require_chain(connection: Connection, new: Document, old: Document) -> None:
    """Raise InvalidReference unless a document can become the newer edition of another one."""
    if new.owner != old.owner:
        raise InvalidReference(f"There is no document {old.id}.", advice="`swatchbook status` lists them.")
    if old.status == DocumentStatus.DELETING:
        raise InvalidReference(f"{old.name} ({old.id[:8]}) is being deleted.")
    if known := _find(connection, new.edition_of):
        raise InvalidReference(
            f"{new.name} is an edition of {known.name} ({known.id[:8]}) already.",
            advice=f"To change that, delete it first (swatchbook delete {new.id[:8]}), and ingest it again.",
        )
    follower = connection.execute(select(documents).where(documents.c.edition_of == old.id)).first()
    if follower is not None:
        raise InvalidReference(
            f"{old.name} has a newer edition already: {follower.name} ({follower.id[:8]}).",
            advice=f"Name that one: --edition-of {follower.id[:8]}",
        )
    if new.id == old.id:
        raise InvalidReference(f"{new.name} cannot be a newer edition of itself.")
    earlier: Document | None = old
    while earlier is not None:
        if earlier.id == new.id:
            raise InvalidReference(f"{new.name} ({new.id[:8]}) is an earlier edition of {old.name} ({old.id[:8]}).")
        earlier = _find(connection, earlier.edition_of)


def _set(connection: Connection, document: str, **values: Any) -> None:
    change_document(connection, document, **values, updated_at=db_now())


# --- what is compared -------------------------------------------------------------------------------------------------


def read_edition(ledger: Ledger, document: str) -> Edition:
    """Return a document as it is compared. Raises InvalidReference for an unknown one."""
    with ledger.read() as connection:
        stored = get_document(connection, document)
        shown = connection.execute(
            select(images.c.content_key)
            .join(placements, placements.c.image == images.c.id)
            .where(placements.c.document == document, placements.c.state.in_(COUNTED))
        ).scalars()
        return Edition(
            id=stored.id, name=stored.name, products=tuple(_products(connection, document)), pictures=frozenset(shown)
        )


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
    query = linked_images(
        links.c.target, placements.c.id, placements.c.page, placements.c.bbox, images.c.content_key
    ).where(links.c.document == document)
    found = dict[str, dict[str, ShownPicture]]()
    for row in connection.execute(query.order_by(placements.c.ordinal)):
        picture = ShownPicture(key=row.content_key, page=row.page, box=tuple(row.bbox))
        found.setdefault(row.target, {})[row.id] = picture
    return found
