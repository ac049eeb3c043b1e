"""Decode picture files (JPEG, PNG, WebP …) to upright sRGB pixels over white, in the child process.

White on transparency is laid over grey, on which it is seen.

It imports only Pillow and its plugin for HEIC, so that a restart is fast.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache, reduce
from io import SEEK_CUR, BytesIO
from pathlib import Path
from struct import Struct
from typing import IO, Any

from pi_heif import register_heif_opener
from PIL import Image, ImageChops, ImageCms, UnidentifiedImageError
from PIL.PngImagePlugin import PngImageFile

from swatchbook.domain.errors import Failure, FileMissing, TooLarge, Unexpected, UnreadableImage, as_failure, reason_of
from swatchbook.domain.runtime.heap import release_memory_above
from swatchbook.models.images.jpeg_end import with_end
from swatchbook_base.child_process import Frame, serve
from swatchbook_base.image_limits import ImageLimits

log = logging.getLogger(__name__)
register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "JPEG2000", "AVIF", "HEIF", "PPM", "ICO")
"""Accepted formats, without those that Pillow passes to other programs (EPS) and rare ones."""

LACKED_END = "lacked end"  # of what Pillow knows of a picture
ORIENTATION = 0x0112  # EXIF
ICON_SIGNATURE = b"\0\0\1\0"
PILLOWS_MEGAPIXEL = 500_000  # pixels: it warns of more than its limit, and refuses more than twice as many
TILE_WIDTH, TILE_LENGTH = 322, 323  # TIFF
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SEEN = 128  # of 255: the opacity of what is seen
LIGHT = 238  # of 255, in each channel: what is not seen over white
MOST_LIGHT, MOST_SEEN = 0.9, 0.95  # shares of what is seen, and of the picture
DARK = "#404040"
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_CHUNK = Struct(">I4s")  # length of the data and kind, before data and checksum
PNG_CHECKSUM_BYTES = 4
PNG_METADATA = {b"eXIf", b"tEXt", b"zTXt", b"iTXt"}
SIDEWAYS = {TURNS[5], TURNS[6], TURNS[7], TURNS[8]}  # turns that exchange width and height
BAND_PIXELS = 1 << 20  # pixels of deep samples that are converted at once, in 8 bytes each
KEPT_BYTES = 64 << 20  # memory that a child keeps between requests: three times what it takes at its start


def handle(request: dict[str, Any], _: bytes) -> Iterator[Frame]:
    """Answer with a frame for each path, in order: {height, width} with pixels, or {failure, message, advice} without.

    With side 0 only headers are read: the frames have the fields of a Header and no pixels. Because each path
    has its own frame, the parent knows which picture crashed this process.
    """
    limits = ImageLimits(*request["limits"])
    for path in request["paths"]:
        yield answer(Path(path), request["side"], limits)
    release_memory_above(KEPT_BYTES)  # a large picture may be the last one for days


def answer(path: Path, side: int, limits: ImageLimits) -> Frame:
    """Return the frame of one picture."""
    try:
        if not side:
            return read_header(path, limits), b""
        image = decode(path, side, limits)
        return {"height": image.height, "width": image.width}, image.tobytes()
    except Exception as error:
        failure = as_failure(error)
        if isinstance(failure, Unexpected):
            log.error("a picture failed", exc_info=error)
        return {"failure": failure.kind, "message": failure.message, "advice": failure.advice}, b""


def decode(path: Path, side: int, limits: ImageLimits) -> Image.Image:
    """Decode the first frame over white, at most `side` pixels. Raises TooLarge, UnreadableImage, FileMissing."""
    with opened(path, limits) as image:
        pixels, turn = flatten(load_shrunk(image, side), icc_profile(image)), turn_of(image)
        return pixels.transpose(turn) if turn is not None else pixels


def read_header(path: Path, limits: ImageLimits) -> dict[str, Any]:
    """Return width and height (upright), mode and format of a picture from its header. Raises what `decode` raises."""
    with opened(path, limits) as image:
        width, height = image.size
        if may_be_turned(image) and turn_of(image) in SIDEWAYS:
            width, height = height, width
        lacks_end = image.info[LACKED_END]
        return {
            "width": width, "height": height, "mode": image.mode, "format": image.format or "", "lacks_end": lacks_end,
        }  # fmt: skip


def may_be_turned(image: Image.Image) -> bool:
    """Return whether a picture may have an orientation.

    That of a PNG is in its EXIF or texts, which may be behind the pixels. Pillow would decode the pixels to reach them,
    which is not worth it if there are none.
    """
    if not isinstance(image, PngImageFile) or image.fp is None:
        return True
    place = image.fp.tell()
    try:
        image.fp.seek(len(PNG_SIGNATURE))
        while len(head := image.fp.read(PNG_CHUNK.size)) == PNG_CHUNK.size:
            length, kind = PNG_CHUNK.unpack(head)
            if kind in PNG_METADATA:
                return True
            image.fp.seek(length + PNG_CHECKSUM_BYTES, SEEK_CUR)
        return False
    finally:
        image.fp.seek(place)


@contextmanager
def opened(path: Path, limits: ImageLimits) -> Iterator[Image.Image]:
    """Open a picture; errors in the block become TooLarge or UnreadableImage. Raises FileMissing without a file."""
    try:
        size = path.stat().st_size
        stream = path.open("rb")
    except OSError as error:
        raise FileMissing(f"The picture's file cannot be opened: {reason_of(error)}.") from error
    with stream:
        limits.check_bytes(size)
        # Pillow unpacks an icon while it opens it. Of others ImageLimits sees the size before anything is unpacked.
        Image.MAX_IMAGE_PIXELS = limits.megapixels * PILLOWS_MEGAPIXEL if is_icon(stream) else None
        try:
            whole = with_end(stream, limits)
            with Image.open(whole or stream, formats=FORMATS) as image:
                image.info[LACKED_END] = whole is not None
                limits.check_size(*image.size)
                tags = getattr(image, "tag_v2", {})  # each tile of a TIFF is unpacked whole
                limits.check_size(tags.get(TILE_WIDTH, 1), tags.get(TILE_LENGTH, 1))
                yield image
        except Failure:
            raise
        except Image.DecompressionBombError as error:  # an icon's own header says at most 256 pixels a side
            raise TooLarge(
                f"The icon holds a picture of more than {limits.megapixels} megapixels, which are allowed.",
                advice="Raise SWATCHBOOK_MAX_IMAGE_MEGAPIXELS, then ingest again with --force.",
            ) from error
        except UnidentifiedImageError as error:
            raise UnreadableImage("The file is not a picture of a known kind.") from error
        except MemoryError as error:
            raise TooLarge("Decoding it takes more memory than a child may have (child_memory_mb).") from error
        except Exception as error:  # on broken bytes Pillow's decoders raise any exception
            log.warning("a picture cannot be decoded", exc_info=error)
            raise UnreadableImage("The picture is broken or truncated (see the log).") from error


def is_icon(stream: IO[bytes]) -> bool:
    """Return whether an open file begins as an icon (ICO) does."""
    start = stream.read(len(ICON_SIGNATURE))
    stream.seek(0)
    return start == ICON_SIGNATURE


def load_shrunk(image: Image.Image, side: int) -> Image.Image:
    """Decode and shrink to `side`, in a mode that can be averaged. JPEGs are decoded at reduced size."""
    scale = min(1.0, side / max(image.size))
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    image.draft(None, size)
    image.load()
    loaded = to_averageable_mode(image)
    return loaded.resize(size, Image.Resampling.HAMMING, reducing_gap=2.0) if loaded.size != size else loaded


def to_averageable_mode(image: Image.Image) -> Image.Image:
    """Convert palettes, bits and deep samples, which cannot be averaged; leave other modes unchanged."""
    if image.mode in ("P", "PA") or "transparency" in image.info:
        return image.convert("RGBA")
    if image.mode == "1":
        return image.convert("L")
    if image.mode == "F" or image.mode.startswith("I"):
        return deep_to_grey(image)
    return image


def deep_to_grey(image: Image.Image) -> Image.Image:
    """Convert 16- and 32-bit samples to 8-bit grey: full scale is 65,535 for integers, 1 for fractions (else 255)."""
    import numpy as np  # only here: most children never need it

    def bands() -> Iterator[tuple[int, Any]]:
        rows = max(1, BAND_PIXELS // image.width)
        for top in range(0, image.height, rows):
            box = (0, top, image.width, min(top + rows, image.height))
            yield top, np.asarray(image.crop(box), np.float64)

    full_scale = 65_535.0
    if image.mode == "F":
        highest = np.fmax.reduce([np.fmax.reduce(values, axis=None) for _, values in bands()])
        full_scale = 1.0 if highest <= 1 else 255.0
    grey = Image.new("L", image.size)
    for top, values in bands():
        shades = np.nan_to_num(np.clip(values / full_scale, 0, 1) * 255 + 0.5).astype(np.uint8)
        grey.paste(Image.fromarray(shades), (0, top))
    return grey


def icc_profile(image: Image.Image) -> bytes | None:
    """Return the embedded ICC profile, if it applies to the mode after averaging."""
    embedded = image.info.get("icc_profile")
    return embedded if isinstance(embedded, bytes) and image.mode in ("RGB", "RGBA", "CMYK", "L", "P") else None


def flatten(image: Image.Image, icc: bytes | None) -> Image.Image:
    """Convert to sRGB over its ground, by the profile if it is valid, else by Pillow's conversion without a profile."""
    if "A" in image.getbands() and image.mode != "LAB":
        rgba = image.convert("RGBA")
        colors = flatten(rgba.convert("RGB"), icc)
        ground = Image.new("RGB", image.size, ground_of(colors, rgba.getchannel("A")))
        ground.paste(colors, mask=rgba.getchannel("A"))
        return ground
    if image.mode == "LAB":
        converted = ImageCms.profileToProfile(image, ImageCms.createProfile("LAB"), srgb_profile(), outputMode="RGB")
        return converted or image
    transform = srgb_transform(icc, image.mode) if icc else None
    return ImageCms.applyTransform(image, transform) or image if transform else image.convert("RGB")


