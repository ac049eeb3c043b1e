"""Put the texts of a page in the order in which people read them, and find spreads, which show two printed pages."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from swatchbook_base.geometry import Box, is_broad
from swatchbook_catalogue.page_layout import PageLayout

SAME_PAGE_SIZE = 0.01  # share by which sizes of pages may differ


def mark_spreads(layouts: Sequence[PageLayout], page_boxes: Mapping[int, Box]) -> list[PageLayout]:
    """Return the layouts of a document's pages with its spreads marked; `page_boxes` are those of all of its pages."""
    found = pairs_of_pages(page_boxes)
    return [replace(layout, spread=layout.spread or (layout.number in found and not layout.turn)) for layout in layouts]


def pairs_of_pages(page_boxes: Mapping[int, Box]) -> frozenset[int]:
    """Return the broad pages that are twice as broad as another page of the same height."""
    sizes = {number: (box[2] - box[0], box[3] - box[1]) for number, box in page_boxes.items()}
    halves = {(2 * width, height) for width, height in sizes.values()}
    broad = (number for number, box in page_boxes.items() if is_broad(box))
    return frozenset(number for number in broad if any(_agree(sizes[number], half) for half in halves))


def _agree(size: tuple[float, float], other: tuple[float, float]) -> bool:
    return all(abs(a - b) <= SAME_PAGE_SIZE * a for a, b in zip(size, other, strict=True))


# --- order ------------------------------------------------------------------------------------------------------------


def reading_order(boxes: Sequence[Box], fold_at: float | None = None, *, right_to_left: bool = False) -> list[int]:
    """Return the indices of boxes in reading order, by a recursive XY cut at the widest gap.

    `fold_at` is the middle of a spread: boxes that begin to the left of it come first. If `right_to_left`, the right
    column and the right page come first.
    """
    if right_to_left:
        mirrored = [(-x1, y0, -x0, y1) for x0, y0, x1, y1 in boxes]
        return reading_order(mirrored, None if fold_at is None else -fold_at)
    if fold_at is None:
        return _cut(list(range(len(boxes))), boxes)
    left = [i for i, box in enumerate(boxes) if box[0] < fold_at]
    return _cut(left, boxes) + _cut(sorted(set(range(len(boxes))) - set(left)), boxes)


def _cut(members: list[int], boxes: Sequence[Box]) -> list[int]:
    if len(members) < 2:
        return members
    down, at_y = _widest_gap(sorted((boxes[i][1], boxes[i][3]) for i in members))
    across, at_x = _widest_gap(sorted((boxes[i][0], boxes[i][2]) for i in members))
    if max(down, across) <= 0:
        return sorted(members, key=lambda i: (boxes[i][1], boxes[i][0]))
    axis, at = (0, at_x) if across > down else (1, at_y)
    first = [i for i in members if boxes[i][axis] < at]
    return _cut(first, boxes) + _cut([i for i in members if boxes[i][axis] >= at], boxes)


def _widest_gap(spans: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return the width of the widest gap between spans, which are sorted by start, and the start of the next span."""
    best, at, end = 0.0, 0.0, spans[0][1]
    for start, stop in spans[1:]:
        if start - end > best:
            best, at = start - end, start
        end = max(end, stop)
    return best, at
