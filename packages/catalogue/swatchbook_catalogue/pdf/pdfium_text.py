"""Read the text of a page with PDFium: characters become spans, lines and blocks by their places (in the child).

PDFium knows no lines: a line goes on while its baseline does and the gap is no wider than a letter; a block goes on
while the next line is close.
"""

import ctypes
from collections import defaultdict
from collections.abc import Iterator, Sequence
from math import hypot
from typing import Any, NamedTuple

import pypdfium2.raw as pdfium

from swatchbook_base.geometry import Box, area, bounding_box, clip, short_side
from swatchbook_catalogue.pdf.page_text import BOLD, ITALIC, is_letter_spaced, join_letters, text_of_line
from swatchbook_catalogue.pdf.pdfium_objects import fill_color
from swatchbook_catalogue.pdf.transforms import Transform, transform_box, transform_point
from swatchbook_catalogue.pdf.unmapped_fonts import UNKNOWN, find_orders, has_glyph_numbers

SAME_BASELINE = 0.5  # font sizes by which a baseline may differ within a line: raised and lowered signs
WORD_GAP, CELL_GAP = 0.15, 0.8  # font sizes between words, and between lines next to each other
BACK = 0.6  # font sizes by which a character may lie before the end of the last one
NEXT_LINE = 1.5  # font sizes between the baselines of a block
FORCE_BOLD, ITALIC_FLAG = 1 << 18, 1 << 6  # of a font's descriptor
MODES = {0: 16, 1: 32, 2: 48, 3: 0, 4: 80, 5: 96, 6: 112, 7: 64}
"""Render mode of text -> bits: 16: filled, 32: stroked, 64: a clip."""
LIGATURES = {
    0xFB00: "ff", 0xFB01: "fi", 0xFB02: "fl", 0xFB03: "ffi", 0xFB04: "ffl", 0xFB05: "ft", 0xFB06: "st",
}  # fmt: skip
HYPHEN = 2  # PDFium's character for a hyphen at the end of a line
MOST_CHARS = 200_000  # characters read of a page, forty times a dense one: 1 s
LARGE = 23.7  # points; the shorter side of a sign that may be a picture
LONGEST_NAME = 256  # bytes of a font's name


class Style(NamedTuple):
    """The look of a text object's characters. `paint`: bits of MODES; `alpha`: 0 if it is wholly transparent."""

    font: str
    flags: int
    color: int
    alpha: float
    paint: int


class Char(NamedTuple):
    """A character on the page as shown, in points: its box, its place on the baseline, the direction of its line."""

    text: str
    box: Box
    origin: tuple[float, float]
    direction: tuple[float, float]
    size: float
    style: Style


NO_STYLE = Style("", 0, 0, 1.0, 16)


def read_chars(text_page: Any, to_page: Transform, frame: Box) -> tuple[list[Char], tuple[str, ...]]:
    """Return the characters on a page as shown, in the order of its content, and warnings of fonts without letters."""
    raw, styles = text_page.raw, dict[int, Style]()
    chars, unsure = list[Char](), list[int]()
    rect, matrix = pdfium.FS_RECTF(), pdfium.FS_MATRIX()
    x, y = ctypes.c_double(), ctypes.c_double()
    for n in range(min(max(0, pdfium.FPDFText_CountChars(raw)), MOST_CHARS)):
        if pdfium.FPDFText_IsGenerated(raw, n) == 1 and pdfium.FPDFText_IsHyphen(raw, n) != 1:
            continue
        is_unsure = pdfium.FPDFText_HasUnicodeMapError(raw, n) == 1
        text = _letter(raw, n, is_unsure=is_unsure)
        if not text or not pdfium.FPDFText_GetLooseCharBox(raw, n, rect):
            continue
        pdfium.FPDFText_GetMatrix(raw, n, matrix)
        pdfium.FPDFText_GetCharOrigin(raw, n, x, y)
        box = transform_box(_upright(rect, matrix, x.value), to_page)
        if not area(clip(box, frame)) and not text.isspace():
            continue
        style = _style(pdfium.FPDFText_GetTextObject(raw, n), styles)
        size = pdfium.FPDFText_GetFontSize(raw, n) * (hypot(matrix.c, matrix.d) or 1.0)
        origin = transform_point((x.value, y.value), to_page)
        direction = _direction(matrix, to_page)
        if is_unsure:
            unsure.append(len(chars))
        chars.append(Char(text, box, origin, direction, size, style))
    return chars, _read_glyph_numbers(chars, unsure)


