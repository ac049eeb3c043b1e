"""Keep the codes of products and of their variants in an indexed table, so that a search for one finds its product.

Codes are compared without case and blanks. The table follows from the records of products, and is in no backup.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, delete, select

from swatchbook.domain.records import DocumentStatus, LinkKind, ResultKind
from swatchbook.store.ledger.bulk_rows import insert_new_rows
from swatchbook.store.ledger.database import Ledger, execute_in, select_in
from swatchbook.store.ledger.image_states import linked_images
from swatchbook.store.ledger.tables import chunks, documents, images, links, placements, product_codes, products

_LONGEST: Final = 64  # characters of a code; a longer text is none
_MOST_PRODUCTS: Final = 100  # with one code that a search finds
_SIGNS: Final = re.compile(r"[\W\d_]+")
_CODES: Final = frozenset({
    "code", "sku", "mpn", "gtin", "ean", "upc", "isbn", "asin", "barcode", "reference", "ref", "артикул",
    "itemid", "itemnumber", "itemno", "itemcode", "articleid", "articlenumber", "articleno", "artikelnummer",
    "artikelnr", "artnr", "productid", "productnumber", "productno", "productcode", "modelnumber", "partnumber",
    "vendorcode", "styleid", "stylecode",
})  # fmt: skip
"""Keys of metadata and facts that have codes, without digits and signs: "gtin13" is `gtin`."""


def code_key(text: str) -> str | None:
    """Return a code in the form in which codes are compared; None for a text that cannot be one."""
    key = "".join(text.casefold().split())
    return key if 0 < len(key) <= _LONGEST else None


def replace_codes(
    connection: Connection,
    document: str,
    before: Mapping[str, Mapping[str, Any]],
    after: Mapping[str, Mapping[str, Any]],
) -> None:
    """Save the codes of a document's products instead of those before. Both: product -> its record."""
    changed = {i for i in before.keys() | after.keys() if _codes_of(before.get(i)) != _codes_of(after.get(i))}
    execute_in(connection, delete(product_codes), product_codes.c.product, changed & before.keys())
    add_codes(connection, ((document, i, after[i]) for i in sorted(changed & after.keys())))


def add_codes(connection: Connection, records: Iterable[tuple[str, str, Mapping[str, Any]]]) -> None:
    """Save the codes of products that have none saved yet, given as (document, product, record)."""
    rows = [
        {"product": product, "code": code, "document": document}
        for document, product, record in records
        for code in sorted(_codes_of(record))
    ]
    insert_new_rows(connection, product_codes, rows)


def _codes_of(record: Mapping[str, Any] | None) -> set[str]:
    return {key for code in _printed_codes(record or {}) if (key := code_key(code))}


def _printed_codes(record: Mapping[str, Any]) -> Iterator[str]:
    variants = record.get("variants") or ()
    yield from (each["code"] for each in (record, *variants) if each.get("code"))
    facts = [*(record.get("metadata") or {}).items(), *(fact for each in variants for fact in each.get("facts", ()))]
    for key, value in facts:
        if _SIGNS.sub("", key.casefold()) in _CODES:
            yield from (value, *re.split("[,;]", value))  # several values of a fact are joined


# --- look-up ----------------------------------------------------------------------------------------------------------


def targets_of_codes(
    ledger: Ledger, by: ResultKind, owners: Collection[str], codes: Sequence[str]
) -> dict[str, list[str]]:
    """Return code -> the products with it, or their images or chunks, of these owners or of all; newest document first.

    Codes are given as `code_key` returns them. At most _MOST_PRODUCTS products of each are looked at.
    """
    with ledger.read() as connection:
        return {code: _targets(connection, by, _products_with(connection, code, owners)) for code in codes}


def _products_with(connection: Connection, code: str, owners: Collection[str]) -> list[str]:
    query = (
        select(products.c.id)
        .join(product_codes, product_codes.c.product == products.c.id)
        .join(documents, documents.c.id == products.c.document)
        .where(product_codes.c.code == code, documents.c.status != DocumentStatus.DELETING)
        .order_by(documents.c.superseded_by.is_not(None), documents.c.created_at.desc(), documents.c.id)
        .order_by(products.c.ordinal)
        .limit(_MOST_PRODUCTS)
    )
    if owners:
        query = query.where(documents.c.owner.in_(owners))
    return list(connection.execute(query).scalars())


def _targets(connection: Connection, by: ResultKind, found: Sequence[str]) -> list[str]:
    """Return these products, or their images or chunks, best link first."""
    if by == "product":
        return list(found)
    rows = select_in(connection, _IMAGES if by == "image" else _CHUNKS, links.c.target, found)
    place = {product: n for n, product in enumerate(found)}
    ordered = sorted(rows, key=lambda row: (place[row.target], -row.score, row.source))
    return list(dict.fromkeys(row.source for row in ordered))


_IMAGES: Final = linked_images(placements.c.image.label("source"), links.c.target, links.c.score).where(
    images.c.published > 0, ~images.c.gone
)
_CHUNKS: Final = (
    select(links.c.source, links.c.target, links.c.score)
    .join(chunks, chunks.c.id == links.c.source)
    .where(links.c.kind == LinkKind.CHUNK_PRODUCT, chunks.c.published > 0, ~chunks.c.gone)
)
