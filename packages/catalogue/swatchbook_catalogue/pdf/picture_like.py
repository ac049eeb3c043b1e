"""Render a page, and find the parts of it that look like pictures although no placement covers them.

`pictures_seen` decides what looks like a picture. It runs in the child process.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from swatchbook_base.appearance import appearance_of
from swatchbook_base.child_process import Frame
from swatchbook_base.geometry import long_side
from swatchbook_base.records import Box
from swatchbook_catalogue.pdf.page_contract import Document

Pixels = npt.NDArray[np.uint8]
Map = npt.NDArray[np.bool_]

DPI = 50  # a picture of the least side has 20 pixels, enough to tell it from text
QUALITY = 80  # quality of the JPEG; 100 kB for a page of 1,000 pixels

LEAST_SIDE = 30.0  # points; smaller parts are icons or letters
LEAST_PAGE_SHARE = 0.005  # share of the page that a picture has at least
"""The least size of a picture of a product; what is smaller is an ornament."""

BLUR_MARGIN = 2.0  # points around text and placements; anti-aliasing and rounding blur their edges
CONTRAST = 12  # of 255, between neighbours: above gradients over a few centimetres, below the grain of photographs
BLANK = 2  # pixels; the least gap between lines of text at this resolution, and between pictures of a grid
RULE = 3, 30  # pixels: a line at most so thick and at least so long is a rule or the edge of a panel
LEAST_FILLED = 0.30  # least share of pixels that are no plain ground; frames, tables, outlined letters have less
LEAST_TEXTURE = 0.10  # least share of pixels that differ from the next; gradients have none, flat panels only edges
MOST_FLAT = 0.60  # most of what is not ground in two colours; text, icons and flat graphics have two and their edges
LEAST_VARIETY, MOST_COLORS = 1.0, 100  # colours for each pixel of the side of a square as large; grey has few
PLAIN_SHARE = 0.02  # share of the page; a colour without contrast that covers more is ground or a panel
COLORS = 32  # levels of each channel that are distinguished


def look(document: Document, number: int, side: int, placed: Mapping[str, Sequence[Box]]) -> Iterator[Frame]:
    """Render a page as JPEG, longest side `side` pixels (0: not at all), and find pictures outside `placed[page]`."""
    page = document.page(number)
    small = page.render_whole(DPI / 72)
    pixels = np.asarray(small)
    unplaced = pictures_seen(pixels, [*page.word_boxes(), *placed.get(str(number), ())], scale=DPI / 72)
    looks = [look_of(small, box, DPI / 72) for box in unplaced]
    payload = b""
    if side:
        payload = page.encode_whole(side / max(long_side(page.box), 1.0), "jpeg", QUALITY)
    yield {"page": number, "seen": page.box, "unplaced": list(zip(unplaced, looks, strict=True))}, payload


def look_of(image: Image.Image, box: Box, scale: float) -> str | None:
    """Return the perceptual hash of a part of a page that is painted with `scale` pixels a point."""
    left, top, right, bottom = (round(side * scale) for side in box)
    return appearance_of(image.crop((left, top, right, bottom))).phash


def draw(document: Document, number: int, side: int, drawing: Mapping[str, Any]) -> Iterator[Frame]:
    """Draw boxes over a rendered page and notes next to it: one answer with a PNG, the page's longest side `side`."""
    page = document.page(number)
    yield {"page": number, "rendered": True}, page.draw(side / max(long_side(page.box), 1.0), drawing)


def pictures_seen(pixels: Pixels, masked: Sequence[Box], *, scale: float) -> list[Box]:
    """Return the boxes of what looks like a picture outside the boxes `masked`; `scale` is pixels (h, w, 3) a point.

    Contrast between neighbours marks what is neither plain ground nor a gradient. Rules are taken away, and the rest is
    cut at blank rows and columns, which takes lines of text apart and leaves pictures whole. A part is a picture if it
    is large enough, has contrast in its area and not only at edges, and consists of more than two colours.
    """
    free = _outside(masked, pixels.shape[:2], scale)
    contrast, colors = _contrast(pixels), _colors(pixels)
    counts = np.bincount(colors[~contrast], minlength=COLORS**3)
    plain = (counts >= PLAIN_SHARE * colors.size)[colors]
    marked = free & ~plain
    if np.count_nonzero(marked) < LEAST_FILLED * LEAST_PAGE_SHARE * marked.size:
        return []
    marked &= ~_rules(marked) & ~_rules(marked.T).T
    height, width = marked.shape
    boxes = []
    for x0, y0, x1, y1 in _parts(marked, (0, 0, width, height), LEAST_SIDE * scale):
        if (x1 - x0) * (y1 - y0) < LEAST_PAGE_SHARE * width * height:
            continue
        part, inside = (slice(y0, y1), slice(x0, x1)), free[y0:y1, x0:x1]
        size = inside.sum()
        if size < inside.size / 2 or marked[part].sum() < LEAST_FILLED * size:
            continue
        if (contrast[part] & inside).sum() < LEAST_TEXTURE * size:
            continue
        counts = np.bincount(colors[part][inside])
        if np.count_nonzero(counts) < LEAST_VARIETY * min(math.sqrt(size), MOST_COLORS):
            continue
        counts = np.bincount(colors[part][marked[part]])
        if np.sort(counts)[-2:].sum() > MOST_FLAT * counts.sum():
            continue
        boxes.append((x0 / scale, y0 / scale, x1 / scale, y1 / scale))
    return boxes


