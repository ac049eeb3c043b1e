"""What is stored of a picture: its JPEG bytes passed through, else an RGB(A) PNG; and what tells it from others.

Works on bytes and Pillow images, inside the child.
"""

import io
from typing import Any

from PIL import Image, UnidentifiedImageError

from swatchbook.errors import UnreadableImage
from swatchbook.geometry import Turn
from swatchbook.images.limits import ImageLimits
from swatchbook.records import pixel_key, sha256

Image.MAX_IMAGE_PIXELS = None  # our own limits decide, before anything is decoded

OPAQUE = 250  # alpha at least this everywhere is no mask: three quarters of soft masks are such
FLAT = 12  # of 255; pictures with less contrast have no shape to compare
PNG_LEVEL = 3  # of 9: a third of the time of the default for 5 % more bytes
PLAIN_SPACES = ("DeviceGray", "DeviceRGB", "CalGray", "CalRGB", "ICCBased")
WIDE_SPACES = ("adobe rgb", "prophoto", "wide gamut", "display p3")
"""Profiles that the PDF holds but the JPEG does not: passed through, the colours would pale."""

_TURNS: dict[Turn, Image.Transpose] = {
    "mirror": Image.Transpose.FLIP_LEFT_RIGHT,
    "flip": Image.Transpose.FLIP_TOP_BOTTOM,
    "half": Image.Transpose.ROTATE_180,
    "right": Image.Transpose.ROTATE_270,  # Pillow counts against the clock
    "left": Image.Transpose.ROTATE_90,
    "transpose": Image.Transpose.TRANSPOSE,
    "transverse": Image.Transpose.TRANSVERSE,
}

Made = tuple[dict[str, Any], bytes]
"""Facts of a stored picture, and its file."""


def passes(colorspace: int, space: str) -> bool:
    """Whether a JPEG in this colour space (components, MuPDF's name) shows right colours by itself."""
    return colorspace in (1, 3) and space.startswith(PLAIN_SPACES) and not any(w in space.lower() for w in WIDE_SPACES)


def as_jpeg(data: bytes, limits: ImageLimits) -> Made | None:
    """A JPEG kept byte for byte; None where a viewer would show it otherwise than the page does.

    Raises UnreadableImage for a broken one, TooLarge by its own header, whatever the PDF said.
    """
    limits.check_bytes(len(data))
    try:
        with Image.open(io.BytesIO(data), formats=["JPEG"]) as image:
            limits.check_size(*image.size)
            if image.mode not in ("L", "RGB") or image.getexif().get(0x0112, 1) != 1:  # PDF ignores EXIF's turn
                return None
            width, height = image.size
            mode = image.mode
            image.draft(mode, (64, 64))  # decodes all of the stream at an eighth of the size: finds what is cut off
            image.load()
            look = _look(image)
    except UnidentifiedImageError:
        raise UnreadableImage("Its bytes are not a JPEG.", advice="Export the catalogue again.") from None
    except OSError as error:  # Pillow says what is wrong with the file
        raise UnreadableImage(f"A broken JPEG: {error}.", advice="Export the catalogue again.") from None
    facts = {"content_key": sha256(data), "width": width, "height": height, "mode": mode, "passed_through": True}
    return {**facts, "suffix": ".jpg", **look}, data


def as_png(image: Image.Image, turn: Turn, limits: ImageLimits) -> Made:
    """An RGB(A) picture, turned to stand as on the page, as PNG. Raises TooLarge."""
    if turn != "none":
        image = image.transpose(_TURNS[turn])
    if image.mode == "RGBA" and least_alpha(image.getchannel("A")) >= OPAQUE:
        image = image.convert("RGB")
    key = pixel_key(image.width, image.height, image.mode, image.tobytes())
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=PNG_LEVEL)
    data = file.getvalue()
    limits.check_bytes(len(data))
    facts = {"content_key": key, "width": image.width, "height": image.height, "mode": image.mode}
    return {**facts, "passed_through": False, "suffix": ".png", **_look(image)}, data


def least_alpha(mask: Image.Image) -> int:
    """Smallest value of a mask (mode L), 0–255."""
    least, _ = mask.getextrema()
    return int(least)  # type: ignore[arg-type]  # pairs are for many bands


def _look(image: Image.Image) -> dict[str, Any]:
    """`phash`: 64 signs of the brightness steps along rows of a 9 × 8 grid, hex, None if flat.

    `tone`: mean RGB over white.
    """
    if image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    small = image.convert("RGB").resize((9, 8), Image.Resampling.BOX)
    tone = list(small.resize((1, 1), Image.Resampling.BOX).tobytes())
    gray = small.convert("L").tobytes()
    if max(gray) - min(gray) < FLAT:
        return {"phash": None, "tone": tone}
    signs = [gray[9 * row + column] > gray[9 * row + column + 1] for row in range(8) for column in range(8)]
    return {"phash": f"{sum(sign << bit for bit, sign in enumerate(signs)):016x}", "tone": tone}
