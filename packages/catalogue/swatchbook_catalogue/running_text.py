"""Find running heads and feet: lines and texts that repeat at the same place in the margins of three pages or more.

Also here: which numbers are page numbers, and which texts in a margin belong to their page, such as a price.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import or_
from typing import NamedTuple, TypeVar

from swatchbook_base.records import Line, Page, fold
from swatchbook_catalogue.page_layout import EDGE_BAND, PageLayout, Text

FEWEST_PAGES = 3  # the fewest pages with a text at the same place that may be a running head, or a page number
LINE_MARGIN = 0.1  # share of the page's height at top and bottom for single running lines; texts use `EDGE_BAND`
PLACE_STEP = 6.0  # the distance in points within which single lines are at the same place


# --- lines, while pages are read: which are no captions of pictures ---------------------------------------------------


class MarginLine(NamedTuple):
    """A line in a margin of a page, and its place down the page in steps of `PLACE_STEP`."""

    page: int
    label: int  # the page's printed number if the PDF has it, else its number
    text: str
    row: int


InMargin = TypeVar("InMargin", Text, MarginLine)

Running = frozenset[MarginLine]  # the running heads and feet of a document


def margin_lines(page: Page) -> list[MarginLine]:
    """Return the lines in the margins of a page."""
    return [_margin_line(page, line) for line in page.lines if is_in_margin(page, line, LINE_MARGIN)]


def find_running_lines(lines: Iterable[MarginLine]) -> Running:
    """Return the lines in margins that are at one place on several pages and differ at most in the page's number."""
    at_place: dict[tuple[str, int], list[MarginLine]] = defaultdict(list)
    labels: dict[int, int] = {}
    for line in lines:
        labels[line.page] = line.label
        at_place[mask_digits(line.text), line.row].append(line)
    repeated = [same for same in at_place.values() if len({line.page for line in same}) >= FEWEST_PAGES]
    return frozenset(line for same in repeated for line in _running_texts(same, labels))


def caption_lines(page: Page, running: Running) -> tuple[Line, ...]:
    """Return the lines of a page that may be captions: all but running heads and feet."""
    return tuple(
        line
        for line in page.lines
        if not (is_in_margin(page, line, LINE_MARGIN) and _margin_line(page, line) in running)
    )


def is_in_margin(page: Page, line: Line, share: float) -> bool:
    """Whether a line is completely in the top or bottom `share` of its page's height."""
    top, height = page.box[1], page.box[3] - page.box[1]
    return line.bbox[3] - top < share * height or line.bbox[1] - top > (1 - share) * height


def _margin_line(page: Page, line: Line) -> MarginLine:
    return MarginLine(page.number, page_label(page), line.text, round((line.bbox[1] - page.box[1]) / PLACE_STEP))


# --- texts of the whole document: which are no names and headings -----------------------------------------------------


class TextPlace(NamedTuple):
    """The words and the place of a text, which repeat on other pages if it is a running head."""

    words: str
    row: int
    column: int
    in_margin: bool


def find_repeated_places(layouts: Sequence[PageLayout]) -> frozenset[TextPlace]:
    """Return the places of texts on three pages or more: in a margin, on half of all, or on three runs of pages.

    A text that is usually the largest of its page must repeat on half of all pages: otherwise it is the name of a
    product that covers several pages.
    """
    pages_of: dict[TextPlace, list[int]] = defaultdict(list)
    largest: Counter[TextPlace] = Counter()
    for layout in layouts:
        biggest = max((t.size for t in layout.texts), default=0.0)
        places = {text_place(t, layout): t.size for t in layout.texts}
        for place, size in places.items():
            pages_of[place].append(layout.number)
            largest[place] += size >= biggest
    total = len(layouts)
    return frozenset(
        place
        for place, pages in pages_of.items()
        if len(pages) >= FEWEST_PAGES
        and (
            2 * len(pages) >= total > 5
            or (
                2 * largest[place] < len(pages) and (place.in_margin or (_runs(pages) >= 3 and 7 * len(pages) >= total))
            )
        )
    )


