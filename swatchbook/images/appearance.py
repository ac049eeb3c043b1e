"""Describe how a picture looks in a few bytes: a difference hash and the mean colour.

Copies of a picture in another size or compression have nearly the same. The module imports only Pillow, because the
child processes use it.
"""

from typing import NamedTuple

from PIL import Image

FLAT = 12  # contrast, of 255; pictures with less have no hash


class Appearance(NamedTuple):
    """The look of a picture. `phash`: 64 bits in hex, None for a flat picture; `tone`: mean RGB over white, 0–255."""

    phash: str | None
    tone: list[int]


def appearance_of(image: Image.Image) -> Appearance:
    """Return the look of a picture. The hash has the signs of 64 brightness steps along the rows of a 9 × 8 grid."""
    if image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    small = image.convert("RGB").resize((9, 8), Image.Resampling.BOX)
    tone = list(small.resize((1, 1), Image.Resampling.BOX).tobytes())
    gray = small.convert("L").tobytes()
    if max(gray) - min(gray) < FLAT:
        return Appearance(None, tone)
    signs = [gray[9 * row + column] > gray[9 * row + column + 1] for row in range(8) for column in range(8)]
    return Appearance(f"{sum(sign << bit for bit, sign in enumerate(signs)):016x}", tone)
