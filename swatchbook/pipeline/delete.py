"""Delete a document for good, past the trash, or an owner with all its documents.

Its rows go in one transaction, then its objects in the index, its own row last; an interrupted delete is finished.
Files are collected an hour later (`ledger/retention.py`).
"""

from collections.abc import Sequence
from contextlib import suppress

from swatchbook.errors import InvalidReference
from swatchbook.ledger.document_commands import delete_rows, mark_deleting
from swatchbook.ledger.document_commands import finish_delete as document_commands_finish_delete
from swatchbook.ledger.documents import all_documents, get_document
from swatchbook.ledger.retention import collect
from swatchbook.pipeline.publish import publish_all
from swatchbook.pipeline.trash import end_owner, remove_source
from swatchbook.resources import Resources


def delete(resources: Resources, document: str) -> bool:
    """Delete a document. Returns True when nothing of it is left.

    A live run is revoked first and can write nothing more. Raises InvalidReference for an unknown document, and
    IndexDown; the ledger then keeps it as `deleting`, and the delete is finished later.
    """
    mark_deleting(resources.ledger, document)
    return finish_delete(resources, document)


def delete_owner(resources: Resources, owner: str) -> bool:
    """Delete all documents of an owner for good, also those in the trash, and thereby the owner.

    Returns and raises as `delete_documents`.
    """
    end_owner(resources, owner)
    return delete_documents(resources, [document.id for document in all_documents(resources.ledger, owner)])


def delete_documents(resources: Resources, ids: Sequence[str]) -> bool:
    """Delete documents. Returns True when nothing of them is left.

    All are marked first, so that what is left after a kill or an outage is finished later. Raises as `delete` does.
    """
    for document in ids:
        with suppress(InvalidReference):  # another process has deleted it
            mark_deleting(resources.ledger, document)
    finished = [finish_delete(resources, document) for document in ids]
    return all(finished)


def finish_delete(resources: Resources, document: str, *, at_most: float | None = None) -> bool:
    """Continue an interrupted delete. Returns True when nothing is left to do, also if another process finished it.

    A document that was registered again meanwhile is kept. Raises IndexDown after an outage of `at_most` seconds
    (default: SWATCHBOOK_OUTAGE_WAIT_SECONDS).
    """
    try:
        known = get_document(resources.ledger, document)
        delete_rows(resources.ledger, document)
        publish_all(resources, at_most=resources.settings.outage_wait_seconds if at_most is None else at_most)
        finished = document_commands_finish_delete(resources.ledger, document)
    except InvalidReference:  # it is no longer being deleted
        return True
    if finished:
        remove_source(resources, known.id, known.owner, known.kind, known.content)
    collect(resources.ledger, resources.files)  # contents that earlier deletes left unused for an hour
    return finished
