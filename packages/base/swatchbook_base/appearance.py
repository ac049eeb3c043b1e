"""Measure the look of a picture, by which copies are recognised. It imports only Pillow: child processes use it."""

from typing import NamedTuple

from PIL import Image

FLAT = 12  # contrast, of 255; pictures with less have no hash


class Appearance(NamedTuple):
    """The look of a picture. `phash`: 64 bits in hex, None for a flat picture; `tone`: mean RGB over white, 0–255."""

    phash: str | None
    tone: list[int]


def appearance_of(image: Image.Image) -> Appearance:
    """Return the look of a picture. The hash has the signs of 64 brightness steps along the rows of a 9 × 8 grid."""
    small = shrunk(image, 9, 8)
    tone = list(small.resize((1, 1), Image.Resampling.BOX).tobytes())
    gray = small.convert("L").tobytes()
    if max(gray) - min(gray) < FLAT:
        return Appearance(None, tone)
    signs = [gray[9 * row + column] > gray[9 * row + column + 1] for row in range(8) for column in range(8)]
    return Appearance(f"{sum(sign << bit for bit, sign in enumerate(signs)):016x}", tone)


def shrunk(image: Image.Image, width: int, height: int) -> Image.Image:
    """Return a picture over white in a few pixels."""
    if image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB").resize((width, height), Image.Resampling.BOX)