def text_place(text: Text, layout: PageLayout) -> TextPlace:
    """Return the words of a text, its row and column in steps of 12 points, and whether it is in a margin.

    In the margins digits are masked; elsewhere they are part of names. Page numbers have column 0, because they are on
    opposite sides of left and right pages.
    """
    x0, y0, _, _ = text.box
    words = fold(text.text)
    if at_edge(text, layout):
        masked = mask_digits(words)
        return TextPlace(masked, round(y0 / 12), 0 if masked == "#" else round(x0 / 12), in_margin=True)
    return TextPlace(words, round(y0 / 12), round(x0 / 12), in_margin=False)


def at_edge(text: Text, layout: PageLayout) -> bool:
    """Whether a text is in the top or bottom margin of its page."""
    edge = EDGE_BAND * layout.height
    return text.box[1] > layout.box[3] - edge or text.box[3] < layout.box[1] + edge


def _runs(pages: Sequence[int]) -> int:
    """Return the number of runs of successive pages."""
    return 1 + sum(b - a > 1 for a, b in pairwise(pages))


# --- texts in the margins: which belong to their page -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Margins:
    """Texts in the margins of many pages: running heads and feet, and texts specific to a page, such as a price."""

    running: frozenset[Text]
    page_specific: frozenset[Text]


def divide_margins(
    layouts: Sequence[PageLayout], repeated_places: frozenset[TextPlace], labels: Mapping[int, int]
) -> Margins:
    """Divide repeated texts in margins into running heads and page-specific ones. `labels`: printed numbers."""
    texts_at: dict[TextPlace, list[Text]] = defaultdict(list)
    for layout in layouts:
        for text in layout.texts:
            if (place := text_place(text, layout)).in_margin and place in repeated_places:
                texts_at[place].append(text)
    running = frozenset(text for texts in texts_at.values() for text in _running_texts(texts, labels))
    return Margins(running, frozenset(text for texts in texts_at.values() for text in texts) - running)


def _running_texts(texts: Sequence[InMargin], labels: Mapping[int, int]) -> Iterator[InMargin]:
    """Yield the bare numbers, and the texts that are the same on all pages except for the page number."""
    if len({t.text for t in texts}) == 1:
        yield from texts
        return
    shapes: dict[str, list[InMargin]] = defaultdict(list)
    for text in texts:
        shapes[mask_digits(text.text)].append(text)
    for same in shapes.values():
        pages = [text.page for text in same]
        columns = list(zip(*(_numbers(text.text) for text in same), strict=True))
        numbered = [_page_numbers(column, pages, labels) for column in columns]
        constant = [len(set(column)) == 1 for column in columns]
        for n, text in enumerate(same):
            paged = [column[n] for column in numbered]
            if not paged or text.text.isdecimal() or (any(paged) and all(map(or_, paged, constant))):
                yield text


def _page_numbers(values: Sequence[int], pages: Sequence[int], labels: Mapping[int, int]) -> list[bool]:
    """Return for each value whether it is a page number: it has the usual offset from the page, or twice the page."""
    for numbers in ([labels[page] for page in pages], pages, [2 * page for page in pages]):
        offsets = [value - number for value, number in zip(values, numbers, strict=True)]
        usual, times = Counter(offsets).most_common(1)[0]
        if times >= FEWEST_PAGES and 2 * times >= len(offsets):
            return [offset == usual for offset in offsets]
    return [False] * len(values)


def _numbers(text: str) -> list[int]:
    return [int(digits[-9:]) for digits in _DIGITS.findall(text)]


def page_label(page: Page) -> int:
    """Return the page's label in the PDF if that is a number, else the page's own number."""
    return int(page.label) if _SHORT_NUMBER.fullmatch(page.label) else page.number


def mask_digits(text: str) -> str:
    """Return a text with "#" for each number, so that texts with different page numbers are equal."""
    return _DIGITS.sub("#", text)


_DIGITS = re.compile(r"\d+")
_SHORT_NUMBER = re.compile(r"\d{1,9}")
