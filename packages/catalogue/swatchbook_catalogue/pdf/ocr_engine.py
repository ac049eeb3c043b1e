"""Read printed text from pixels: lines with their boxes and confidence, and the turn in which a page must be read.

A page takes 0.4 s, and 2 ms a letter. Lines in scripts that no model reads give only digits, signs and look-alikes: if
a sample or a third of the lines is like this, lines of middling confidence or of look-alikes count as unread.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from statistics import mean
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from swatchbook_base.records import Box
from swatchbook_catalogue.pdf.ocr_models import Corners, LineFinder, LineReader, Pixels, TesseractReader
from swatchbook_catalogue.pdf.ocr_text import Printed, PrintedLine, is_known, is_mostly_unread, with_zeros

READ_DPI, FIND_DPI = 144, 80  # letters of 6 pt are 12 pixels high; finding lines needs less, in a quarter of the time
FIND_PIXELS = 900_000  # the most that is searched for lines; a spread has more, and larger pages have larger letters
MOST_SIDE = 2_400  # pixels; the longer side of a rendered page
SMALL_PAGE, SMALL_SIDE = 590.0, 1_400  # points, pixels: pages smaller than A5 are made for telephones, in small print
MOST_DPI = 432  # the highest resolution of such a page
MOST_LENGTH = 3_000  # length of all lines read on a page, in heights of a line: 15 s
LEAST_CONFIDENCE = 0.6  # least confidence of a line that is kept; dishes and handles are read as letters with less
SURE_BESIDE_UNREAD = 0.9  # the same on a page whose print is mostly unread; 2 % of Latin lines have less
FEWEST_LETTERS = 0.7  # letters for each height of a line; wide titles have 0.9, most lines 2, Cyrillic ones 0 to 0.5
LEADERS = "._·…-"  # signs that count as letters: rows of them lead to the price or the page
TWO_ALPHABETS = re.compile(r"[A-Za-zÀ-ɏ][Α-ΡΣ-Ψα-λν-ω]|[Α-ΡΣ-Ψα-λν-ω][A-Za-zÀ-ɏ]")  # not ohm or micro
LOOK_ALIKES = frozenset("ABCEHIKMOPTXYacekopuxy")  # Cyrillic and Greek are read as these: "MACTEP", "POCA" are sure
GREEK = re.compile(r"[Α-ΡΣ-Ψα-λν-ω]{2}")  # the packaged models have only some Greek letters
SURE_OF_LANGUAGE = 0.7  # confidence in one of Tesseract's languages: the right one has 0.75 to 0.95, others at most 0.7
SURE = 0.85  # mean confidence of lines that are upright; upside down they have about 0.5
SLENDER = 2.0  # length over height; lines of text have more, pictures that are taken for text have less
MOST_TRIALS = 5  # pages of a document on which all languages are tried: 0.3 s each
SAMPLE, TELLING = 6, 8.0  # the lines that show the turn of a page, and their best slenderness: 16 letters are enough


def fitting_dpi(width: float, height: float) -> float:
    """Return the resolution at which a page of this size, in points, is rendered to be read."""
    side = max(width, height, 1.0)
    if side < SMALL_PAGE:
        return min(72 * SMALL_SIDE / side, MOST_DPI)
    return min(READ_DPI, 72 * MOST_SIDE / side)


class Reader(Protocol):
    """Reads the text of a line, and returns it with its confidence (0 to 1)."""

    def read(self, pixels: Pixels, corners: Corners) -> tuple[str, float]: ...


class Choice(NamedTuple):
    """A turn and a reader for a page, the texts of its sample lines read so, and their mean confidence (0 to 1)."""

    turn: int
    reader: Reader
    texts: dict[int, tuple[str, float]]
    sure: float


class Recogniser:
    """The models, loaded when a first page needs them (0.7 s, 300 MB), and Tesseract in `languages`."""

    def __init__(self, languages: Sequence[str] = ()) -> None:
        self._languages = languages
        self._other: Reader | None = None  # reads the language that fitted last
        self._trials = MOST_TRIALS

    @cached_property
    def _finder(self) -> LineFinder:
        return LineFinder()

    @cached_property
    def _reader(self) -> LineReader:
        return LineReader()

    def read(
        self, pixels: Pixels, dpi: float, known: Sequence[Box] = (), *, turn: int = 0, most: float = MOST_LENGTH
    ) -> Printed:
        """Return the lines printed on a page of `dpi` pixels an inch, without those in `known` boxes (points).

        `turn` is tried first: the turn of the page before saves finding the lines twice. Lines beyond `most`, a total
        length in heights of a line, are not read.
        """
        turned = _turned(pixels, turn)
        lines = self._find(turned, dpi)
        more, reader, texts, sure = self._choose(turned, lines)
        turn = (turn + more) % 360 if len(lines) else 0
        if more:
            lines, turned = turn_quads(lines, more, *turned.shape[:2]), _turned(turned, more)
        if more % 180:  # when the page lies sideways, half of the lines are not found
            lines, texts = self._find(turned, dpi), {}
        if reader is not self._reader:  # the models have not read what the other reader is unsure of
            texts = {}
        printed, unread, length = list[PrintedLine](), list[Box](), 0.0
        for number, line in enumerate(lines):
            box = _box(turn_quads(line, -turn % 360, *turned.shape[:2]) * (72 / dpi))
            if is_known(box, known):
                continue
            slenderness = _slenderness(line)
            length += slenderness
            if number not in texts and length <= most:
                texts[number] = self._read_line(reader, turned, line)
            text, confidence = texts.get(number, ("", 0.0))
            if confidence >= LEAST_CONFIDENCE and self._has_sense(reader, text, line):
                printed.append(PrintedLine(with_zeros(text.strip()), box, round(confidence, 2)))
            elif slenderness >= SLENDER:
                unread.append(box)
        if (reader is self._reader and sure < SURE) or is_mostly_unread(len(printed), len(unread)):
            unread += [line.box for line in printed if not _is_sure(line.text, line.confidence)]
            printed = [line for line in printed if _is_sure(line.text, line.confidence)]
        return Printed(tuple(printed), turn, tuple(unread))

    def _find(self, pixels: Pixels, dpi: float) -> Corners:
        height, width = pixels.shape[:2]
        scale = FIND_DPI / min(dpi, READ_DPI)
        return self._finder.find(pixels, min(1.0, scale, (FIND_PIXELS / (height * width)) ** 0.5))

    def _read_line(self, reader: Reader, pixels: Pixels, line: Corners) -> tuple[str, float]:
        """Return the text and confidence of a line by a reader, or by the packaged models if only they are sure."""
        text, confidence = reader.read(pixels, line)
        if reader is not self._reader and confidence < SURE_BESIDE_UNREAD:
            other, sure = self._reader.read(pixels, line)
            if _is_sure(other, sure) and self._has_sense(self._reader, other, line):
                return other, sure
        return text, confidence

    def _has_sense(self, reader: Reader, text: str, line: Corners) -> bool:
        """Return whether a text may be what is printed on a line."""
        return has_sense(text, _slenderness(line)) and not (reader is self._reader and GREEK.search(text))

    def _choose(self, pixels: Pixels, lines: Corners) -> Choice:
        """Return the turn and the reader that read a sample of the lines with the highest confidence, and its texts.

        Lines that are taller than wide lie sideways; two turns lay them flat, and the confidence decides between them.
        """
        slender = [number for number, line in enumerate(lines) if _slenderness(line) >= SLENDER]
        sample = sorted(slender, key=lambda number: abs(_slenderness(lines[number]) - TELLING))[:SAMPLE]
        if not sample:
            return Choice(0, self._reader, {}, 1.0)
        sizes = np.ptp(lines[sample], axis=1)
        sideways = 2 * np.count_nonzero(sizes[:, 1] > sizes[:, 0]) > len(sample)
        turns = (90, 270) if sideways else (0, 180)

        def choices(reader: Reader) -> Iterator[Choice]:
            for turn in turns:
                turned, quads = _turned(pixels, turn), turn_quads(lines, turn, *pixels.shape[:2])
                texts = {number: reader.read(turned, quads[number]) for number in sample}
                sure = mean(
                    confidence if self._has_sense(reader, text, lines[number]) else 0.0
                    for number, (text, confidence) in texts.items()
                )
                yield Choice(turn, reader, texts, sure)

        packaged = best = _surest(choices(self._reader))
        if best.sure < SURE and self._other:
            best = _surest([best, *choices(self._other)])
        if best.sure < SURE and self._languages and self._trials:
            self._trials -= 1
            for language in self._languages:
                best = _surest([best, *choices(TesseractReader(language))], sure=1.0)
        if best.reader is self._reader or best.sure < SURE_OF_LANGUAGE:
            return packaged
        self._other = best.reader
        return best


def has_sense(text: str, slenderness: float) -> bool:
    """Return whether a text has enough letters for a line of this slenderness, and no word of two alphabets."""
    letters = sum(letter.isalnum() or letter in LEADERS for letter in text)
    few = slenderness >= SLENDER and letters < FEWEST_LETTERS * slenderness
    return any(map(str.isalnum, text)) and not few and not TWO_ALPHABETS.search(text)


def _is_sure(text: str, confidence: float) -> bool:
    """Return whether to trust the packaged models with a line of a page in a script that they do not know."""
    letters = {letter for letter in text if letter.isalpha()}
    return confidence >= SURE_BESIDE_UNREAD and not (letters and letters <= LOOK_ALIKES)


def _surest(choices: Iterable[Choice], sure: float = SURE) -> Choice:
    """Return the first choice that is `sure`, else the surest."""
    tried = list[Choice]()
    for choice in choices:
        tried.append(choice)
        if choice.sure >= sure:
            break
    return max(tried, key=lambda choice: choice.sure)


def _turned(pixels: Pixels, turn: int) -> Pixels:
    return np.ascontiguousarray(np.rot90(pixels, -turn // 90))


def turn_quads(quads: Corners, turn: int, height: int, width: int) -> Corners:
    """Return the corners of lines, in pixels, after the page is turned by 0, 90, 180 or 270 degrees clockwise.

    `height` and `width` are the page's before the turn. The corners of a line stay in clockwise order from the corner
    that is its top left after the turn.
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
