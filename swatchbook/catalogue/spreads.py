"""Find spreads: pages of a document that show two printed pages.

These are pages with two successive numbers in their margins (`page_layout.py`), pages twice as broad as others of the
same height, and the broad pages of a document with empty folds: no line crosses their middle, most have text on both
sides of it, and most have a picture that begins or ends there.

Of 54 real documents, 14 have broad pages. If these are spreads, no page has a line across the middle, and 57 % or more
have a picture that ends there; else 10 % or more have a line across.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from swatchbook.catalogue.page_layout import PageLayout, is_broad
from swatchbook.geometry import Box

SAME_PAGE_SIZE = 0.01  # share by which sizes of pages may differ
FEWEST_PAGES = 6  # broad pages of a document; fewer folds may be empty by chance
MOST_CROSSED = 0.03  # share of the broad pages with a line across the middle
LEAST_DIVIDED = 0.5  # share of the broad pages with text on both sides, and share of those with a picture at the fold
AT_FOLD = 0.01  # share of the page's width within which something is at the fold


def mark_spreads(layouts: Sequence[PageLayout], page_boxes: Mapping[int, Box]) -> list[PageLayout]:
    """Return the layouts of a document's pages with its spreads marked; `page_boxes` are those of all of its pages."""
    found = pairs_of_pages(page_boxes) or _with_empty_fold(layouts)
    return [replace(layout, spread=layout.spread or (layout.number in found and not layout.turn)) for layout in layouts]


def pairs_of_pages(page_boxes: Mapping[int, Box]) -> frozenset[int]:
    """Return the broad pages that are twice as broad as another page of the same height."""
    sizes = {number: (box[2] - box[0], box[3] - box[1]) for number, box in page_boxes.items()}
    halves = {(2 * width, height) for width, height in sizes.values()}
    broad = (number for number, box in page_boxes.items() if is_broad(box))
    return frozenset(number for number in broad if any(_agree(sizes[number], half) for half in halves))


def _agree(size: tuple[float, float], other: tuple[float, float]) -> bool:
    return all(abs(a - b) <= SAME_PAGE_SIZE * a for a, b in zip(size, other, strict=True))


def _with_empty_fold(layouts: Iterable[PageLayout]) -> Collection[int]:
    """Return the broad pages of a document if their folds are empty, else none."""
    broad = [layout for layout in layouts if is_broad(layout.box) and not layout.turn]
    if len(broad) < FEWEST_PAGES or sum(map(_is_crossed, broad)) > MOST_CROSSED * len(broad):
        return ()
    shares = (sum(map(holds, broad)) / len(broad) for holds in (_is_divided, _has_picture_at_fold))
    return {layout.number for layout in broad} if min(shares) >= LEAST_DIVIDED else ()


def _texts(layout: PageLayout) -> Iterable[Box]:
    return (*(text.box for text in layout.texts), *(attribute.box for attribute in layout.attributes))


def _middle(layout: PageLayout) -> tuple[float, float]:
    """Return the middle of a page, and the distance within which something is at the fold."""
    return (layout.box[0] + layout.box[2]) / 2, AT_FOLD * layout.width


def _is_crossed(layout: PageLayout) -> bool:
    middle, slack = _middle(layout)
    return any(box[0] < middle - slack and box[2] > middle + slack for box in _texts(layout))


def _is_divided(layout: PageLayout) -> bool:
    middle, _ = _middle(layout)
    boxes = list(_texts(layout))
    return any(box[2] <= middle for box in boxes) and any(box[0] >= middle for box in boxes)


def _has_picture_at_fold(layout: PageLayout) -> bool:
    middle, slack = _middle(layout)
    return any(abs(side - middle) <= slack for box in layout.pictures for side in box[::2])
