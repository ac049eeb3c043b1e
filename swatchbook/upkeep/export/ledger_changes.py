"""What the ledger tells an export that is compared: since a time, documents that came or changed, and the rows of
products that are gone; with a file, the rows of products in documents outside the export.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from swatchbook.domain.records import DocumentStatus, Trashed
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.queries.changes import changed_documents, removed_by_edits, trashed_products
from swatchbook.store.ledger.stored_documents import Document, all_documents
from swatchbook.store.ledger.trashed_documents import list_trash
from swatchbook.upkeep.export.formats import LedgerChanges
from swatchbook.upkeep.export.product_rows import ProductRow, as_rows, read_products

_ENDED = (DocumentStatus.COMPLETED, DocumentStatus.FAILED, DocumentStatus.DELETING)


def deleted_since(ledger: Ledger, since: object, owner: str | None) -> list[Trashed]:
    """Return the documents of an owner, or (None) of all, that came into the trash since a time; none for a file."""
    if not isinstance(since, datetime):
        return []
    return [each for each in list_trash(ledger, owner) if each.at >= since.timestamp()]


def changes_since(
    ledger: Ledger, since: object, documents: Sequence[Document], deleted: Sequence[Trashed]
) -> LedgerChanges | None:
    """Return what the ledger knows of these documents since a time, or compared with a file; None without either.

    `deleted`: documents whose products to name as gone since a time.
    """
    if since is None:
        return None
    if not isinstance(since, datetime):
        open_ones = (each.name for each in all_documents(ledger, None) if each.status not in _ENDED)
        elsewhere = _elsewhere(ledger, {each.id for each in documents})
        return LedgerChanges(elsewhere=elsewhere, unfinished=tuple(open_ones))
    happened = changed_documents(ledger, since.timestamp())
    edited = [each.id for each in documents if each.id in happened.edited]
    return LedgerChanges(happened.new, happened.changed, _gone(ledger, edited, deleted))


def _elsewhere(ledger: Ledger, exported: Collection[str]) -> Iterator[ProductRow]:
    """Yield the rows of all other documents, of any owner, that are not being deleted."""
    for document in all_documents(ledger, None):
        if document.id not in exported and document.status is not DocumentStatus.DELETING:
            for product in read_products(ledger, document.id):
                yield from as_rows(product)


def _gone(ledger: Ledger, edited: Sequence[str], deleted: Sequence[Trashed]) -> Iterator[ProductRow]:
    for document in edited:
        for product in removed_by_edits(ledger, document):
            yield from as_rows(product)
    for each in deleted:
        for product in trashed_products(ledger, each):
            yield from as_rows(product)
