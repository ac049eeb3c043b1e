"""List what a person should look at in a catalogue: doubtful products, and pages that look like products without any.

`product_doubts.py` has the reasons.
"""

from collections.abc import Collection, Sequence
from typing import Final

from sqlalchemy import Connection, select

from swatchbook.ledger.database import Ledger, select_in
from swatchbook.ledger.documents import PDF
from swatchbook.ledger.tables import documents, pages, products
from swatchbook.product_doubts import reasons_to_look
from swatchbook.records import LookAt, Product

NO_PRODUCT: Final = "It looks like products, and none was found on it: a vision model or a person can name them."


def list_look_at(ledger: Ledger, document: str) -> tuple[LookAt, ...]:
    """Return what a person should look at in a document, by page."""
    with ledger.read() as connection:
        return read_look_at(connection, document)


def read_look_at(connection: Connection, document: str) -> tuple[LookAt, ...]:
    """Return what a person should look at in a document, by page; nothing of one without pages."""
    of_pdf = select(products.c.record).join(documents, documents.c.id == products.c.document)
    query = of_pdf.where(products.c.document == document, documents.c.kind == PDF).order_by(products.c.ordinal)
    found = [Product.model_validate(record) for record in connection.execute(query).scalars()]
    doubtful = [
        LookAt(page=product.first_page, product=product.id, name=product.name, reasons=reasons)
        for product in found
        if (reasons := reasons_to_look(product))
    ]
    return tuple(sorted([*doubtful, *_pages_without_products(connection, document, found)], key=lambda each: each.page))


def count_look_at(ledger: Ledger, ids: Collection[str]) -> dict[str, int]:
    """Return document -> how many products and pages a person should look at, for those of these that have any."""
    with ledger.read() as connection:
        known = select_in(connection, select(documents.c.id).where(documents.c.kind == PDF), documents.c.id, ids)
        counts = {row.id: len(read_look_at(connection, row.id)) for row in list(known)}
    return {document: count for document, count in counts.items() if count}


def _pages_without_products(connection: Connection, document: str, found: Sequence[Product]) -> list[LookAt]:
    """Return the pages that discovery calls unsure, but skipped ones, and those with products: these are doubtful."""
    covered = {number for product in found for number in product.pages}
    unsure = select(pages.c.number).where(pages.c.document == document, pages.c.unsure, pages.c.kind != "skipped")
    bare = [number for number in connection.execute(unsure).scalars() if number not in covered]
    return [LookAt(page=number, reasons=(NO_PRODUCT,)) for number in bare]
