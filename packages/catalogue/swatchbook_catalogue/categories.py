"""Find the categories of products: the headings of one style that divide the names best."""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby, pairwise
from math import inf, sqrt
from statistics import median
from typing import NamedTuple

from swatchbook_base.records import Box, fold
from swatchbook_catalogue.attributes import inline_label
from swatchbook_catalogue.kinds import heading_kind, is_label, names_a_catalogue
from swatchbook_catalogue.measures import says_price
from swatchbook_catalogue.page_layout import PageLayout, Style, Text, clean_name, is_name, style_families
from swatchbook_catalogue.running_text import mask_digits
from swatchbook_catalogue.sections import ENDING_KINDS, DocumentLayout

ALIKE = 0.15  # share by which sizes of headings of one kind may differ: long ones are set smaller
LARGER = 1.05  # the least size of a larger heading, as a multiple of that of names or of a heading below it
ON_PAGE, SOME_ON_PAGE = 0.7, 0.4  # the least share of names that smaller headings, and few headings, have on their page
FEW = 3  # categories of which some must be on the page of their names
QUALITY, QUALITY_READ = 0.5, 0.8  # a division must be better; the second if pages are read from their pixels
MOST_PAGES = 2 / 3  # share of the pages with names; words on more of them are the maker's name or a head of a column
CLOSE = 2.0  # the longest distance between the head of a column and its first price, in font sizes
CHAPTERS = 3  # the fewest different numbers before headings that count chapters
_NUMBERED = re.compile(r"(\d{1,2})[.)]?\s+(?=[^\W\d])")
"""The number of a chapter before its name: "01 Lamps"."""
_CONTINUED = re.compile(
    r"[\s,;(–—-]+(?:continued|cont\.|contd\.?|fortsetzung|suite|segue|continuaci[oó]n|continuação|продолжение|devam[ıi])\)?$",
    re.IGNORECASE,
)
"""The words behind a heading's name that mark it as continued from the page before."""


class Heading(NamedTuple):
    """A text that may head products. One without words ends what is above it: "Contents"."""

    page: int
    box: Box
    size: float
    words: str

    @property
    def same(self) -> str:
        """Return what is equal for headings that differ at most in a number."""
        return mask_digits(fold(self.words))


Above = Mapping[Text, int]
"""Name of a product -> index of the heading above it."""


def find_categories(document: DocumentLayout, names: Sequence[Text]) -> dict[tuple[int, Box], str]:
    """Return the category of each name, by page and box. None is better than a wrong one.

    Headings larger than names come before smaller ones, which must be on the pages of their names.
    """
    usual = median(name.size for name in names)
    least = QUALITY_READ if any(layout.ocr for layout in document.layouts) else QUALITY
    best: tuple[tuple[bool, float, int], dict[tuple[int, Box], str]] = ((False, least, 0), {})
    for size, headings in _headings_by_style(document, names):
        above = _find_above(headings, names)
        runs = _runs(headings, above)
        different = len({words for words, _ in runs})
        on_page = sum(headings[n].page == name.page for name, n in above.items()) / max(1, len(above))
        larger = size >= LARGER * usual
        if different < 2 or 2 * len(above) < len(names) or not (larger or on_page >= ON_PAGE):
            continue
        quality = _quality(headings, above, runs)
        rank = larger, round(quality, 2), different
        if quality > least and rank > best[0] and (different > FEW or on_page >= SOME_ON_PAGE):
            best = rank, {(name.page, name.box): words for name, n in above.items() if (words := headings[n].words)}
    return best[1]


def _runs(headings: Sequence[Heading], above: Above) -> list[tuple[str, int]]:
    """Return the words of headings, equal ones in a row once, with the number of different names below them."""
    below = defaultdict[int, set[str]](set)
    for name, n in above.items():
        below[n].add(fold(name.text))
    runs = groupby((n for n in sorted(below) if headings[n].words), lambda n: headings[n].same)
    return [(words, len(set().union(*(below[n] for n in run)))) for words, run in runs]


def _quality(headings: Sequence[Heading], above: Above, runs: Sequence[tuple[str, int]]) -> float:
    """Return how well headings divide the names, from 0 to 1.

    A category is in one place of the document and has several names. A heading has names below it, on its page if that
    has names, or is followed by an equal or a smaller heading.
    """
    in_one_place = len(dict(runs)) / len(runs)
    in_company = sum(count for _, count in runs if count > 1) / sum(count for _, count in runs)
    pages = {name.page for name in above}
    between = {n for n, h in enumerate(headings) if h.words and min(pages) - 1 <= h.page <= max(pages)}
    near = {n for name, n in above.items() if headings[n].page == name.page or headings[n].page not in pages}
    heads = {(headings[n].page, headings[n].same) for n in near}
    idle = {n for n in between if (headings[n].page, headings[n].same) not in heads}
    parents = {
        n
        for n, (over, below) in enumerate(pairwise(headings))
        if over.same == below.same or (over.page == below.page and over.size > LARGER * below.size)
    }
    return sqrt(in_one_place * in_company) * (1 - len(idle - parents) / max(1, len(between)))


