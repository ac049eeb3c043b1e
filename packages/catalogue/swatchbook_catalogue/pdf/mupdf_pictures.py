"""Take the pixels and the stored bytes of a page's pictures with MuPDF (in the child process)."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from typing import Any

import pymupdf
from PIL import Image
from pymupdf import mupdf

from swatchbook_base.image_limits import ImageLimits
from swatchbook_catalogue.pdf.page_contract import Painted
from swatchbook_catalogue.pdf.picture_format import OPAQUE, Colors, PictureFile, keep_jpeg, may_keep_jpeg, min_alpha

RECORD = 100  # bytes of MuPDF's own record of a picture


def kept_jpeg(document: Any, xref: int, picture: Painted, limits: ImageLimits) -> PictureFile | None:
    """Return the bytes of an image object if it is a JPEG that looks the same alone as on the page, else None."""
    limits.check_bytes(len(document.xref_stream_raw(xref) or b""))
    encoding, decode = (document.xref_get_key(xref, name)[1] for name in ("Filter", "Decode"))
    colors = Colors(components=picture.colorspace, space=picture.space)
    if not may_keep_jpeg(encoding, decode, colors) or soft_mask(document, xref) is not None:
        return None
    extracted = document.extract_image(xref)
    return keep_jpeg(extracted["image"], limits) if extracted.get("ext") in ("jpeg", "jpg") else None


def embedded_picture(document: Any, xref: int, limits: ImageLimits) -> Image.Image:
    """Return the pixels of an image object (RGB, or RGBA with its mask)."""
    limits.check_bytes(len(document.xref_stream_raw(xref) or b""))
    image, alpha = to_rgb(pymupdf.Pixmap(document, xref)), soft_mask(document, xref)
    # For a mask with a Matte, MuPDF undoes the premultiplied colours and leaves alpha opaque.
    if alpha is not None and (image.mode == "RGB" or min_alpha(image.getchannel("A")) >= OPAQUE):
        image.putalpha(alpha.resize(image.size, Image.Resampling.BILINEAR))
    return image


def soft_mask(document: Any, xref: int) -> Image.Image | None:
    """Return the opacity (mode L) from the object's soft or stencil mask; None if it has none or is opaque."""
    for name in ("SMask", "Mask"):  # MuPDF itself applies a Mask that is an array (a colour key)
        kind, value = document.xref_get_key(xref, name)
        if kind == "xref":
            mask = pymupdf.Pixmap(document, int(value.split()[0]))
            image = Image.frombytes("L", (mask.width, mask.height), mask.samples)
            return None if min_alpha(image) >= OPAQUE else image
    return None


def inline_picture(image: Any) -> Image.Image:
    """Return the pixels of a picture that is no separate object, with its mask as alpha."""
    picture = to_rgb(pymupdf.Pixmap("raw", mupdf.fz_get_unscaled_pixmap_from_image(image)))
    mask = image.mask()
    if mask.m_internal and picture.mode == "RGB":
        alpha = pymupdf.Pixmap("raw", mupdf.fz_get_unscaled_pixmap_from_image(mask))
        opacity = Image.frombytes("L", (alpha.width, alpha.height), alpha.samples)
        picture.putalpha(opacity.resize(picture.size, Image.Resampling.BILINEAR))
    return picture


def to_rgb(pixmap: Any) -> Image.Image:
    """Convert a pixmap of any colour space to RGB or RGBA; a stencil becomes black on white."""
    size = (pixmap.width, pixmap.height)
    if pixmap.colorspace is None:
        stencil = Image.frombytes("L", size, pixmap.samples)
        return Image.eval(stencil, lambda alpha: 255 - alpha).convert("RGB")
    if pixmap.colorspace.n != 3 or "RGB" not in pixmap.colorspace.name:
        pixmap = pymupdf.Pixmap(pymupdf.csRGB, pixmap)
    if pixmap.alpha:
        return Image.frombytes("RGBa", size, pixmap.samples).convert("RGBA")  # MuPDF premultiplies
    return Image.frombytes("RGB", size, pixmap.samples)


def match_xrefs(page: Any, painted: Sequence[Painted]) -> list[int]:
    """Return the cross-reference number of each picture painted, 0 if it has none (inline, or in a pattern).

    Size in pixels, mask, and then the size in bytes identify most pictures; the rest are decoded, which may take
    seconds.
    """
    xrefs_by_shape: dict[tuple[int, int, bool], set[int]] = defaultdict(set)
    with suppress(RecursionError):  # resources of a thousand forms in each other, most of which are not painted
        for xref, smask, width, height, *_ in page.get_images(full=True):
            xrefs_by_shape[width, height, smask > 0].add(xref)
    candidates = [xrefs_by_shape[picture.width, picture.height, picture.has_mask] for picture in painted]
    streams = {
        xref: page.parent.xref_stream_raw(xref) or b"" for xrefs in candidates if len(xrefs) > 1 for xref in xrefs
    }
    candidates = [
        _holders(picture.size, xrefs, streams) or xrefs if len(xrefs) > 1 else xrefs
        for picture, xrefs in zip(painted, candidates, strict=True)
    ]
    digest = cache(lambda xref: pymupdf.Pixmap(page.parent, xref).digest)
    return [
        _same_pixels(picture.image, xrefs, digest) if len(xrefs) > 1 else next(iter(xrefs), 0)
        for picture, xrefs in zip(painted, candidates, strict=True)
    ]


def _same_pixels(image: Any, xrefs: Iterable[int], digest: Callable[[int], bytes]) -> int:
    """Return the object with the pixels of a picture, 0 if none has them."""
    own = pymupdf.Pixmap("raw", mupdf.fz_get_unscaled_pixmap_from_image(image)).digest
    return next((xref for xref in sorted(xrefs) if digest(xref) == own), 0)


def _holders(size: int, xrefs: set[int], streams: Mapping[int, bytes]) -> set[int]:
    """Return the objects whose stream can belong to a picture of `size` bytes; only one of those with equal streams."""
    return set({streams[xref]: xref for xref in xrefs if _may_hold(size, streams[xref])}.values())


def _may_hold(size: int, stream: bytes) -> bool:
    """Whether a stream may be a picture of `size` bytes: with MuPDF's record, or thrice the bytes if it is unpacked."""
    return any(0 <= size - held <= RECORD for held in (len(stream), max(3 * len(stream), 1024)))
