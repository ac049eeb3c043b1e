"""Printed text (OCR) as part of a page: which pages are read by their pixels (fewer than 25 letters, fonts that map to
nothing, or a raster of 30 % of the page beside at most two lines of text), and how lines become paragraphs. How pixels
are read: `recogniser.py`.

Pure functions; without numpy, which the child that reads pages only imports when a page needs it.
"""

import logging
from collections.abc import Sequence
from statistics import mean
from typing import Any, Literal, NamedTuple

from swatchbook.geometry import area, bounding_box, shared_area
from swatchbook.pdf.visible import render_box
from swatchbook.records import Block, Box, Line, Page, Span

log = logging.getLogger(__name__)

Ocr = Literal["auto", "off", "always"]
READABLE = "Latin, Greek, Chinese and Japanese letters"
FEWEST_LETTERS = 25  # a page with fewer letters has no usable text
MOST_GARBAGE = 0.3  # share of a text's characters that stand for no letter; more, and its fonts map to nothing
BIG_RASTER = 0.3  # share of the page
MOST_LINES_BESIDE = 2  # of the text layer, such as a title and a page number; with more, captions are among them
LETTER_SHARE = 0.7  # of a line box's height is the font's size
SAME_SIZE = 1.24  # sizes from boxes vary by ±24 % around the mode: that is one size
PITCH = 2.2  # times the size, from one line to the next of a paragraph
SAME_LINE = 0.5  # share of a line box that the text layer's lines cover: then it is read already


class PrintedLine(NamedTuple):
    """A line of printed text: its box in points of the page as shown, and how sure the model is (0 to 1)."""

    text: str
    box: Box
    confidence: float


class Printed(NamedTuple):
    """What is printed on a page. `turn`: by how many degrees clockwise the page must be turned to be read."""

    lines: tuple[PrintedLine, ...]
    turn: int
    unread: int  # lines found but not read: too unsure, or too many


# --- which pages ------------------------------------------------------------------------------------------------------


def is_garbage(text: str) -> bool:
    """Whether a text layer maps its glyphs to no letters: private-use, control and replacement characters."""
    letters = [c for c in text if not c.isspace()]
    wrong = sum(c == "\ufffd" or c < " " or "\x7f" <= c <= "\x9f" or "\ue000" <= c <= "\uf8ff" for c in letters)
    return wrong > MOST_GARBAGE * len(letters)


def wants_ocr(mode: Ocr, text: str, page: Page) -> bool:
    """Whether a page is read by its pixels. `text` is its text layer as stored, before control characters are removed.

    In mode `auto`: it paints something, and has no usable text or a big raster and too few lines to be its captions.
    """
    if mode != "auto":
        return mode == "always"
    if not page.drawn and not page.paths:
        return False
    if sum(map(str.isalnum, text)) < FEWEST_LETTERS or is_garbage(text):
        return True
    rasters = [picture.bbox for picture in page.drawn if not picture.gradient]
    few_lines = sum(len(block.lines) for block in page.blocks) <= MOST_LINES_BESIDE
    return few_lines and any(area(raster) >= BIG_RASTER * area(page.box) for raster in rasters)


class PrintedText:
    """Reads the printed text of the pages that want it; the models are loaded for the first of them (1 s, 300 MB)."""

    def __init__(self, mode: Ocr) -> None:
        self._mode = mode
        self._recogniser: Any = None

    def complete(self, page_read: Page, page: Any) -> Page:
        """Return a page with its printed text. `page` is the library's page. If reading fails, a warning says so."""
        if self._mode == "off":
            return page_read
        layer = page.get_text()
        if not wants_ocr(self._mode, layer, page_read):
            return page_read
        try:
            import numpy as np

            from swatchbook.pdf.recogniser import Recogniser, fitting_dpi

            self._recogniser = self._recogniser or Recogniser()
            dpi = fitting_dpi(page.rect.width, page.rect.height)
            pixels = np.asarray(render_box(page, page_read.box, dpi / 72))
            return add_printed(page_read, layer, self._recogniser.read(pixels, dpi))
        except Exception as error:  # a page that cannot be read by its pixels keeps its text layer and pictures
            log.warning("OCR failed on page %d", page_read.number, exc_info=error)
            warning = "Its printed text could not be read (see the log)."
            return page_read.model_copy(update={"warnings": (*page_read.warnings, warning)})


# --- into a page ------------------------------------------------------------------------------------------------------


def add_printed(page: Page, layer: str, printed: Printed) -> Page:
    """Return a page with what is printed on it and is not in its text layer, which goes if it is garbage."""
    blocks = () if is_garbage(layer) else page.blocks
    known = [line.bbox for block in blocks for line in block.lines]
    lines = [line for line in printed.lines if _covered(line.box, known) < SAME_LINE]
    warnings = page.warnings
    if printed.unread:
        count = f"{printed.unread} line{'s' * (printed.unread > 1)}"
        warnings = (*warnings, f"{count} of its printed text could not be read (OCR reads {READABLE}).")
    return page.model_copy(
        update={
            "blocks": (*blocks, *paragraphs(lines, printed.turn)),
            "ocr": bool(lines),
            "turn": printed.turn,
            "warnings": warnings,
        }
    )


def _covered(box: Box, others: Sequence[Box]) -> float:
    return sum(shared_area(box, other) for other in others) / max(area(box), 1e-6)


def paragraphs(lines: Sequence[PrintedLine], turn: int) -> list[Block]:
    """Return lines as blocks: a line goes on with the one above of the same size, near it and over it."""
    sizes = even_sizes([LETTER_SHARE * _height(line.box, turn) for line in lines])
    blocks: list[list[Line]] = []
    ends: list[Box] = []  # of each block, its last line's box as it stands when the page is turned
    for printed, size in sorted(zip(lines, sizes, strict=True), key=lambda pair: _reading_place(pair[0].box, turn)):
        span = Span(text=printed.text, bbox=printed.box, size=size, font="", bold=False, italic=False, color=0)
        line = Line(bbox=printed.box, spans=(span,), confidence=printed.confidence)
        upright = _upright(printed.box, turn)
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
    """Return font sizes in points, those around the most frequent one made equal, then around the next, and so on."""
    evened = dict[float, float]()
    left = sorted(sizes)
    while left:
        groups = [[size for size in left if middle / SAME_SIZE <= size <= middle * SAME_SIZE] for middle in set(left)]
        group = max(groups, key=lambda near: (len(near), near))
        evened.update(dict.fromkeys(group, round(float(mean(group)), 1)))
        left = [size for size in left if size not in evened]
    return [evened[size] for size in sizes]


def _height(box: Box, turn: int) -> float:
    return box[2] - box[0] if turn % 180 else box[3] - box[1]


def _upright(box: Box, turn: int) -> Box:
    """Return a box after a turn of the page about its origin: only differences of such boxes mean anything."""
    left, top, right, bottom = box
    match turn:
        case 90:
            return -bottom, left, -top, right
        case 180:
            return -right, -bottom, -left, -top
        case 270:
            return top, -right, bottom, -left
        case _:
            return box


def _reading_place(box: Box, turn: int) -> tuple[float, float]:
    left, top, *_ = _upright(box, turn)
    return top, left
