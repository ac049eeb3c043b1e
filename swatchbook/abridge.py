"""Long lists of sayings cut short, without silence about the rest."""

from collections.abc import Sequence


def abridge(sayings: Sequence[str], most: int) -> tuple[str, ...]:
    """The first `most`, and how many more there were."""
    if more := max(0, len(sayings) - most):
        return (*sayings[:most], f"… and {more:,} more.")
    return tuple(sayings)
