"""Deleting a document: its rows go in one transaction, its objects by publishing, its own row last."""

from swatchbook.errors import InvalidReference
from swatchbook.index.publish import publish_all
from swatchbook.lab import Lab
from swatchbook.ledger import due


def delete(lab: Lab, document: str) -> bool:
    """Delete a document. True when nothing of it is left.

    A live run is revoked first and can write nothing more. Raises IndexDown, and InvalidReference for an unknown one;
    the ledger then remembers what is to do.
    """
    due.mark_deleting(lab.ledger, document)
    return finish_delete(lab, document)


def finish_delete(lab: Lab, document: str, *, at_most: float | None = None) -> bool:
    """Go on with a delete that was interrupted. True when nothing is left to do, also where another has finished it.

    What was registered anew meanwhile is let be: somebody was told that it is here. Raises IndexDown, after an outage
    of `at_most` seconds (SWATCHBOOK_INDEX_WAIT_SECONDS).
    """
    try:
        due.delete_rows(lab.ledger, document)
        publish_all(lab, at_most=lab.settings.outage_wait_seconds if at_most is None else at_most)
        finished = due.finish_delete(lab.ledger, document)
    except InvalidReference:  # it is no longer being deleted
        return True
    due.collect(lab.ledger, lab.files)  # what earlier deletes left: contents are kept for an hour
    return finished
