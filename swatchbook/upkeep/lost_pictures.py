"""Take in a lost picture, dismiss it, or put it back; the document is queued if its pictures change."""

from collections.abc import Collection

from swatchbook.errors import InvalidReference
from swatchbook.ledger import document_commands, lost_pictures
from swatchbook.ledger.documents import PDF, Document
from swatchbook.records import DocumentStatus, LostState
from swatchbook.resources import Resources


def decide(resources: Resources, document: Document, ids: Collection[str], state: LostState, *, by: str) -> bool:
    """Record that these lost pictures, such as 5:1, are taken in, dismissed or only seen again.

    Returns whether the document was queued, because its pictures change. Raises InvalidReference for an unknown id, a
    document without pages and one that is being deleted.
    """
    if document.kind != PDF:
        raise InvalidReference(f"{document.name} has no pages: it is no PDF.", advice="Name a catalogue.")
    if document.status == DocumentStatus.DELETING:
        raise InvalidReference(f"{document.name} is being deleted.")
    changes = lost_pictures.decide(resources.ledger, document.id, ids, state, by=by)
    if changes:
        document_commands.request_again(resources.ledger, document.id, document.options)
    return changes
