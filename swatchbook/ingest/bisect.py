"""Process a failed batch again in halves, so that one bad item fails alone, unless the failure concerns all items.

If halves succeed where the whole was too large, later batches are smaller.
"""

import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

from swatchbook.domain.errors import (
    SHARED_POLICIES,
    Failure,
    InvalidModelOutput,
    Policy,
    RunRevoked,
    Unexpected,
    as_failure,
)
from swatchbook.domain.runtime.batch_size import BatchSize

log = logging.getLogger(__name__)

In = TypeVar("In")
Out = TypeVar("Out")


def bisect(
    function: Callable[[Sequence[In]], Sequence[Out]], batch: Sequence[In], batch_size: BatchSize | None = None
) -> list[Out | Failure]:
    """Call `function` on the batch, and if it fails on its halves. Return one result or Failure per item, in order.

    A failure whose policy is shared is not bisected: all items of the batch get it. If a batch was too large and both
    halves succeed, `batch_size` is reduced. Raises RunRevoked.
    """
    if not batch:
        return []
    try:
        results = list(function(batch))
        if len(results) != len(batch):
            raise InvalidModelOutput(f"{len(results)} results for {len(batch)} items.")
        return list[Out | Failure](results)
    except RunRevoked:
        raise  # the whole run stops; this is not a failure of the batch
    except Exception as error:  # the isolation boundary: recorded as the item's failure
        failure = as_failure(error)
        if len(batch) == 1 or failure.policy in SHARED_POLICIES:
            if isinstance(failure, Unexpected):
                log.exception("processing one item failed")
            return [failure] * len(batch)
    middle = len(batch) // 2
    halves = bisect(function, batch[:middle], batch_size) + bisect(function, batch[middle:], batch_size)
    if batch_size and failure.policy is Policy.SMALLER and not any(_is_too_large(result) for result in halves):
        batch_size.keep_half(len(batch), failure)
    return halves


def _is_too_large(result: object) -> bool:
    """Return whether an item is too large by itself: then the item is at fault, not the size of the batch."""
    return isinstance(result, Failure) and result.policy is Policy.SMALLER
