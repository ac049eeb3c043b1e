"""Measure the traits of a picture's pixels, from which its role follows, and its look, by which copies are recognised.

It imports only Pillow, because the child processes use it.
"""

from collections import Counter
from statistics import pstdev
from typing import Any, NamedTuple

from PIL import Image

SMALL_SIDE = 32  # pixels; the side to which a picture is shrunk
EDGE_STEP = 16  # steps of 255; colours of the edge within one such step are the same
NEAR_GROUND = 24  # steps of 255 by which ground may differ in each channel
SOLID_BRIGHTNESS = 128  # steps of 255 in brightness from the ground; what differs more is solid
FLAT = 12  # contrast, of 255; pictures with less have no hash

Rgb = tuple[int, ...]


def measure_traits(image: Image.Image) -> dict[str, float]:
    """Return the fields of `Traits` for a picture over white."""
    small = _shrunk(image, SMALL_SIDE, SMALL_SIDE)
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


class Appearance(NamedTuple):
    """The look of a picture. `phash`: 64 bits in hex, None for a flat picture; `tone`: mean RGB over white, 0–255."""

    phash: str | None
    tone: list[int]


def appearance_of(image: Image.Image) -> Appearance:
    """Return the look of a picture. The hash has the signs of 64 brightness steps along the rows of a 9 × 8 grid."""
    small = _shrunk(image, 9, 8)
    tone = list(small.resize((1, 1), Image.Resampling.BOX).tobytes())
    gray = small.convert("L").tobytes()
    if max(gray) - min(gray) < FLAT:
        return Appearance(None, tone)
    signs = [gray[9 * row + column] > gray[9 * row + column + 1] for row in range(8) for column in range(8)]
    return Appearance(f"{sum(sign << bit for bit, sign in enumerate(signs)):016x}", tone)


def _shrunk(image: Image.Image, width: int, height: int) -> Image.Image:
    """Return a picture over white in a few pixels."""
    if image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB").resize((width, height), Image.Resampling.BOX)
