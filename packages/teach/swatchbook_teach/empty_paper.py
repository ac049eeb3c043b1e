"""Find parts of a rendered page that show nothing but paper: one flat colour, with nothing that sets them off.

A swatch of one colour is flat, too, but the paper around it has another colour.
"""

from collections.abc import Sequence
from typing import Final

from PIL import Image

from swatchbook_base.geometry import Box, clip

_SMALL: Final = 32  # pixels; the side to which a part is shrunk
_FLAT: Final = 6  # of 255; the largest range of a flat part's channels
_INNER: Final = 0.05  # share of a part's sides that is left out: drawn boxes reach into what is next to them
_PAPER: Final = 238  # of 255; the least value of white paper's channels
_AROUND: Final = 3.0  # points around a part that are compared, if the way to the next one is no longer


def find_empty(
    page: Image.Image, scale: float, cells: Sequence[Box], within: Box, gutters: tuple[float, float]
) -> list[Box]:
    """Return the cells of a picture that show nothing, in order. `scale`: pixels of `page` a point.

    These are flat ones that look like what is around them, and white ones at the end: rows are seldom full.
    """
    flat = [is_flat(page, scale, _inner(cell)) for cell in cells]
    across, down = (max(_AROUND, each / 2) for each in gutters)
    empty = set[int]()
    for n in reversed(range(len(cells))):
        x0, y0, x1, y1 = cells[n]
        around = clip((x0 - across, y0 - down, x1 + across, y1 + down), within)
        is_last = len(empty) == len(cells) - 1 - n and is_white(page, scale, _inner(cells[n]))
        if flat[n] and (is_last or is_flat(page, scale, around)):
            empty.add(n)
    return [cell for n, cell in enumerate(cells) if n in empty]


def is_blank(page: Image.Image, scale: float, box: Box) -> bool:
    """Return whether a part of a page is white paper."""
    return is_flat(page, scale, _inner(box)) and is_white(page, scale, _inner(box))


def is_flat(page: Image.Image, scale: float, box: Box) -> bool:
    """Return whether a part of a page has one colour."""
    return all(high - low <= _FLAT for low, high in _ranges(page, scale, box))


def is_white(page: Image.Image, scale: float, box: Box) -> bool:
    """Return whether nothing in a part of a page is darker than paper."""
    return all(low >= _PAPER for low, _ in _ranges(page, scale, box))


def _ranges(page: Image.Image, scale: float, box: Box) -> list[tuple[int, int]]:
    """Return the least and the largest value of each channel of a part of a page, shrunk; of an empty one white."""
    left, top, right, bottom = (round(side * scale) for side in box)
    part = page.crop((max(left, 0), max(top, 0), min(right, page.width), min(bottom, page.height)))
    if not (part.width and part.height):
        return [(255, 255)] * 3
    small = part.convert("RGB").resize((min(_SMALL, part.width), min(_SMALL, part.height)), Image.Resampling.BOX)
    data = small.tobytes()
    return [(min(data[k::3]), max(data[k::3])) for k in range(3)]


def _inner(box: Box) -> Box:
    x0, y0, x1, y1 = box
    wide, high = _INNER * (x1 - x0), _INNER * (y1 - y0)
    return x0 + wide, y0 + high, x1 - wide, y1 - high
