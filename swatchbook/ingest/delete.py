"""Move a document to the trash, restore it, or delete it for good; delete an owner with all its documents.

What is in the trash is neither found nor counted. Its vectors are kept, so that restoring needs no embedding; ingesting
the same source again restores it, too. A delete removes a document's rows in one transaction, then its objects in the
index, its own row last; an interrupted one is finished. Files are collected an hour later
(`store/ledger/retention.py`).
"""

import math
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from swatchbook.domain.errors import Failure, InvalidReference
from swatchbook.domain.records import Trashed
from swatchbook.index.contract import MovableIndex
from swatchbook.ingest.sources.dropped import root_of
from swatchbook.ingest.sources.staged import forget_staged, staged_file
from swatchbook.resources import Resources
from swatchbook.store.ledger import document_commands
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.object_events import forget_events
from swatchbook.store.ledger.owners import id_of_document, used_owners
from swatchbook.store.ledger.retention import collect_noted
from swatchbook.store.ledger.stored_documents import (
    TABLE,
    Document,
    all_documents,
    document_statuses,
    documents_within,
    get_document,
)
from swatchbook.store.ledger.trashed_documents import end_trashed, get_trashed, list_trash, move_to_trash

# --- delete -----------------------------------------------------------------------------------------------------------


def delete(resources: Resources, document: str) -> bool:
    """Delete a document. Returns True when nothing of it is left.

    A live run is revoked first and can write nothing more. Raises InvalidReference for an unknown document, and
    IndexDown; the ledger then keeps it as `deleting`, and the delete is finished later.
    """
    document_commands.mark_deleting(resources.ledger, document)
    return finish_delete(resources, document)


def delete_owner(resources: Resources, owner: str) -> bool:
    """Delete all documents of an owner for good, also those in the trash, and thereby the owner.

    Returns and raises as `delete_documents`.
    """
    end_owner(resources, owner)
    done = delete_documents(resources, [document.id for document in all_documents(resources.ledger, owner)])
    if isinstance(resources.index, MovableIndex):
        resources.index.drop_unused_tenants(lambda: used_owners(resources.ledger))
    return done


def delete_documents(resources: Resources, ids: Sequence[str]) -> bool:
    """Delete documents. Returns True when nothing of them is left.

    All are marked first, so that what is left after a kill or an outage is finished later. Raises as `delete` does.
    """
    for document in ids:
        with suppress(InvalidReference):  # another process has deleted it
            document_commands.mark_deleting(resources.ledger, document)
    finished = [finish_delete(resources, document) for document in ids]
    return all(finished)


def finish_delete(
    resources: Resources, document: str, *, at_most: float | None = None, until: float = math.inf
) -> bool:
    """Continue an interrupted delete. Returns True when nothing is left to do, also if another process finished it.

    A document that was registered again meanwhile is kept. Raises IndexDown after an outage of `at_most` seconds
    (default: SWATCHBOOK_OUTAGE_WAIT_SECONDS). `until`: see `publish_all`.
    """
    from swatchbook.ingest.publish import publish_all  # imports the index, which an unchanged catalogue never needs

    try:
        known = get_document(resources.ledger, document)
        document_commands.delete_rows(resources.ledger, document)
        patience = resources.settings.outage_wait_seconds if at_most is None else at_most
        publish_all(resources, at_most=patience, until=until)
        finished = document_commands.finish_delete(resources.ledger, document)
    except InvalidReference:  # it is no longer being deleted
        return True
    if finished:
        remove_source(resources, known.id, known.owner, known.kind, known.content)
    collect_noted(resources.ledger, resources.files)  # contents that earlier deletes left unused for an hour
    return finished


# --- trash ------------------------------------------------------------------------------------------------------------


def throw_away(resources: Resources, document: str) -> bool:
    """Move a document to the trash. Returns True when the index holds nothing of it any more.

    A live run is revoked first. An index that is down is left to the service's loop or `swatchbook fill failed`. Raises
    InvalidReference for an unknown document.
    """
    move_to_trash(resources.ledger, document)
    with suppress(Failure):
        return finish_delete(resources, document, at_most=0)
    return False


def restore(resources: Resources, document: str) -> Document:
    """Restore a document from the trash, and publish it again for at most 20 s. Nothing is embedded again.

    Raises InvalidReference if it is not in the trash, or in the collection again.
    """
    from swatchbook.ingest.publish import publish_soon
    from swatchbook.store.ledger.trashed_documents import (
        restore_trashed,  # imports numpy, which a registration rarely needs
    )

    restored = restore_trashed(resources.ledger, document)
    publish_soon(resources, restored.id)
    return get_document(resources.ledger, restored.id)


def restore_source(resources: Resources, owner: str, content: str) -> None:
    """Restore the document of a source that is registered again, if it is in the trash."""
    document = id_of_document(resources.ledger, owner, content)
    if get_trashed(resources.ledger, document):
        with suppress(InvalidReference):  # another process has restored or ended it
            restore(resources, document)


def end(resources: Resources, document: str) -> bool:
    """Delete a document in the trash for good; return whether it was there. Its files are collected an hour later."""
    trashed = get_trashed(resources.ledger, document)
    if trashed is None or not end_trashed(resources.ledger, document):
        return False
    remove_source(resources, trashed.document, trashed.owner, trashed.kind, trashed.content)
    return True


def end_old(resources: Resources, *, older_than: float) -> int:
    """Delete for good what has been in the trash for this many seconds, and return the number of documents."""
    return sum(end(resources, each.document) for each in list_trash(resources.ledger, older_than=older_than))


def end_owner(resources: Resources, owner: str) -> None:
    """Empty an owner's trash, and forget the events of object stores on its documents."""
    for each in list_trash(resources.ledger, owner):
        end(resources, each.document)
    with resources.ledger.write() as connection:
        forget_events(connection, owner)


def remove_source(resources: Resources, document: str, owner: str, kind: str, content: str) -> None:
    """Remove what was kept of the source of a document that is gone: staged rows, and files that a browser sent.

    Those are kept as long as another document is made of them, or one in the trash.
    """
    ledger, home = resources.ledger, resources.settings.home
    if get_trashed(ledger, document) or document_statuses(ledger, {document}):
        return
    if kind == TABLE:
        forget_staged(staged_file(home, content), document)
    root = root_of(home, content)
    if root and not documents_within(ledger, owner, root) and not trashed_within(ledger, root):
        shutil.rmtree(root, ignore_errors=True)


def trashed_within(ledger: Ledger, folder: Path) -> list[Trashed]:
    """Return the documents in the trash whose source lies in a folder."""
    return [each for each in list_trash(ledger) if Path(each.content).is_relative_to(folder)]
