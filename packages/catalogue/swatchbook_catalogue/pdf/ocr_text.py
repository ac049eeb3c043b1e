"""Add the lines read from a page's pixels (OCR) to the page: as paragraphs next to its text layer, or instead of it.

`ocr_pages.py` chooses the pages; `ocr_engine.py` reads them.
"""

import re
from collections.abc import Sequence
from statistics import mean
from typing import NamedTuple

from swatchbook_base.geometry import area, bounding_box, centre_inside, shared_area, turn_box
from swatchbook_base.records import Block, Box, Line, Page, Span
from swatchbook_catalogue.pdf.page_contract import NOWHERE
from swatchbook_catalogue.pdf.unmapped_fonts import is_garbage

LETTER_SHARE = 0.7  # the font's size as a share of the height of a line's box
SAME_PRINT_SIZE = 1.24  # sizes from boxes vary by ±24 % around the mode, and count as one size
PITCH = 2.2  # the most from one line to the next of a paragraph, in font sizes
UNREAD_SHARE = 1 / 3  # a page with more of its printed lines unread is in a script that is not read
SAME_LINE = 0.5  # a line with this share of its box under the text layer's lines is read already
_NUMBER = re.compile(r"(?<![^\W_])\d[\d.,'O]*(?![^\W\d_])")


def with_zeros(text: str) -> str:
    """Return a printed text with zeros for capital O in numbers: "$25O" would else be read as 25. "H2O" stays."""
    return _NUMBER.sub(lambda number: number[0].replace("O", "0"), text)


class PrintedLine(NamedTuple):
    """A line of printed text: its box in points of the page as shown, and how sure the model is (0 to 1)."""

    text: str
    box: Box
    confidence: float


class Printed(NamedTuple):
    """The print of a page. `turn`: by how many degrees clockwise the page must be turned to be read."""

    lines: tuple[PrintedLine, ...]
    turn: int
    unread: tuple[Box, ...]  # lines found but not read: too unsure, without sense, or too many


def is_mostly_unread(read: int, unread: int) -> bool:
    """Return whether more than UNREAD_SHARE of a page's lines is unread: its script is one that is not read."""
    return unread > UNREAD_SHARE * (read + unread)


def known_lines(page: Page) -> list[Box]:
    """Return the boxes of the text layer's lines; none if it is garbage."""
    return [] if is_garbage(page.text) else [line.bbox for line in page.lines]


def is_known(box: Box, known: Sequence[Box]) -> bool:
    """Return whether a printed line is one of the text layer's."""
    return sum(shared_area(box, line) for line in known) >= SAME_LINE * max(area(box), 1e-6)


def within(parts: Sequence[Box], printed: Printed) -> Printed:
    """Return what is printed on some parts of a page."""

    def is_inside(box: Box) -> bool:
        return any(centre_inside(box, part) for part in parts)

    lines, unread = (line for line in printed.lines if is_inside(line.box)), filter(is_inside, printed.unread)
    return Printed(tuple(lines), printed.turn, tuple(unread))


def add_printed(page: Page, printed: Printed) -> Page:
    """Return a page with its printed lines added to its text layer, or instead of it if that is garbage."""
    blocks = () if is_garbage(page.text) else page.blocks
    lines = printed.lines
    return page.model_copy(
        update={
            "blocks": (*blocks, *paragraphs(lines, printed.turn)),
            "ocr": bool(lines),
            "turn": printed.turn,
            "unread": printed.unread,
        }
    )


def paragraphs(lines: Sequence[PrintedLine], turn: int) -> list[Block]:
    """Return lines as blocks; a line joins the one close above it that has the same size and left edge."""
    sizes = even_sizes([LETTER_SHARE * _height(line.box, turn) for line in lines])
    blocks: list[list[Line]] = []
    ends: list[Box] = []  # the last line's box of each block, after the page's turn around its origin
    for printed, size in sorted(zip(lines, sizes, strict=True), key=lambda pair: _reading_place(pair[0].box, turn)):
        span = Span(text=printed.text, bbox=printed.box, size=size, font="", bold=False, italic=False, color=0)
        line = Line(bbox=printed.box, spans=(span,), confidence=printed.confidence)
        upright = turn_box(printed.box, NOWHERE, turn)
        for number, end in enumerate(ends):
            pitch = upright[1] - end[1]
            near = 0 < pitch <= PITCH * size and blocks[number][-1].size == size
            if near and abs(upright[0] - end[0]) <= size:
                blocks[number].append(line)
                ends[number] = upright
                break
        else:
            blocks.append([line])
            ends.append(upright)
    return [Block(bbox=bounding_box(line.bbox for line in block), lines=tuple(block)) for block in blocks]


def even_sizes(sizes: Sequence[float]) -> list[float]:
    """Return font sizes in points, with nearly equal ones made equal, the most frequent first."""
    evened = dict[float, float]()
    left = sorted(sizes)
    while left:
        groups = [
            [size for size in left if middle / SAME_PRINT_SIZE <= size <= middle * SAME_PRINT_SIZE]
            for middle in set(left)
        ]
        group = max(groups, key=lambda near: (len(near), near))
        evened.update(dict.fromkeys(group, round(float(mean(group)), 1)))
        left = [size for size in left if size not in evened]
    return [evened[size] for size in sizes]


def _height(box: Box, turn: int) -> float:
    return box[2] - box[0] if turn % 180 else box[3] - box[1]


def _reading_place(box: Box, turn: int) -> tuple[float, float]:
    left, top, *_ = turn_box(box, NOWHERE, turn)
    return top, left
