"""Lists and counts for people: the first messages and how many more there are, page numbers as spans, plurals."""

from collections.abc import Iterable, Mapping, Sequence


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


def plural(count: int, one: str, many: str | None = None) -> str:
    """Return a count with its noun: 1 image, 1,200 images."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
