"""The failure for an error of MuPDF: out of memory where an allocation failed, else the kind that its class says. It
runs in the child process.
"""

import logging

from swatchbook.errors import Failure, OutOfMemory, Unexpected, as_failure

log = logging.getLogger(__name__)


def to_failure(error: Exception, subject: str, message: str) -> Failure:
    """Return the failure for an error. An unexpected error is logged; its failure has `message` instead of its text.

    MuPDF reports a failed malloc as a general error.
    """
    if any(sign in str(error) for sign in ("malloc", "calloc", "realloc")):
        return OutOfMemory("Out of memory.")
    failure = as_failure(error)
    if isinstance(failure, Unexpected):
        log.warning("%s failed", subject, exc_info=error)
        return Unexpected(message)
    return failure