def _headings_by_style(document: DocumentLayout, names: Sequence[Text]) -> Iterator[tuple[float, list[Heading]]]:
    """Yield the size and the headings of each style, in reading order, without the numbers of chapters that rise."""
    places = defaultdict[int, list[Box]](list)
    for name in names:
        places[name.page].append(name.box)
    texts = [
        (text, Heading(text.page, text.box, text.size, words))
        for layout in document.layouts
        if document.kinds.get(layout.number) not in ENDING_KINDS
        for text in layout.texts
        if text.box not in places[text.page] and not _is_of_table(text, layout, places[text.page])
        if (words := _words(text, document)) is not None
    ]
    pages = defaultdict[str, set[int]](set)
    for text, heading in texts:
        pages[fold(heading.words)] |= {text.page} if places[text.page] else set()
    most = max(CHAPTERS - 1, MOST_PAGES * sum(map(bool, places.values())))
    texts = [(text, heading) for text, heading in texts if not heading.words or len(pages[fold(heading.words)]) <= most]
    families = style_families((text for text, _ in texts), ALIKE)
    styles = defaultdict[Style, list[Heading]](list)
    for text, heading in sorted(texts, key=lambda each: (each[1].page, each[1].box[1])):
        styles[families[text.style]].append(heading)
    for style, headings in styles.items():
        numbers = [int(found[1]) for heading in headings if (found := _NUMBERED.match(heading.words))]
        if len({*numbers}) >= CHAPTERS and numbers == sorted(numbers):
            headings = [heading._replace(words=_NUMBERED.sub("", heading.words, 1)) for heading in headings]
        yield style[0], headings


def _words(text: Text, document: DocumentLayout) -> str | None:
    """Return the words of a text that may be a category, "" for "Contents" and the like, None for any other text."""
    words = _CONTINUED.sub("", clean_name(text)).rstrip(". ")
    if heading_kind(words):
        return ""
    label = is_label(words) and (text.page, text.box) not in document.section_labels
    no_words = sum(map(str.isalpha, words)) < 3 or says_price(words) or inline_label(words) or names_a_catalogue(words)
    named = replace(text, lines=(*text.lines[:-1], text.lines[-1].rstrip(". ")))
    return None if label or no_words or not is_name(named) else words


def _is_of_table(text: Text, layout: PageLayout, names: Sequence[Box]) -> bool:
    """Whether a text is the name of a row, as a price is to its right, or is right above a price and above no name."""
    x0, top, x1, bottom = text.box
    beside = any(price[0] >= x1 and price[1] < (top + bottom) / 2 < price[3] for price in layout.prices)
    over = any(0 <= p[1] - bottom < CLOSE * text.size and p[0] < x1 and p[2] > x0 for p in layout.prices)
    return beside or (over and not any(name[0] < x1 and name[2] > x0 for name in names))


def _find_above(headings: Sequence[Heading], names: Sequence[Text]) -> Above:
    """Return the heading above each name: the last above it in its column, else the last of the pages before."""
    pages = [heading.page for heading in headings]
    found = {}
    for page, of_page in groupby(sorted(names, key=lambda name: name.page), lambda name: name.page):
        first, end = bisect_left(pages, page), bisect_left(pages, page + 1)
        columns = [(n, headings[n].box[1], *_column(headings[n], headings[first:end])) for n in range(first, end)]
        for name in of_page:
            middle = (name.box[0] + name.box[2]) / 2
            over = (n for n, top, left, right in columns if top <= name.box[1] and left <= middle < right)
            if (n := max(over, default=first - 1)) >= 0:
                found[name] = n
    return found


def _column(heading: Heading, of_page: Sequence[Heading]) -> tuple[float, float]:
    """Return where what is below a heading begins and ends: headings in one row divide the page."""
    row = [h.box for h in of_page if abs(h.box[1] - heading.box[1]) < heading.size]
    right = [box[0] - heading.size / 2 for box in row if box[0] > heading.box[2]]
    divided = right or any(box[2] < heading.box[0] for box in row)
    return heading.box[0] - heading.size / 2 if divided else -inf, min(right, default=inf)
