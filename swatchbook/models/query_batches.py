"""Encode the queries of concurrent searches together, at most 16 at a time. The first thread that
asks encodes at once; queries that arrive meanwhile wait and are the next batch. So a query that is alone does not wait.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Final, Generic, TypeVar

Given = TypeVar("Given")
Made = TypeVar("Made")

MOST_QUERIES: Final = 16
"""Of one batch: more are hardly faster together, and the first would wait for the last."""


class Batches(Generic[Given, Made]):
    """Calls `make` with what several threads ask for at about the same time. Thread-safe.

    `make` returns a result for each, in order. If it raises for several, it is called for each of them alone, and what
    it raises then only the thread that asked for that one gets.
    """

    def __init__(self, make: Callable[[Sequence[Given]], Sequence[Made]]) -> None:
        self._make = make
        self._waiting = deque[tuple[Given, Future[Made]]]()
        self._making = threading.Lock()

    def ask(self, given: Sequence[Given]) -> list[Made]:
        """Return what `make` makes of each."""
        asked = [(each, Future[Made]()) for each in given]
        self._waiting.extend(asked)
        for _, made in asked:
            while not made.done():
                with self._making:  # others that wait here are in the next batch
                    if not made.done():
                        self._settle([self._waiting.popleft() for _ in range(min(MOST_QUERIES, len(self._waiting)))])
        return [made.result() for _, made in asked]

    def _settle(self, batch: Sequence[tuple[Given, Future[Made]]]) -> None:
        try:
            results = self._make([given for given, _ in batch])
        except Exception as error:  # noqa: BLE001 - it belongs to the thread that asked
            if len(batch) == 1:
                batch[0][1].set_exception(error)
                return
            for each in batch:
                self._settle([each])
        else:
            for (_, made), result in zip(batch, results, strict=True):
                made.set_result(result)
