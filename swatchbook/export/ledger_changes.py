"""What an export since a time is told: documents that came or changed, and the rows of products that are gone."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from swatchbook.export.formats import ToldChanges
from swatchbook.export.product_rows import ProductRow, as_rows
from swatchbook.ledger.database import Ledger
from swatchbook.ledger.queries.changes import changed_documents, removed_by_edits, trashed_products
from swatchbook.ledger.stored_documents import Document
from swatchbook.ledger.trashed_documents import list_trash
from swatchbook.records import Trashed


def deleted_since(ledger: Ledger, since: object, owner: str | None) -> list[Trashed]:
    """Return the documents of an owner, or (None) of all, that came into the trash since a time; none for a file."""
    if not isinstance(since, datetime):
        return []
    return [each for each in list_trash(ledger, owner) if each.at >= since.timestamp()]


def told_changes(
    ledger: Ledger, since: object, documents: Sequence[Document], deleted: Sequence[Trashed]
) -> ToldChanges | None:
    """Return what changed in documents since a time, None for a file. `deleted`: whose products to name as gone."""
    if not isinstance(since, datetime):
        return None
    happened = changed_documents(ledger, since.timestamp())
    edited = [each.id for each in documents if each.id in happened.edited]
    return ToldChanges(happened.new, happened.changed, _gone(ledger, edited, deleted))


def _gone(ledger: Ledger, edited: Sequence[str], deleted: Sequence[Trashed]) -> Iterator[ProductRow]:
    for document in edited:
        for product in removed_by_edits(ledger, document):
            yield from as_rows(product)
    for each in deleted:
        for product in trashed_products(ledger, each):
            yield from as_rows(product)
