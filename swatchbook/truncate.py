"""Shorten lists for people: the first messages and how many more there are; page numbers as spans; failures that differ
only in their role become one.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # child processes start without pydantic
    from swatchbook.records import FailureRecord


def truncate(messages: Sequence[str], most: int) -> tuple[str, ...]:
    """Return the first `most` messages, and a last one with the number of those left out."""
    if more := max(0, len(messages) - most):
        return (*messages[:most], f"… and {more:,} more.")
    return tuple(messages)


def page_numbers(pages: Iterable[int], labels: Mapping[int, str] | None = None) -> str:
    """Return page numbers as spans: 1, 2, 3, 7 → 1–3, 7; if the first one is in `labels`, with it: 7 (printed 12)."""
    found: list[list[int]] = []
    for page in sorted(set(pages)):
        if found and page == found[-1][1] + 1:
            found[-1][1] = page
        else:
            found.append([page, page])
    label = labels.get(found[0][0]) if labels and found else None
    spans = ", ".join(f"{first}" if first == last else f"{first}–{last}" for first, last in found)
    return (spans or "–") + (f" (printed {label})" if label else "")


def merge_roles(failures: Iterable["FailureRecord"]) -> list["FailureRecord"]:
    """Merge failures that differ only in their role into one, whose `role` lists all roles. The order is kept.

    Next tries within a minute are one: each role's was set for itself.
    """
    merged: dict[tuple[FailureRecord, int], tuple[FailureRecord, list[str]]] = {}
    for failure in failures:
        minute = round((failure.next_retry_at or 0) / 60)
        same = failure.model_copy(update={"role": None, "next_retry_at": None}), minute
        merged.setdefault(same, (failure, []))[1].extend([failure.role] if failure.role else [])
    return [first.model_copy(update={"role": ", ".join(roles) or None}) for first, roles in merged.values()]