def ground_of(colors: Image.Image, opacity: Image.Image) -> str:
    """Return the colour to lay a picture over: white, or a dark grey if what it shows is white on transparency."""
    darkest = reduce(ImageChops.darker, colors.split())
    seen = darkest.histogram(opacity.point(lambda alpha: 255 * (alpha >= SEEN)))
    is_cut_out = sum(seen) <= MOST_SEEN * opacity.width * opacity.height
    return DARK if is_cut_out and sum(seen[LIGHT:]) > MOST_LIGHT * sum(seen) else "white"


@lru_cache(maxsize=16)
def srgb_transform(icc: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Return the transform from a profile to sRGB; None if the profile is sRGB or invalid."""
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(icc))
        if "sRGB" in ImageCms.getProfileDescription(source):
            return None
        return ImageCms.buildTransform(source, srgb_profile(), mode, "RGB", ImageCms.Intent.RELATIVE_COLORIMETRIC)
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
        return None


@lru_cache(maxsize=1)
def srgb_profile() -> ImageCms.ImageCmsProfile:
    return ImageCms.createProfile("sRGB")  # type: ignore[return-value]


def turn_of(source: Image.Image) -> Image.Transpose | None:
    """Return the turn that the EXIF orientation of a picture asks for, None without one."""
    try:
        return TURNS.get(source.getexif().get(ORIENTATION, 1))
    except (OSError, ValueError, SyntaxError, TypeError, KeyError):
        return None  # broken metadata does not make the picture unreadable


if __name__ == "__main__":
    serve(handle)
