"""Turn an error of a PDF or OCR library into a failure: OutOfMemory, or the kind of its class (in the child)."""

import logging

from swatchbook_base.errors import Failure, OutOfMemory, Unexpected, as_failure

log = logging.getLogger(__name__)

OUT_OF_MEMORY = (
    "malloc", "calloc", "realloc",  # MuPDF
    "failed to map segment", "annot allocate memory",  # the loader of shared objects
    "bad_alloc", "bad allocation", "ailed to allocate",  # onnxruntime, OpenCV
)  # fmt: skip
"""Texts of libraries' errors when an allocation failed; the class of the error does not show it."""


def to_failure(error: Exception, subject: str, message: str) -> Failure:
    """Return the failure for an error. An unexpected error is logged; its failure has `message` instead of its text."""
    if any(sign in str(error) for sign in OUT_OF_MEMORY):
        return OutOfMemory("Out of memory.")
    failure = as_failure(error)
    if isinstance(failure, Unexpected):
        log.warning("%s failed", subject, exc_info=error)
        return Unexpected(message)
    return failure
