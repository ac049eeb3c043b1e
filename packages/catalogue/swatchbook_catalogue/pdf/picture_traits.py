"""Measure the traits of a picture's pixels, from which its role follows.

It imports only Pillow, because the child processes use it.
"""

from collections import Counter
from statistics import pstdev
from typing import Any

from PIL import Image

from swatchbook_base.appearance import shrunk

SMALL_SIDE = 32  # pixels; the side to which a picture is shrunk
EDGE_STEP = 16  # steps of 255; colours of the edge within one such step are the same
NEAR_GROUND = 24  # steps of 255 by which ground may differ in each channel
SOLID_BRIGHTNESS = 128  # steps of 255 in brightness from the ground; what differs more is solid

Rgb = tuple[int, ...]


def measure_traits(image: Image.Image) -> dict[str, float]:
    """Return the fields of `Traits` for a picture over white."""
    small = shrunk(image, SMALL_SIDE, SMALL_SIDE)
    pixels = _pixels(small)
    last = SMALL_SIDE - 1
    edge = [p for n, p in enumerate(pixels) if n // SMALL_SIDE in (0, last) or n % SMALL_SIDE in (0, last)]
    usual = Counter(tuple(value // EDGE_STEP for value in p) for p in edge).most_common(1)[0][0]
    ground = tuple(value * EDGE_STEP + EDGE_STEP // 2 for value in usual)
    rest = [p for p in pixels if not _is_near(p, ground)]
    light = sum(ground) / 3
    apart = [abs(sum(p) / 3 - light) for p in rest]
    parts = _pixels(small.resize((4, 4), Image.Resampling.BOX))
    found: dict[str, float] = {
        "ground": 1 - len(rest) / len(pixels),
        "edge": sum(_is_near(p, ground) for p in edge) / len(edge),
        "light": light / 255,
        "chroma": sum(max(p) - min(p) for p in rest) / (255 * max(1, len(rest))),
        "contrast": max(apart, default=0.0) / 255,
        "solid": sum(value > SOLID_BRIGHTNESS for value in apart) / max(1, len(rest)),
        "uneven": max(pstdev(p[k] for p in parts) for k in range(3)) / 255,
    }
    return {name: round(value, 3) for name, value in found.items()}


def _pixels(image: Image.Image) -> list[Any]:
    data = image.tobytes()
    return list(zip(data[0::3], data[1::3], data[2::3], strict=True))


def _is_near(pixel: Rgb, ground: Rgb) -> bool:
    (red, green, blue), (r, g, b) = pixel, ground  # written out: it is asked for a thousand pixels of each picture
    return abs(red - r) <= NEAR_GROUND and abs(green - g) <= NEAR_GROUND and abs(blue - b) <= NEAR_GROUND
