"""Find the categories of products: the headings of one style that divide the names best."""

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby, pairwise
from math import inf, sqrt
from statistics import median
from typing import NamedTuple

from swatchbook_base.records import Box, fold
from swatchbook_catalogue.attributes import code_of, inline_label, key_of
from swatchbook_catalogue.kinds import heading_kind, names_a_catalogue
from swatchbook_catalogue.measures import says_price
from swatchbook_catalogue.page_layout import PageLayout, Style, Text, clean_name, is_name, style_families
from swatchbook_catalogue.running_text import mask_digits
from swatchbook_catalogue.sections import ENDING_KINDS, DocumentLayout, Place, without_continued

ALIKE = 0.15  # share by which sizes of headings of one kind may differ: long ones are set smaller
LARGER = 1.05  # the least size of a larger heading, as a multiple of that of names or of a heading below it
ON_PAGE, SOME_ON_PAGE = 0.7, 0.4  # the least share of names that smaller headings, and few headings, have on their page
FEW = 3  # categories of which some must be on the page of their names
QUALITY, QUALITY_READ = 0.5, 0.8  # a division must be better; the second if pages are read from their pixels
MOST_PAGES = 2 / 3  # share of the pages with names; words on more of them are the maker's name or a head of a column
CLOSE = 2.0  # the longest distance between the head of a column and its first price, in font sizes
CHAPTERS = 3  # the fewest different numbers before headings that count chapters
_NUMBERED = re.compile(r"(\d{1,2})[.)]?\s+(?=[^\W\d])")  # the number of a chapter before its name: "01 Lamps"

Above = Mapping[Text, int]  # name of a product -> index of the heading above it


class Heading(NamedTuple):
    """A text that may head products. One without words ends what is above it: "Contents"."""

    text: Text
    words: str

    @property
    def same(self) -> str:
        """Return what is equal for headings that differ at most in a number."""
        return mask_digits(fold(self.words))


def find_categories(document: DocumentLayout, names: Sequence[Text]) -> tuple[dict[Place, str], set[Place]]:
    """Return the category of each name, and the headings that divide the names. None is better than a wrong one.

    Headings larger than names come before smaller ones, which must be on the pages of their names.
    """
    usual = median([name.size for name in names] or [0.0])
    least = QUALITY_READ if any(layout.ocr for layout in document.layouts) else QUALITY
    categories, dividing, most = dict[Place, str](), set[Place](), (False, least, 0)
    by_style = list(_headings_by_style(document, names))
    for size, headings in by_style:
        above = _find_above(headings, names)
        runs = _runs(headings, above)
        different = len(dict(runs))
        on_page = sum(headings[n].text.page == name.page for name, n in above.items()) / max(1, len(above))
        larger = size >= LARGER * usual
        if different < 2 or 2 * len(above) < len(names) or not (larger or on_page >= ON_PAGE):
            continue
        quality = _quality(headings, above, runs)
        rank = larger, round(quality, 2), different
        if quality > least and rank > most and (different > FEW or on_page >= SOME_ON_PAGE):
            most, dividing = rank, {(heading.text.page, heading.text.box) for heading in headings}
            ending = [h._replace(words="") for other, more in by_style if other >= LARGER * size for h in more]
            merged = sorted([*headings, *ending], key=lambda h: (h.text.page, h.text.box[1]))
            above = _find_above(merged, names)
            categories = {(name.page, name.box): words for name, n in above.items() if (words := merged[n].words)}
    return categories, dividing


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
    between = {n for n, h in enumerate(headings) if h.words and min(pages) - 1 <= h.text.page <= max(pages)}
    near = {n for name, n in above.items() if headings[n].text.page == name.page or headings[n].text.page not in pages}
    heads = {(headings[n].text.page, headings[n].same) for n in near}
    idle = {n for n in between if (headings[n].text.page, headings[n].same) not in heads}
    parents = {
        n
        for n, (over, below) in enumerate(pairwise(headings))
        if over.same == below.same or (over.text.page == below.text.page and over.text.size > LARGER * below.text.size)
    }
    return sqrt(in_one_place * in_company) * (1 - len(idle - parents) / max(1, len(between)))


