"""Decide how long the Python clients wait for a document, and which errors they wait through."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from swatchbook.domain.records import DocumentStatus
from swatchbook.doors.replies import ShownDocument
from swatchbook_client.errors import NoAnswer, ServiceError, Unavailable

SETTLED = frozenset({DocumentStatus.COMPLETED, DocumentStatus.FAILED, DocumentStatus.BLOCKED, DocumentStatus.CANCELLED})
"""Statuses in which a document needs nothing, or a person: a wait ends."""


class Waiting:
    """A wait for a document: `shown` is the document as it was last."""

    def __init__(self, shown: ShownDocument, *, timeout: float | None, every: float) -> None:
        """`timeout`, `every`: seconds until it ends at the latest, and between two questions."""
        self.shown = shown
        self._timeout, self._every = timeout, every
        self._end = None if timeout is None else time.monotonic() + timeout
        self._outage: ServiceError | None = None

    def goes_on(self) -> bool:
        """Return whether to ask again after a pause. Raises TimeoutError."""
        if self.shown.status in SETTLED:
            return False
        if self._end is not None and time.monotonic() + self._every > self._end:
            raise TimeoutError(
                f"Document {self.shown.id} is {self.shown.status} after {self._timeout:g} s."
            ) from self._outage
        return True

    @contextmanager
    def through_outages(self) -> Iterator[None]:
        """Keep the error of a service that is away: it is asked again."""
        self._outage = None
        try:
            yield
        except (NoAnswer, Unavailable) as error:
            self._outage = error