def _read_glyph_numbers(chars: list[Char], unsure: Sequence[int]) -> tuple[str, ...]:
    """Replace characters of fonts without a map by their letters, if they are numbers of glyphs; return warnings.

    Such fonts give control characters, which are low numbers; without one they are letters that PDFium found.
    """
    if not any(has_glyph_numbers(chars[n].text) for n in unsure):
        return ()
    numbers = defaultdict[str, list[int]](list)
    for n in unsure:
        numbers[chars[n].style.font] += map(ord, chars[n].text)
    orders, warnings = find_orders(numbers)
    for n in unsure:
        if (order := orders.get(chars[n].style.font)) is not None:
            chars[n] = chars[n]._replace(text="".join(order.get(ord(sign), UNKNOWN) for sign in chars[n].text))
    return warnings


def _upright(rect: Any, matrix: Any, origin: float) -> Box:
    """Return a character's box without what a slant adds to its sides, so that the gap to the next one is seen."""
    if matrix.b or not matrix.c or not matrix.d:
        return rect.left, rect.bottom, rect.right, rect.top
    slant = abs(matrix.c / matrix.d) * (rect.top - rect.bottom)
    left = min(max(origin, rect.left), rect.right)
    return left, rect.bottom, max(left, left + rect.right - rect.left - slant), rect.top


def _direction(matrix: Any, to_page: Transform) -> tuple[float, float]:
    """Return the direction in which a line goes on, on the page as shown, with a length of 1."""
    length = hypot(matrix.a, matrix.b)
    along = (matrix.a / length, matrix.b / length) if length else (1.0, 0.0)
    return transform_point(along, (*to_page[:4], 0.0, 0.0))


def _letter(raw: Any, n: int, *, is_unsure: bool) -> str:
    code = pdfium.FPDFText_GetUnicode(raw, n)
    if code == HYPHEN and pdfium.FPDFText_IsHyphen(raw, n) == 1:
        return "-"
    if code == 0 or code > 0x10FFFF:
        return UNKNOWN
    if 0xD800 <= code < 0xDC00:  # the first half of a sign beyond 16 bits; nothing is left of a second one alone
        second = pdfium.FPDFText_GetUnicode(raw, n + 1)
        return chr(0x10000 + (code - 0xD800 << 10) + second - 0xDC00) if 0xDC00 <= second < 0xE000 else UNKNOWN
    if 0xDC00 <= code < 0xE000:
        return ""
    if code in (0x0A, 0x0D) and not is_unsure:
        return ""
    return LIGATURES.get(code) or chr(code)


def _style(text_object: Any, styles: dict[int, Style]) -> Style:
    if not text_object:
        return NO_STYLE
    address = ctypes.addressof(text_object.contents)
    if address not in styles:
        font = pdfium.FPDFTextObj_GetFont(text_object)
        name = ctypes.create_string_buffer(LONGEST_NAME)
        pdfium.FPDFFont_GetBaseFontName(font, name, LONGEST_NAME)
        plain = name.value.decode("utf-8", "replace").rpartition("+")[2]
        bits = pdfium.FPDFFont_GetFlags(font)
        flags = (BOLD if bits > 0 and bits & FORCE_BOLD else 0) | (ITALIC if bits > 0 and bits & ITALIC_FLAG else 0)
        color, alpha = fill_color(text_object)
        paint = MODES.get(pdfium.FPDFTextObj_GetTextRenderMode(text_object), 16)
        styles[address] = Style(plain, flags, color or 0, alpha, paint)
    return styles[address]


def warn_of_drawn(chars: Sequence[Char]) -> tuple[str, ...]:
    """Return a warning if large letters of fonts without a name (Type 3) are drawn, maybe by pictures."""
    drawn = sum(not char.style.font and short_side(char.box) >= LARGE for char in chars)
    return (f"Large signs that may be pictures, and that PDFium does not give: {drawn}.",) if drawn else ()


