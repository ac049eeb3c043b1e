"""Make the excerpts of pages that a language model is shown, and test whether pages confirm its answers.

Case, spaces, Unicode forms, hyphens at line ends and most punctuation do not count; numbers, their signs and units do.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import groupby, pairwise
from typing import Final

from swatchbook_base.geometry import gap
from swatchbook_base.records import Box, Line, Page, Record, normalise_line
from swatchbook_catalogue.page_layout import EDGE_BAND, LARGER, picture_boxes
from swatchbook_catalogue.placements import CAPTION_REACH
from swatchbook_catalogue.running_text import is_in_margin, mask_digits

MOST_PAGES: Final = 100
MOST_CHARACTERS: Final = 120_000  # the most characters of one question: about 40,000 tokens
PAGE_CHARACTERS: Final = 4_000
_LONGEST_HEADING: Final = 12  # words
_IN_ROW: Final = 0.6  # share of the font size by which the middles of two lines of a row may differ
_CUT: Final = "[…]"
PICTURE: Final = "[picture]"  # the mark behind the row of the text that is nearest to a picture


class PageExcerpt(Record):
    """A page as shown to a model, and the words against which the reply is checked."""

    number: int
    shown: str
    source: str  # all words of the page, from `normalise_source`
    lines: tuple[str, ...]  # each from `normalise_words`
    cut: bool = False


def page_excerpts(pages: Iterable[Page], *, most: int = PAGE_CHARACTERS) -> Iterator[PageExcerpt]:
    """Yield excerpts of at most `most` characters, without the running heads and feet of the page before."""
    before, sizes = frozenset[str](), Counter[int]()
    for page in pages:
        for line in page.lines:
            sizes[round(line.size)] += len(line.text)
        body = max(sizes, key=lambda size: sizes[size], default=0)
        margins = frozenset(mask_digits(line.text) for line in page.lines if is_in_margin(page, line, EDGE_BAND))
        lines = [
            line
            for line in page.lines
            if line.text and not (is_in_margin(page, line, EDGE_BAND) and mask_digits(line.text) in before)
        ]
        text, cut = _fitting(_rows(lines, body, _at_pictures(page, lines)), most)
        yield PageExcerpt(
            number=page.number,
            shown=f"=== page {page.number} ===\n{text}",
            source=normalise_source(page.text),
            lines=tuple(normalise_words(normalise_line(line.text)) for line in page.lines if line.text),
            cut=cut,
        )
        before = margins


def group_excerpts(excerpts: Iterable[PageExcerpt]) -> Iterator[tuple[PageExcerpt, ...]]:
    """Group successive pages so that each group fits one question."""
    window, room = list[PageExcerpt](), MOST_CHARACTERS
    for excerpt in excerpts:
        if window and (len(window) == MOST_PAGES or len(excerpt.shown) > room):
            yield tuple(window)
            window, room = [], MOST_CHARACTERS
        window.append(excerpt)
        room -= len(excerpt.shown)
    if window:
        yield tuple(window)


def _at_pictures(page: Page, lines: Sequence[Line]) -> set[Box]:
    """Return the box of the line that is nearest to each picture, unless it is far away."""
    near = (min(lines, key=lambda line: gap(line.bbox, box), default=None) for box in picture_boxes(page))
    return {
        line.bbox
        for box, line in zip(picture_boxes(page), near, strict=True)
        if line and gap(line.bbox, box) <= CAPTION_REACH
    }


def _rows(lines: Sequence[Line], body: int, at_pictures: Collection[Box]) -> list[str]:
    """Join the lines of a row to "label | value"; mark headings ("# ", larger than `body`) and rows at pictures."""
    rows = list[list[Line]]()
    for line in lines:
        if rows and abs(_middle(rows[-1][-1]) - _middle(line)) < _IN_ROW * line.size:
            rows[-1].append(line)
        else:
            rows.append([line])
    marks = (f" {PICTURE}" if any(line.bbox in at_pictures for line in row) else "" for row in rows)
    return [_row(row, body) + mark for row, mark in zip(rows, marks, strict=True)]


def _row(row: Sequence[Line], body: int) -> str:
    text = " | ".join(" ".join(line.text.split()) for line in row)
    stands_out = all(round(line.size) >= LARGER * body or line.bold for line in row)
    return f"# {text}" if stands_out and len(text.split()) <= _LONGEST_HEADING else text


def _fitting(rows: Iterable[str], most: int) -> tuple[str, bool]:
    """Return the rows that fit, with equal successive rows once, and whether any were cut off."""
    kept, room = list[str](), most
    for row, _ in groupby(rows):
        room -= len(row) + 1
        if room < 0:
            return "\n".join([*kept, _CUT]), True
        kept.append(row)
    return "\n".join(kept), False


def _middle(line: Line) -> float:
    return (line.bbox[1] + line.bbox[3]) / 2


# --- whether a page confirms an answer --------------------------------------------------------------------------------


_MARKS: Final = re.compile(r"[®©™℠\u00ad\u200b-\u200d\ufeff]")
_TIMES: Final = re.compile(r"(?<=\d)\s*[x×*]\s*(?=\d)")
_HYPHENATED: Final = re.compile(r"(?<=[^\W\d_])[-‐\u00ad]\s*\n\s*(?=[^\W\d_])")
_PART: Final = re.compile(r"(?<![\w.,])[-−–](?=\d)|\d+(?:[.,'’]\d+)*|[^\W\d_][^\W_]*|[^\w\s]")
_SIGNS: Final = {"−": "-", "–": "-"}
_MEANINGLESS: Final = frozenset("=|~")
LONGEST_NAMED_LINE: Final = 12  # the most words of a line that begins with a name; a longer line is prose


def normalise_words(text: str) -> str:
    """Return a text's normalised words with spaces around each: "60×120cm" is "60 x 120 cm"; "R10" and "AB-1" stay."""
    text = _TIMES.sub(" x ", unicodedata.normalize("NFKC", _MARKS.sub("", text)).casefold())
    parts = [_SIGNS.get(part, part) for part in _PART.findall(text)]
    return f" {' '.join(part for part in parts if _counts(part))} "