def _headings_by_style(document: DocumentLayout, names: Sequence[Text]) -> Iterator[tuple[float, list[Heading]]]:
    """Yield the size and the headings of each style, in reading order, without the numbers of chapters that rise."""
    places = defaultdict[int, list[Box]](list)
    for name in names:
        places[name.page].append(name.box)
    found = [
        Heading(text, words)
        for layout in document.layouts
        if document.kinds.get(layout.number) not in ENDING_KINDS
        for text in sorted(layout.texts, key=lambda text: text.box[1])
        if text.box not in places[text.page] and not _is_of_table(text, layout, places[text.page])
        if (words := _words(text)) is not None
    ]
    pages = Counter(
        words for words, page in {(fold(h.words), h.text.page) for h in found if h.words and places[h.text.page]}
    )
    most = max(CHAPTERS - 1, MOST_PAGES * sum(map(bool, places.values())))
    found = [heading for heading in found if pages[fold(heading.words)] <= most]
    families = style_families((heading.text for heading in found), ALIKE)
    styles = defaultdict[Style, list[Heading]](list)
    for heading in found:
        styles[families[heading.text.style]].append(heading)
    for style, headings in styles.items():
        numbers = [int(number[1]) for heading in headings if (number := _NUMBERED.match(heading.words))]
        if len({*numbers}) >= CHAPTERS and numbers == sorted(numbers):
            headings = [heading._replace(words=_NUMBERED.sub("", heading.words, 1)) for heading in headings]
        yield style[0], headings


def _words(text: Text) -> str | None:
    """Return the words of a text that may be a category, "" for "Contents" and the like, None for any other text."""
    text = replace(text, lines=(text.lines[0], *(line for line in text.lines[1:] if not key_of(line))))
    words = without_continued(clean_name(text)).rstrip(". ")
    if heading_kind(words):
        return ""
    is_number = sum(map(str.isalpha, words)) < 3 or _NUMBERED.sub("", words)[0].isdigit()
    is_value = is_number or says_price(words) or inline_label(words) or code_of(words)
    named = replace(text, lines=(*text.lines[:-1], text.lines[-1].rstrip(". ")))
    return None if is_value or names_a_catalogue(words) or not is_name(named) else words


def _is_of_table(text: Text, layout: PageLayout, names: Sequence[Box]) -> bool:
    """Whether a text is the name of a row, as a price is to its right, or is right above a price and above no name."""
    x0, top, x1, bottom = text.box
    beside = any(price[0] >= x1 and price[1] < (top + bottom) / 2 < price[3] for price in layout.prices)
    over = any(0 <= p[1] - bottom < CLOSE * text.size and p[0] < x1 and p[2] > x0 for p in layout.prices)
    return beside or (over and not any(name[0] < x1 and name[2] > x0 for name in names))


def _find_above(headings: Sequence[Heading], names: Sequence[Text]) -> Above:
    """Return the heading above each name: the last above it in its column, else the last of the pages before."""
    pages = [heading.text.page for heading in headings]
    found = {}
    for page, of_page in groupby(sorted(names, key=lambda name: name.page), lambda name: name.page):
        first, end = bisect_left(pages, page), bisect_left(pages, page + 1)
        texts = [heading.text for heading in headings[first:end]]
        columns = [(n, text.box[1], *_column(text, texts)) for n, text in enumerate(texts, first)]
        for name in of_page:
            middle = (name.box[0] + name.box[2]) / 2
            over = (n for n, top, left, right in columns if top <= name.box[1] and left <= middle < right)
            if (n := max(over, default=first - 1)) >= 0:
                found[name] = n
    return found


def _column(text: Text, others: Sequence[Text]) -> tuple[float, float]:
    """Return where what is below a heading begins and ends: headings in one row divide the page."""
    row = [other.box for other in others if abs(other.box[1] - text.box[1]) < text.size]
    right = [box[0] - text.size / 2 for box in row if box[0] > text.box[2]]
    divided = right or any(box[2] < text.box[0] for box in row)
    return text.box[0] - text.size / 2 if divided else -inf, min(right, default=inf)
