"""Move a document to the trash, restore it, or end it for good. What is in the trash is neither found nor counted.
Its vectors are kept, so that restoring needs no embedding; ingesting the same source again restores it, too.
"""

import shutil
from contextlib import suppress
from pathlib import Path

from swatchbook.errors import Failure, InvalidReference
from swatchbook.ledger.database import Ledger
from swatchbook.ledger.documents import TABLE, Document, documents_within, get_document
from swatchbook.ledger.owners import id_of_document
from swatchbook.ledger.trash import end_trashed, get_trashed, list_trash, move_to_trash
from swatchbook.records import Trashed
from swatchbook.resources import Resources
from swatchbook.sources.dropped import root_of
from swatchbook.sources.staged import forget_staged, staged_file


def throw_away(resources: Resources, document: str) -> bool:
    """Move a document to the trash. Returns True when the index holds nothing of it any more.

    A live run is revoked first. An index that is down is left to the service's loop or `swatchbook retry`. Raises
    InvalidReference for an unknown document.
    """
    from swatchbook.pipeline.delete import finish_delete  # imports the index

    move_to_trash(resources.ledger, document)
    with suppress(Failure):
        return finish_delete(resources, document, at_most=0)
    return False


def restore(resources: Resources, document: str) -> Document:
    """Restore a document from the trash, and publish it again for at most 20 s. Nothing is embedded again.

    Raises InvalidReference if it is not in the trash, or in the collection again.
    """
    from swatchbook.ledger.leave_trash import restore_trashed  # imports numpy, which a registration rarely needs
    from swatchbook.pipeline.publish import publish_soon

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


def end_old(resources: Resources, *, older_than: float, dry_run: bool = False) -> int:
    """Delete for good what has been in the trash for this many seconds, and return the number of documents."""
    old = list_trash(resources.ledger, older_than=older_than)
    return len(old) if dry_run else sum(end(resources, each.document) for each in old)


def end_owner(resources: Resources, owner: str) -> None:
    """Empty an owner's trash."""
    for each in list_trash(resources.ledger, owner):
        end(resources, each.document)


def remove_source(resources: Resources, document: str, owner: str, kind: str, content: str) -> None:
    """Remove what was kept of the source of a document that is gone: staged rows, and files that a browser sent.

    Those are kept as long as another document is made of them, or one in the trash.
    """
    ledger, home = resources.ledger, resources.settings.home
    if get_trashed(ledger, document) or _is_here(ledger, document):
        return
    if kind == TABLE:
        forget_staged(staged_file(home, content), document)
    root = root_of(home, content)
    if root and not documents_within(ledger, owner, root) and not trashed_within(ledger, root):
        shutil.rmtree(root, ignore_errors=True)


def trashed_within(ledger: Ledger, folder: Path) -> list[Trashed]:
    """Return the documents in the trash whose source lies in a folder."""
    return [each for each in list_trash(ledger) if Path(each.content).is_relative_to(folder)]


def _is_here(ledger: Ledger, document: str) -> bool:
    try:
        get_document(ledger, document)
    except InvalidReference:
        return False
    return True