def _outside(boxes: Sequence[Box], shape: tuple[int, ...], scale: float) -> Map:
    """Return the pixels (h, w) that lie in none of the boxes, which are in points."""
    free = np.ones(shape, np.bool_)
    for x0, y0, x1, y1 in boxes:
        rows = slice(max(0, math.floor((y0 - BLUR_MARGIN) * scale)), max(0, math.ceil((y1 + BLUR_MARGIN) * scale)))
        free[rows, max(0, math.floor((x0 - BLUR_MARGIN) * scale)) : max(0, math.ceil((x1 + BLUR_MARGIN) * scale))] = (
            False
        )
    return free


def _contrast(pixels: Pixels) -> Map:
    """Return the pixels that differ from the next one to the right or below."""
    marked = np.zeros(pixels.shape[:2], np.bool_)
    for values in _channels(pixels):
        marked[:, :-1] |= _differ(values[:, 1:], values[:, :-1])
        marked[:-1] |= _differ(values[1:], values[:-1])
    return marked


def _differ(a: Pixels, b: Pixels) -> Map:
    return np.maximum(a, b) - np.minimum(a, b) > CONTRAST


def _channels(pixels: Pixels) -> Pixels:
    """Return the channels one after the other (3, h, w): a tenth of the time for what is computed of each."""
    return np.ascontiguousarray(np.moveaxis(pixels, 2, 0))


def _rules(marked: Map) -> Map:
    """Return the pixels of long, thin, horizontal lines."""
    thick, long = RULE
    return _opened(marked.T, long).T & ~_opened(marked, thick + 1)


def _opened(marked: Map, size: int) -> Map:
    """Return the pixels that lie in a marked vertical run of at least `size` pixels."""
    if marked.shape[0] < size:
        return np.zeros_like(marked)
    sums = np.cumsum(np.pad(marked, ((1, 0), (0, 0))), axis=0, dtype=np.int32)
    begins = sums[size:] - sums[:-size] == size  # (h - size + 1, w): a run of this length begins here
    count = np.cumsum(np.pad(begins, ((size, size - 1), (0, 0))), axis=0, dtype=np.int32)
    opened: Map = count[size:] - count[:-size] > 0
    return opened


def _parts(marked: Map, box: tuple[int, int, int, int], least: float) -> Iterator[tuple[int, int, int, int]]:
    """Cut a box at blank rows and columns until there are none, and yield the parts of at least this side."""
    x0, y0, x1, y1 = box
    part = marked[y0:y1, x0:x1]
    rows, columns = _stretches(np.any(part, axis=1)), _stretches(np.any(part, axis=0))
    if not rows or min(rows[-1][1] - rows[0][0], columns[-1][1] - columns[0][0]) < least:
        return
    if len(rows) == 1 and len(columns) == 1:
        yield x0 + columns[0][0], y0 + rows[0][0], x0 + columns[0][1], y0 + rows[0][1]
        return
    for top, bottom in (row for row in rows if row[1] - row[0] >= least):
        for left, right in (column for column in columns if column[1] - column[0] >= least):
            yield from _parts(marked, (x0 + left, y0 + top, x0 + right, y0 + bottom), least)


def _stretches(used: Map) -> list[tuple[int, int]]:
    """Return begin and end of the stretches of True; gaps shorter than `BLANK` do not part them."""
    at = np.flatnonzero(used)
    if not at.size:
        return []
    breaks = np.flatnonzero(np.diff(at) > BLANK)
    begins, ends = np.concatenate(([at[0]], at[breaks + 1])), np.concatenate((at[breaks], [at[-1]])) + 1
    return [(int(begin), int(end)) for begin, end in zip(begins, ends, strict=True)]


def _colors(pixels: Pixels) -> npt.NDArray[np.int32]:
    """Return the colour of each pixel as a number below `COLORS` ** 3."""
    red, green, blue = (_channels(pixels) // (256 // COLORS)).astype(np.int32)
    numbers: npt.NDArray[np.int32] = (red * COLORS + green) * COLORS + blue
    return numbers
