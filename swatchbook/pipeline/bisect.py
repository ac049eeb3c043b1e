"""One bad item costs one item: work done together, and where that fails, by halves."""

import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

from swatchbook.errors import SHARED, Failure, InvalidModelOutput, Policy, RunRevoked, Unexpected, as_failure
from swatchbook.runtime.batch_size import BatchSize

log = logging.getLogger(__name__)

In = TypeVar("In")
Out = TypeVar("Out")


def bisect(
    work: Callable[[Sequence[In]], Sequence[Out]], given: Sequence[In], fit: BatchSize | None = None
) -> list[Out | Failure]:
    """`work` on all of `given`; where that fails, on its halves, so that only the item at fault carries the failure.

    `fit` is told of a batch that was too large: all of it could be made in halves.

    Failures that concern everybody are not chased down: every item not yet made carries them. Raises RunRevoked.
    """
    if not given:
        return []
    try:
        done = list(work(given))
        if len(done) != len(given):
            raise InvalidModelOutput(f"{len(done)} answers to {len(given)} questions.")
        return list[Out | Failure](done)
    except RunRevoked:
        raise  # nobody wants any of it any more
    except Exception as error:  # the isolation boundary: recorded as the item's failure
        failure = as_failure(error)
        if len(given) == 1 or failure.policy in SHARED:
            if isinstance(failure, Unexpected):
                log.exception("work on one item failed")
            return [failure] * len(given)
    middle = len(given) // 2
    made = bisect(work, given[:middle], fit) + bisect(work, given[middle:], fit)
    if fit and failure.policy is Policy.SMALLER and not any(_is_too_large(each) for each in made):
        fit.keep_half(len(given), failure)
    return made


def _is_too_large(made: object) -> bool:
    """Whether an item failed alone as its batch did: then the item is at fault, not the size of the batch."""
    return isinstance(made, Failure) and made.policy is Policy.SMALLER
