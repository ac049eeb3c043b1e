"""Read printed text from pixels: lines with boxes, confidence, and the turn in which a page is to be read. Pages are
rendered at 144 dpi (2,400 pixels at most) and searched for lines at 80 dpi (0.9 megapixels at most). A page takes
0.4 s, and 2 ms a letter; at most about 6,000 letters are read.

The models (`line_models.py`) read Latin, Greek, Chinese and Japanese letters. Of lines in other scripts only digits,
signs and look-alikes come out. Such lines are left out and named as unread: those that are unsure, those with few
letters for their length, and those with words of two alphabets; on a page of which a third of the lines is so, also all
that are not quite sure. Measured on 270 lines in Cyrillic and Persian print, of which 41 are still read (prices, codes,
Latin names), and on 327 in Latin print, of which none is lost.
"""

import re
from collections.abc import Sequence
from functools import cached_property
from statistics import mean

import numpy as np
from numpy.typing import NDArray

from swatchbook.pdf.line_models import Corners, LineFinder, LineReader, Pixels
from swatchbook.pdf.ocr import Printed, PrintedLine, is_known, is_mostly_unread
from swatchbook.records import Box

READ_DPI, FIND_DPI = 144, 80  # letters of 6 pt are 12 pixels high; lines are found on less, in a quarter of the time
FIND_PIXELS = 900_000  # a spread of two pages at FIND_DPI has more; the letters of larger pages are larger
MOST_SIDE = 2_400  # pixels of a rendered page
MOST_LENGTH = 3_000  # of the lines read of a page, in heights of a line: 15 s
LEAST_CONFIDENCE = 0.6  # of a line that is kept; dishes and handles are "letters" of less
SURE_BESIDE_UNREAD = 0.9  # the same on a page whose print is mostly unread; of Latin lines 2 % have less
FEWEST_LETTERS = 0.7  # of a line for each of its heights; wide titles have 0.9, most lines 2, Cyrillic ones 0 to 0.5
LEADERS = "._·…-"  # they count as letters: rows of them lead to the price or the page
TWO_ALPHABETS = re.compile(r"[A-Za-zÀ-ɏ][Α-ΡΣ-Ψα-λν-ω]|[Α-ΡΣ-Ψα-λν-ω][A-Za-zÀ-ɏ]")  # but ohm and micro
SURE = 0.85  # mean confidence of lines that stand upright; upside down they have about 0.5
SLENDER = 2.0  # times as long as wide, as lines are; pictures that are taken for text are not
SAMPLE, TELLING = 6, 8.0  # lines by which the turn of a page is told, about so slender: 16 letters are enough


def fitting_dpi(width: float, height: float) -> float:
    """Return the resolution at which a page of this size, in points, is rendered to be read."""
    return min(READ_DPI, 72 * MOST_SIDE / max(width, height, 1.0))