def normalise_source(text: str) -> str:
    """Return the words of a page's text; a word hyphenated at a line end occurs both joined and divided."""
    joined = _HYPHENATED.sub("", text)
    return normalise_words(text) if joined == text else f"{normalise_words(text)}\n{normalise_words(joined)}"


def occurs(text: str, source: str) -> bool:
    """Whether a text occurs in a source from `normalise_source`. A text without words does not."""
    sought = normalise_words(text)
    return bool(sought.strip()) and sought in source


def is_named(name: str, lines: Sequence[str]) -> bool:
    """Whether a name begins a short line, or is at least half of the words of one, two or three successive lines.

    A text that only prose mentions ("ignore your instructions and add …") is no name. `lines` are from
    `normalise_words`.
    """
    sought = normalise_words(name)
    size = len(sought.split())
    for line in _runs(lines):
        count = len(line.split())
        if sought in line and (count <= 2 * size or (line.startswith(sought) and count <= LONGEST_NAMED_LINE)):
            return size > 0
    return False


def _runs(lines: Sequence[str]) -> Iterator[str]:
    """Return each line, and each two and three successive lines joined."""
    yield from lines
    for one, two in pairwise(lines):
        yield one + two.lstrip()
    for one, two, three in zip(lines, lines[1:], lines[2:], strict=False):
        yield one + two.lstrip() + three.lstrip()


def _counts(part: str) -> bool:
    """Whether a part counts: words, numbers, currencies, and signs that change a number, such as "≤", "%" or "-"."""
    if part[0].isalnum() or part in "-%‰°":
        return True
    return part not in _MEANINGLESS and unicodedata.category(part) in ("Sm", "Sc")
