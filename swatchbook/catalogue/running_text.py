"""Running heads and feet: which texts in the margins repeat, and which belong to their page, such as a price."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import or_

from swatchbook.catalogue.layout import (
    PageLayout,
    Text,
    TextPlace,
    text_place,
)

FEWEST_PAGES = 3
"""A number in the margin is a page number when it follows the pages' numbers on at least so many pages."""


@dataclass(frozen=True, slots=True)
class Margins:
    """Texts at the same place in the margins of many pages: running heads and feet, and texts specific to a page, such
    as a price."""

    running: frozenset[Text]
    page_specific: frozenset[Text]


def divide_margins(
    layouts: Sequence[PageLayout], repeated_places: frozenset[TextPlace], labels: Mapping[int, int]
) -> Margins:
    """Divide the texts that repeat in the margins into running heads and texts specific to a page.

    `labels` maps each page to its printed number, as far as the PDF knows it.
    """
    texts_at: dict[TextPlace, list[Text]] = defaultdict(list)
    for layout in layouts:
        for text in layout.texts:
            if (place := text_place(text, layout)).in_margin and place in repeated_places:
                texts_at[place].append(text)
    running = frozenset(text for texts in texts_at.values() for text in _running_texts(texts, labels))
    return Margins(running, frozenset(text for texts in texts_at.values() for text in texts) - running)


def _running_texts(texts: Sequence[Text], labels: Mapping[int, int]) -> Iterator[Text]:
    """Return the running heads among texts that differ at most in their digits.

    These are bare numbers, and texts that are the same on all pages except for the page number.
    """
    if len({t.text for t in texts}) == 1:
        yield from texts
        return
    shapes: dict[str, list[Text]] = defaultdict(list)
    for text in texts:
        shapes[_DIGITS.sub("#", text.text)].append(text)
    for same in shapes.values():
        pages = [text.page for text in same]
        columns = list(zip(*(_numbers(text) for text in same), strict=True))
        numbered = [_page_numbers(column, pages, labels) for column in columns]
        constant = [len(set(column)) == 1 for column in columns]
        for n, text in enumerate(same):
            paged = [column[n] for column in numbered]
            if not paged or text.text.isdecimal() or (any(paged) and all(map(or_, paged, constant))):
                yield text


def _page_numbers(values: Sequence[int], pages: Sequence[int], labels: Mapping[int, int]) -> list[bool]:
    """Return for each value whether it is a page number: at the usual offset from the page, or from twice the page."""
    for numbers in ([labels[page] for page in pages], pages, [2 * page for page in pages]):
        offsets = [value - number for value, number in zip(values, numbers, strict=True)]
        usual, times = Counter(offsets).most_common(1)[0]
        if times >= FEWEST_PAGES and 2 * times >= len(offsets):
            return [offset == usual for offset in offsets]
    return [False] * len(values)


def _numbers(text: Text) -> list[int]:
    return [int(digits[-9:]) for digits in _DIGITS.findall(text.text)]


_DIGITS = re.compile(r"\d+")