def to_blocks(chars: Sequence[Char]) -> list[dict[str, Any]]:
    """Return blocks of lines of spans as dicts, which `page_text.blocks_of` reads."""
    blocks = list[list[dict[str, Any]]]()
    last: list[Char] = []
    for line in _lines(chars):
        made = _line(line)
        if blocks and _is_close(last, line):
            blocks[-1].append(made)
        else:
            blocks.append([made])
        last = line
    found: list[dict[str, Any]] = [
        {"bbox": bounding_box(line["bbox"] for line in lines), "lines": lines} for lines in blocks
    ]
    if any(is_letter_spaced(text_of_line(line)) for block in found for line in block["lines"]):
        join_letters(found, found)
    return found


def _lines(chars: Sequence[Char]) -> Iterator[list[Char]]:
    line = list[Char]()
    for char in chars:
        if line and not _goes_on(line, char):
            yield line
            line = []
        if line and not char.text.isspace() and not line[-1].text.isspace() and _gap(line[-1], char) > WORD_GAP:
            line.append(line[-1]._replace(text=" ", box=_between(line[-1], char)))
        if line or not char.text.isspace():
            line.append(char)
    if line:
        yield line


def _goes_on(line: Sequence[Char], char: Char) -> bool:
    if (char.origin, char.box) == (line[-1].origin, line[-1].box):  # letters of one glyph, a ligature
        return True
    if not _are_parallel(line[-1], char):
        return False
    return _drop(line[0], char) <= SAME_BASELINE and -BACK <= _gap(line[-1], char) <= CELL_GAP


def _are_parallel(one: Char, other: Char) -> bool:
    """Return whether two characters are read in the same direction."""
    return abs(one.direction[0] - other.direction[0]) + abs(one.direction[1] - other.direction[1]) <= 0.1


def _gap(last: Char, char: Char) -> float:
    """Return the gap between two characters along their line, in font sizes of the second."""
    along, down = char.direction
    size = max(char.size, 1e-3)
    if abs(along) >= abs(down):
        return (char.box[0] - last.box[2] if along > 0 else last.box[0] - char.box[2]) / size
    return (char.box[1] - last.box[3] if down > 0 else last.box[1] - char.box[3]) / size


def _drop(first: Char, char: Char) -> float:
    """Return the distance between two baselines, in font sizes."""
    along, down = char.direction
    x, y = char.origin[0] - first.origin[0], char.origin[1] - first.origin[1]
    return abs(along * y - down * x) / max(first.size, char.size, 1e-3)


def _between(last: Char, char: Char) -> Box:
    (x0, y0, x1, y1), box = last.box, char.box
    if abs(char.direction[0]) >= abs(char.direction[1]):
        return (x1, y0, box[0], y1) if char.direction[0] > 0 else (box[2], y0, x0, y1)
    return (x0, y1, x1, box[1]) if char.direction[1] > 0 else (x0, box[3], x1, y0)


def _is_close(above: Sequence[Char], line: Sequence[Char]) -> bool:
    """Return whether a line belongs to the block of the one before it."""
    return _are_parallel(above[0], line[0]) and _drop(above[0], line[0]) <= NEXT_LINE


def _line(chars: Sequence[Char]) -> dict[str, Any]:
    spans = list[dict[str, Any]]()
    last: tuple[object, ...] | None = None
    for char in chars:
        look = char.style, round(char.size, 1)
        if look != last and not (spans and char.text.isspace()):
            spans.append(_span(char))
            last = look
        spans[-1]["chars"].append({"c": char.text, "bbox": char.box})
    for span in spans:
        span["text"] = "".join(each["c"] for each in span["chars"])
        span["bbox"] = bounding_box(each["bbox"] for each in span["chars"])
    return {"bbox": bounding_box(span["bbox"] for span in spans), "spans": spans, "dir": chars[0].direction}


def _span(char: Char) -> dict[str, Any]:
    style = char.style
    look = {"size": char.size, "font": style.font, "flags": style.flags, "color": style.color}
    return {**look, "alpha": style.alpha, "char_flags": style.paint, "chars": []}
