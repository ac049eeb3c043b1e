"""Find the number that people read on a page, if it is not the page's number in the PDF.

It is the page's label in the PDF, else the number printed in its margins, or both numbers of a spread. Printed numbers
count if they have one distance from the page's number, or from twice that, on three pages or more and on half of the
pages with numbers; then the pages between them get labels, too.
"""

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from swatchbook.catalogue.running_text import FEWEST_PAGES, LINE_MARGIN, is_in_margin
from swatchbook.records import Page

LONGEST_LINE = 40  # characters of a line with a page number, which may include a running head
MOST_NUMBERS = 12  # numbers that are kept of a page
_NUMBER = re.compile(r"(?<![\d.,/-])\d{1,4}(?![\d.,/-])")


class NumberedPage(NamedTuple):
    """A page with its label in the PDF ("" without one) and the numbers in its margins, which may be its own."""

    number: int
    label: str
    printed: frozenset[int]


def numbered_page(page: Page) -> NumberedPage:
    """Return a page with its label in the PDF and the numbers in its margins."""
    lines = (line.text for line in page.lines if is_in_margin(page, line, LINE_MARGIN))
    numbers = [int(digits) for line in lines if len(line) <= LONGEST_LINE for digits in _NUMBER.findall(line)]
    return NumberedPage(page.number, page.label, frozenset(numbers[:MOST_NUMBERS]))


def page_labels(pages: Sequence[NumberedPage]) -> dict[int, str]:
    """Return page -> its label, for pages whose label is not their number. `pages` are in order."""
    labels = {page.number: page.label for page in pages if page.label not in ("", str(page.number))}
    return labels or _printed_labels(pages)


def _printed_labels(pages: Sequence[NumberedPage]) -> dict[int, str]:
    single = Counter((1, n - page.number) for page in pages for n in page.printed)
    double = Counter((2, n - 2 * page.number) for page in pages for n in page.printed if n + 1 in page.printed)
    usual = (double + single).most_common(1)  # with equal counts the spreads come first: both of their numbers fit
    if not usual:
        return {}
    (times, distance), count = usual[0]
    if count < FEWEST_PAGES or 2 * count < sum(bool(page.printed) for page in pages) or (times, distance) == (1, 0):
        return {}
    numbered = [page.number for page in pages if times * page.number + distance in page.printed]
    between = (page.number for page in pages if numbered[0] <= page.number <= numbered[-1])
    return {number: _label(times * number + distance, times) for number in between}


def _label(first: int, count: int) -> str:
    return str(first) if count == 1 else f"{first}–{first + 1}"
