"""Pages as a language model is shown them: numbered, headings marked, one line a row, running heads once, bounded."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final

from swatchbook.catalogue.layout import LARGER, MARGIN, tidy
from swatchbook.catalogue.llm.verbatim import source_words, words
from swatchbook.records import Line, Page, Record

MOST_PAGES: Final = 100
MOST_CHARACTERS: Final = 120_000
"""Of one question: about 40,000 tokens."""
PAGE_CHARACTERS: Final = 4_000
_LONGEST_HEADING: Final = 12  # words
_IN_ROW: Final = 0.6  # of the print size, between the middles of two lines
_CUT: Final = "[…]"


class ExcerptLine(Record):
    """A page as it is shown to a model, and as what the model says of it is checked."""

    number: int
    shown: str
    source: str  # all of its words, also those that are not shown
    lines: tuple[str, ...]  # of `words`
    cut: bool = False


def excerpt_lines(pages: Iterable[Page], *, most: int = PAGE_CHARACTERS) -> Iterator[ExcerptLine]:
    """Pages in order, each with at most so many characters. A head or foot is shown where it is another than on the
    page before.
    """
    before, sizes = frozenset[str](), Counter[int]()
    for page in pages:
        for line in page.lines:
            sizes[round(line.size)] += len(line.text)
        body = max(sizes, key=lambda size: sizes[size], default=0)
        margins = frozenset(_masked(line) for line in page.lines if _in_margin(page, line))
        told = [line for line in page.lines if line.text and not (_in_margin(page, line) and _masked(line) in before)]
        text, cut = _bounded(_rows(told, body), most)
        yield ExcerptLine(
            number=page.number,
            shown=f"=== page {page.number} ===\n{text}",
            source=source_words("\n".join([page.text, *_closed_up(page)])),
            lines=tuple(words(tidy(line.text)) for line in page.lines if line.text),
            cut=cut,
        )
        before = margins


def windows(
    given: Iterable[ExcerptLine], *, pages: int = MOST_PAGES, characters: int = MOST_CHARACTERS
) -> Iterator[tuple[ExcerptLine, ...]]:
    """Runs of pages that fit one question each."""
    window, room = list[ExcerptLine](), characters
    for leaf in given:
        if window and (len(window) == pages or len(leaf.shown) > room):
            yield tuple(window)
            window, room = [], characters
        window.append(leaf)
        room -= len(leaf.shown)
    if window:
        yield tuple(window)


def _rows(lines: Sequence[Line], body: int) -> list[str]:
    """Lines that follow each other in one row as one, "label | value"; headings with "# ".

    `body`: print size in points of most characters so far.
    """
    rows = list[list[Line]]()
    for line in lines:
        if rows and abs(_middle(rows[-1][-1]) - _middle(line)) < _IN_ROW * line.size:
            rows[-1].append(line)
        else:
            rows.append([line])
    return [_row(row, body) for row in rows]


def _row(row: Sequence[Line], body: int) -> str:
    text = " | ".join(_as_words(line.text) for line in row)
    stands_out = all(round(line.size) >= LARGER * body or line.bold for line in row)
    return f"# {text}" if stands_out and len(text.split()) <= _LONGEST_HEADING else text


def _bounded(rows: Iterable[str], most: int) -> tuple[str, bool]:
    """Rows as far as they fit, each of a run of equal ones once."""
    kept, room = list[str](), most
    for row, _ in groupby(rows):
        room -= len(row) + 1
        if room < 0:
            return "\n".join([*kept, _CUT]), True
        kept.append(row)
    return "\n".join(kept), False


def _closed_up(page: Page) -> Iterator[str]:
    """Letter-spaced lines as words: "A L D E R" is shown, and named, as "ALDER"."""
    for line in page.lines:
        if (closed := _as_words(line.text)) != " ".join(line.text.split()):
            yield closed


def _as_words(text: str) -> str:
    """A line as it is shown: as printed, but for letter spacing."""
    closed = tidy(text)
    return " ".join(text.split()) if words(closed) == words(text) else closed


def _middle(line: Line) -> float:
    return (line.bbox[1] + line.bbox[3]) / 2


def _in_margin(page: Page, line: Line) -> bool:
    top, height = page.box[1], page.box[3] - page.box[1]
    return line.bbox[3] - top < MARGIN * height or line.bbox[1] - top > (1 - MARGIN) * height


def _masked(line: Line) -> str:
    """A line in a margin without its page number."""
    return re.sub(r"\d+", "#", line.text)
