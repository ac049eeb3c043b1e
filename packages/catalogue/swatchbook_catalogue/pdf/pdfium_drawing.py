"""Draw boxes over a rendered page and notes next to it with Pillow (in the child process)."""

import html
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap
from typing import Any

from PIL import Image, ImageDraw, ImageFont

NOTES, NOTE, MOST_NOTES = 560, 30, 4_000  # pixels next to the page: width of the notes, height of each and of all
TEXT, HEAD, LETTER = 14, 18, 7.5  # pixels: the letters of notes, of their headings, and the width of one
PART = re.compile(r"<(p|h3)[^>]*>(.*?)</\1>", re.DOTALL)


def draw(rendered: Image.Image, scale: float, drawing: Mapping[str, Any]) -> bytes:
    """Return a rendered page as PNG, with boxes over it and notes next to it."""
    room = min(NOTE * drawing["notes"].count("<p>"), MOST_NOTES)
    sheet = Image.new("RGB", (rendered.width + NOTES, max(rendered.height, room)), "white")
    sheet.paste(rendered, (0, 0))
    pen = ImageDraw.Draw(sheet)
    for box in drawing["boxes"]:
        _draw_box(pen, box, scale, rendered.size)
    y = 10.0
    for text, size in _lines(drawing["notes"]):
        if y < sheet.height:
            pen.text((rendered.width + 20, y), text, fill="black", font=ImageFont.load_default(size))
        y += 1.4 * size
    file = io.BytesIO()
    sheet.save(file, "PNG")
    return file.getvalue()


def _lines(notes: str) -> Iterator[tuple[str, int]]:
    """Yield the lines of the notes, which are simple HTML, with the size of their letters."""
    for kind, text in PART.findall(notes):
        size = HEAD if kind == "h3" else TEXT
        plain = html.unescape(re.sub(r"<[^>]+>", "", text))
        for line in wrap(plain, int((NOTES - 40) / (LETTER * size / TEXT))):
            yield line, size


def _draw_box(pen: ImageDraw.ImageDraw, box: Mapping[str, Any], scale: float, frame: tuple[int, int]) -> None:
    """Draw a box over a white one, and its sign at the corner, or at the page's edge nearest to it."""
    x0, y0, x1, y1 = (side * scale for side in box["bbox"])
    x0, y0, x1, y1 = max(x0, 0), max(y0, 0), min(x1, frame[0]), min(y1, frame[1])
    if x1 > x0 and y1 > y0:
        pen.rectangle((x0 - 1, y0 - 1, x1 + 1, y1 + 1), outline="white", width=6)
        for start, end in (((x0, y0), (x1, y0)), ((x1, y0), (x1, y1)), ((x1, y1), (x0, y1)), ((x0, y1), (x0, y0))):
            _draw_line(pen, start, end, box["color"], box["dashes"])
    length = 8 + 9 * len(box["sign"])
    x = min(max(box["bbox"][0] * scale, 0), frame[0] - length)
    y = min(max(box["bbox"][1] * scale, 0), frame[1] - 18)
    pen.rectangle((x, y, x + length, y + 18), fill=box["color"])
    pen.text((x + 4, y + 1), box["sign"], fill="white", font=ImageFont.load_default(TEXT))


def _draw_line(
    pen: ImageDraw.ImageDraw,
    start: tuple[float, float],
    end: tuple[float, float],
    color: str,
    dashes: Sequence[int],
) -> None:
    """Draw a level or upright line, dashed if there are dashes and gaps, in pixels."""
    length = abs(end[0] - start[0]) + abs(end[1] - start[1])
    across, down = (end[0] - start[0]) / (length or 1), (end[1] - start[1]) / (length or 1)
    at, n = 0.0, 0
    while at < length:
        step = min(float(dashes[n % len(dashes)]) if dashes else length, length - at)
        if n % 2 == 0:
            ends = (
                (start[0] + across * at, start[1] + down * at),
                (
                    start[0] + across * (at + step),
                    start[1] + down * (at + step),
                ),
            )
            pen.line(ends, fill=color, width=3)
        at, n = at + max(step, 1.0), n + 1
