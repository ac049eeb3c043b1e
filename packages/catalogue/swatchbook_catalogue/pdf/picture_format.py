"""Keep the JPEG bytes of a picture of a page, or convert it to PNG, and compute its content key.

A mask, a turn, CMYK or a wide colour profile makes it a PNG.
"""

import io
from typing import Any, NamedTuple

from PIL import Image, UnidentifiedImageError

from swatchbook_base.appearance import appearance_of
from swatchbook_base.errors import UnreadableImage
from swatchbook_base.image_limits import ImageLimits
from swatchbook_base.records import pixel_key, sha256
from swatchbook_catalogue.pdf.picture_traits import measure_traits
from swatchbook_catalogue.pdf.transforms import Turn

Image.MAX_IMAGE_PIXELS = None  # ImageLimits applies before anything is decoded

OPAQUE = 250  # a mask with at least this alpha everywhere is ignored: three quarters of soft masks
PNG_LEVEL = 3  # compression from 0 to 9: a third of the time of the default for 5 % more bytes
PLAIN_SPACES = ("DeviceGray", "DeviceRGB", "CalGray", "CalRGB", "ICCBased")
WIDE_SPACES = ("adobe rgb", "prophoto", "wide gamut", "display p3")
"""Colour profiles that the PDF holds but the JPEG does not: without them the colours would be pale."""

_TURNS: dict[Turn, Image.Transpose] = {
    "mirror": Image.Transpose.FLIP_LEFT_RIGHT,
    "flip": Image.Transpose.FLIP_TOP_BOTTOM,
    "half": Image.Transpose.ROTATE_180,
    "right": Image.Transpose.ROTATE_270,  # Pillow rotates anticlockwise
    "left": Image.Transpose.ROTATE_90,
    "transpose": Image.Transpose.TRANSPOSE,
    "transverse": Image.Transpose.TRANSVERSE,
}

PictureFile = tuple[dict[str, Any], bytes]  # facts about a picture, and the bytes of its file


class Colors(NamedTuple):
    """The samples of a picture: how many a pixel has, and the name of their colour space."""

    components: int
    space: str

    @property
    def are_plain(self) -> bool:
        """Return whether a JPEG shows the right colours without the PDF: grey or RGB, and no wide profile."""
        is_wide = any(name in self.space.lower() for name in WIDE_SPACES)
        return self.components in (1, 3) and self.space.startswith(PLAIN_SPACES) and not is_wide


def may_keep_jpeg(encoding: str, decode: str, colors: Colors) -> bool:
    """Return whether a picture's bytes in the PDF are a JPEG in the colours of the page; `keep_jpeg` looks inside it.

    `encoding` and `decode` are the keys Filter and Decode of the image object, "null" if it has none.
    """
    is_jpeg = encoding.rstrip("] ").endswith("DCTDecode")
    return is_jpeg and colors.are_plain and decode == "null"


def keep_jpeg(data: bytes, limits: ImageLimits) -> PictureFile | None:
    """Return a JPEG byte for byte; None if by its header a viewer would show it differently from the page.

    Raises UnreadableImage for a broken one, TooLarge by the size in its header, which may differ from the PDF's.
    """
    limits.check_bytes(len(data))
    try:
        with Image.open(io.BytesIO(data), formats=["JPEG"]) as image:
            limits.check_size(*image.size)
            if (
                image.mode not in ("L", "RGB") or image.getexif().get(0x0112, 1) != 1
            ):  # PDF ignores the EXIF orientation
                return None
            width, height = image.size
            mode = image.mode
            image.draft(mode, (64, 64))  # decode the whole stream at an eighth of the size, to find truncation
            image.load()
            appearance = _measure(image)
    except UnidentifiedImageError:
        raise UnreadableImage("Its bytes are not a JPEG.", advice="Export the catalogue again.") from None
    except OSError as error:
        raise UnreadableImage("The JPEG is truncated or damaged.", advice="Export the catalogue again.") from error
    facts = {"content_key": sha256(data), "width": width, "height": height, "mode": mode, "passed_through": True}
    return {**facts, "suffix": ".jpg", **appearance}, data


def to_png(image: Image.Image, turn: Turn, limits: ImageLimits) -> PictureFile:
    """Return an RGB(A) picture as PNG, turned as on the page. Raises TooLarge."""
    if turn != "none":
        image = image.transpose(_TURNS[turn])
    if image.mode == "RGBA" and min_alpha(image.getchannel("A")) >= OPAQUE:
        image = image.convert("RGB")
    key = pixel_key(image.width, image.height, image.mode, image.tobytes())
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=PNG_LEVEL)
    data = file.getvalue()
    limits.check_bytes(len(data))
    facts = {"content_key": key, "width": image.width, "height": image.height, "mode": image.mode}
    return {**facts, "passed_through": False, "suffix": ".png", **_measure(image)}, data


def min_alpha(mask: Image.Image) -> int:
    """Return the smallest value of a mask (mode L), 0–255."""
    least, _ = mask.getextrema()
    return int(least)  # type: ignore[arg-type]  # pairs are for many bands


def _measure(image: Image.Image) -> dict[str, Any]:
    """Return how a picture looks, by which copies of it are recognised, and its traits."""
    return {**appearance_of(image)._asdict(), "traits": measure_traits(image)}
