"""Make or undo an edit by hand, in one transaction with the products, links and publishing that it changes.

A running ingest saves its products with the edit, whichever comes first.
"""

from sqlalchemy import Connection, func, insert, select, update

from swatchbook.errors import InvalidReference
from swatchbook.ledger.database import Ledger, db_now
from swatchbook.ledger.documents import PDF, Document, load_document
from swatchbook.ledger.product_edits import dump_edit, edit_assembly, is_edit, read_edits, read_found
from swatchbook.ledger.stage_results import replace_assembly
from swatchbook.ledger.tables import hand_edits
from swatchbook.records import DocumentStatus, Edit, StoredEdit


def record_edit(ledger: Ledger, document: str, edit: Edit, *, by: str) -> StoredEdit:
    """Make an edit of a document's products. Raises InvalidReference where it cannot be made."""
    with ledger.write() as connection:
        row = _require_editable(connection, document)
        last = select(func.coalesce(func.max(hand_edits.c.number), 0)).where(hand_edits.c.document == document)
        number = 1 + connection.execute(last).scalar_one()
        values = {"document": document, "number": number, "edit": dump_edit(edit), "by": by, "at": db_now()}
        connection.execute(insert(hand_edits).values(**values))
        stored = _edit_again(connection, row)[number]
        if stored.problem:
            raise InvalidReference(stored.problem)
        return stored


def undo_edit(ledger: Ledger, document: str, number: int, *, by: str) -> StoredEdit:
    """Undo an edit; it stays in the list. Later edits of what it changed may find nothing to change any more.

    Raises InvalidReference for an unknown edit, and for one that is undone already.
    """
    with ledger.write() as connection:
        row = _require_editable(connection, document)
        undone = (
            update(hand_edits)
            .where(is_edit(document, number), hand_edits.c.undone_at.is_(None))
            .values(undone_at=db_now(), undone_by=by, problem=None)
        )
        if not connection.execute(undone).rowcount:
            raise InvalidReference(f"{row.name} has no edit {number} that could be undone.")
        return _edit_again(connection, row)[number]


def _require_editable(connection: Connection, document: str) -> Document:
    row = load_document(connection, document, lock=True)
    if row.status == DocumentStatus.DELETING:
        raise InvalidReference(f"{row.name} is being deleted.")
    if row.kind != PDF:
        raise InvalidReference(
            f"{row.name} is no catalogue: its products are the items of a {row.kind}.",
            advice="Change them where they come from, and ingest it again.",
        )
    if row.generation is None:
        raise InvalidReference(f"{row.name} has no products yet.", advice="Wait until it is ingested.")
    return row


def _edit_again(connection: Connection, document: Document) -> dict[int, StoredEdit]:
    """Apply all edits to what was found, save the result, and return the edits by number."""
    assert document.generation is not None  # noqa: S101 - _require_editable
    edited = edit_assembly(connection, document.id, read_found(connection, document.id))
    replace_assembly(connection, document.id, document.generation, edited)
    return {each.number: each for each in read_edits(connection, document.id)}
