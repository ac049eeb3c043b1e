"""Deleting a document: its rows go in one transaction, its objects by publishing, its own row last."""

from swatchbook.index.publish import publish_all
from swatchbook.lab import Lab
from swatchbook.ledger import due


def delete(lab: Lab, document: str, *, at_most: float | None = None) -> bool:
    """Delete, or finish a delete that was interrupted. True when nothing of it is left.

    A live run is revoked first and can write nothing more. Raises IndexDown, after an outage of `at_most` seconds
    (SWATCHBOOK_INDEX_WAIT_SECONDS); the ledger then remembers what is to do.
    """
    due.mark_deleting(lab.ledger, document)
    due.delete_rows(lab.ledger, document)
    publish_all(lab, at_most=lab.settings.index_wait_seconds if at_most is None else at_most)
    finished = due.finish_delete(lab.ledger, document)
    due.collect(lab.ledger, lab.files)  # what earlier deletes left: contents are kept for an hour
    return finished