class Recogniser:
    """The models, loaded when a first page needs them (0.7 s, 300 MB)."""

    @cached_property
    def _finder(self) -> LineFinder:
        return LineFinder()

    @cached_property
    def _reader(self) -> LineReader:
        return LineReader()

    def read(
        self, pixels: Pixels, dpi: float, known: Sequence[Box] = (), *, turn: int = 0, most: float = MOST_LENGTH
    ) -> Printed:
        """Return the lines printed on a page of `dpi` pixels an inch, but those in `known` boxes (points). `turn` is
        tried first: that of the page before saves finding the lines twice. Lines beyond `most`, their length in heights
        of a line, are not read.
        """
        turned = _turned(pixels, turn)
        lines = self._find(turned, dpi)
        more, texts = self._turn(turned, lines)
        turn = (turn + more) % 360 if len(lines) else 0
        if more:
            lines, turned = turn_quads(lines, more, *turned.shape[:2]), _turned(turned, more)
        if more % 180:  # sideways, half of the lines are not found
            lines, texts = self._find(turned, dpi), {}
        printed, unread, length = list[PrintedLine](), list[Box](), 0.0
        for number, line in enumerate(lines):
            box = _box(turn_quads(line, -turn % 360, *turned.shape[:2]) * (72 / dpi))
            if is_known(box, known):
                continue
            slenderness = _slenderness(line)
            length += slenderness
            if number not in texts and length <= most:
                texts[number] = self._reader.read(turned, line)
            text, confidence = texts.get(number, ("", 0.0))
            if confidence >= LEAST_CONFIDENCE and has_sense(text, slenderness):
                printed.append(PrintedLine(text.strip(), box, round(confidence, 2)))
            elif slenderness >= SLENDER:
                unread.append(box)
        if is_mostly_unread(len(printed), len(unread)):
            unread += [line.box for line in printed if line.confidence < SURE_BESIDE_UNREAD]
            printed = [line for line in printed if line.confidence >= SURE_BESIDE_UNREAD]
        return Printed(tuple(printed), turn, tuple(unread))

    def _find(self, pixels: Pixels, dpi: float) -> Corners:
        height, width = pixels.shape[:2]
        return self._finder.find(pixels, min(1.0, FIND_DPI / dpi, (FIND_PIXELS / (height * width)) ** 0.5))

    def _turn(self, pixels: Pixels, lines: Corners) -> tuple[int, dict[int, tuple[str, float]]]:
        """Return the turn in which some of the lines are read with the highest confidence, and what they say in it.

        Lines that are taller than wide lie sideways; among the two turns that lay them flat, the letters decide.
        """
        slender = [number for number, line in enumerate(lines) if _slenderness(line) >= SLENDER]
        sample = sorted(slender, key=lambda number: abs(_slenderness(lines[number]) - TELLING))[:SAMPLE]
        if not sample:
            return 0, {}
        sizes = np.ptp(lines[sample], axis=1)
        sideways = 2 * np.count_nonzero(sizes[:, 1] > sizes[:, 0]) > len(sample)
        tried = dict[int, dict[int, tuple[str, float]]]()
        for turn in (90, 270) if sideways else (0, 180):
            turned, quads = _turned(pixels, turn), turn_quads(lines, turn, *pixels.shape[:2])
            tried[turn] = {number: self._reader.read(turned, quads[number]) for number in sample}
            if _confidence(tried[turn]) >= SURE:
                break
        best = max(tried, key=lambda turn: _confidence(tried[turn]))
        return best, tried[best]


def has_sense(text: str, slenderness: float) -> bool:
    """Whether a line so many times longer than high has as many letters as print that can be read, of one alphabet."""
    letters = sum(letter.isalnum() or letter in LEADERS for letter in text)
    few = slenderness >= SLENDER and letters < FEWEST_LETTERS * slenderness
    return bool(text.strip()) and not few and not TWO_ALPHABETS.search(text)


def _confidence(texts: dict[int, tuple[str, float]]) -> float:
    return mean(confidence for _, confidence in texts.values())


def _turned(pixels: Pixels, turn: int) -> Pixels:
    return np.ascontiguousarray(np.rot90(pixels, -turn // 90))


def turn_quads(quads: Corners, turn: int, height: int, width: int) -> Corners:
    """Return corners of lines, in pixels, after the page of this size is turned by 0, 90, 180 or 270 degrees clockwise.
    The corners of a line stay in clockwise order from its top left, as it stands then.
    """
    x, y = quads[..., 0], quads[..., 1]
    places = {0: (x, y), 90: (height - y, x), 180: (width - x, height - y), 270: (y, width - x)}
    return np.roll(np.stack(places[turn], axis=-1), turn // 90, axis=-2).astype(np.float32)


def _box(corners: NDArray[np.float32]) -> Box:
    left, top, right, bottom = (float(value) for value in (*corners.min(axis=0), *corners.max(axis=0)))
    return round(left, 2), round(top, 2), round(right, 2), round(bottom, 2)


def _slenderness(quad: Corners) -> float:
    """Return how many times longer than wide a line is."""
    short, long = sorted(float(np.linalg.norm(quad[0] - quad[corner])) for corner in (1, 3))
    return long / max(short, 1.0)
