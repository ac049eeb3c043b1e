"""Long lists cut short, without silence about the rest."""

from collections.abc import Iterable, Sequence

from swatchbook.records import FailureRecord


def truncate(sayings: Sequence[str], most: int) -> tuple[str, ...]:
    """The first `most`, and how many more there were."""
    if more := max(0, len(sayings) - most):
        return (*sayings[:most], f"… and {more:,} more.")
    return tuple(sayings)


def merge_roles(failures: Iterable[FailureRecord]) -> list[FailureRecord]:
    """Failures that differ in their role alone as one, its `role` naming all of them. Their order stays."""
    roles = dict[FailureRecord, list[str]]()
    for failure in failures:
        roles.setdefault(failure.model_copy(update={"role": None}), []).extend([failure.role] if failure.role else [])
    return [same.model_copy(update={"role": ", ".join(named) or None}) for same, named in roles.items()]
