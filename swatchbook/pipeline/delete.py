"""Deleting a document: its rows go in one transaction, its objects by publishing, its own row last."""

from swatchbook.errors import InvalidReference
from swatchbook.ledger.document_commands import delete_rows, mark_deleting
from swatchbook.ledger.document_commands import finish_delete as document_commands_finish_delete
from swatchbook.ledger.retention import collect
from swatchbook.pipeline.publish import publish_all
from swatchbook.resources import Resources


def delete(resources: Resources, document: str) -> bool:
    """Delete a document. True when nothing of it is left.

    A live run is revoked first and can write nothing more. Raises IndexDown, and InvalidReference for an unknown one;
    the ledger then remembers what is to do.
    """
    mark_deleting(resources.ledger, document)
    return finish_delete(resources, document)


def finish_delete(resources: Resources, document: str, *, at_most: float | None = None) -> bool:
    """Go on with a delete that was interrupted. True when nothing is left to do, also where another has finished it.

    What was registered anew meanwhile is let be: somebody was told that it is here. Raises IndexDown, after an outage
    of `at_most` seconds (SWATCHBOOK_OUTAGE_WAIT_SECONDS).
    """
    try:
        delete_rows(resources.ledger, document)
        publish_all(resources, at_most=resources.settings.outage_wait_seconds if at_most is None else at_most)
        finished = document_commands_finish_delete(resources.ledger, document)
    except InvalidReference:  # it is no longer being deleted
        return True
    collect(resources.ledger, resources.files)  # what earlier deletes left: contents are kept for an hour
    return finished
