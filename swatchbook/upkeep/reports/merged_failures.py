"""Merge failures that differ only in their role, as people read them."""

from collections.abc import Iterable

from swatchbook.domain.records import FailureRecord


def merge_roles(failures: Iterable[FailureRecord]) -> list[FailureRecord]:
    """Merge failures that differ only in their role into one, whose `role` lists all roles. The order is kept.

    Next tries within a minute are one: each role's was set for itself.
    """
    merged: dict[tuple[FailureRecord, int], tuple[FailureRecord, list[str]]] = {}
    for failure in failures:
        minute = round((failure.next_retry_at or 0) / 60)
        same = failure.model_copy(update={"role": None, "next_retry_at": None}), minute
        merged.setdefault(same, (failure, []))[1].extend([failure.role] if failure.role else [])
    return [first.model_copy(update={"role": ", ".join(roles) or None}) for first, roles in merged.values()]
