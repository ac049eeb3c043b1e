"""Take the pixels, masks and stored bytes of a page's pictures with PDFium, and flatten them (in the child process)."""

import ctypes
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import isfinite
from typing import Any

import pypdfium2 as library
import pypdfium2.raw as pdfium
from PIL import Image, ImageChops, ImageStat, UnidentifiedImageError

from swatchbook_base.errors import UnreadableImage
from swatchbook_base.image_limits import ImageLimits
from swatchbook_catalogue.pdf.page_contract import Painted
from swatchbook_catalogue.pdf.pdfium_objects import AS_DRAWN, clip_box
from swatchbook_catalogue.pdf.picture_format import OPAQUE, Colors, PictureFile, keep_jpeg, may_keep_jpeg

PROBE = 256  # pixels of the longer side of a picture that is decoded for its mask and its colours
WIDER = 1_000.0  # times: clips beyond any picture
MOST_PIXELS = 200_000_000  # of a JPEG that is decoded for its mask
COMPARED, ALIKE = 16, 6  # pixels of a side; of 255: a JPEG whose mean differs more from the page is not kept


def stored_bytes(raw: Any) -> bytes:
    """Return an image object's bytes as the file has them."""
    return _read_bytes(pdfium.FPDFImageObj_GetImageDataRaw, raw)


def unpacked_bytes(raw: Any) -> bytes:
    """Return an image object's bytes after all filters but that of a picture format, such as JPEG."""
    return _read_bytes(pdfium.FPDFImageObj_GetImageDataDecoded, raw)


def _read_bytes(get: Callable[..., int], raw: Any) -> bytes:
    size = get(raw, None, 0)
    if size <= 0:
        return b""
    buffer = (ctypes.c_ubyte * size)()
    get(raw, buffer, size)
    return bytes(buffer)


def filters(raw: Any) -> list[str]:
    """Return the names of the filters that an image object's bytes pass."""
    names = []
    for n in range(max(0, pdfium.FPDFImageObj_GetImageFilterCount(raw))):
        name = ctypes.create_string_buffer(64)
        pdfium.FPDFImageObj_GetImageFilter(raw, n, name, 64)
        names.append(name.value.decode("ascii", "replace"))
    return names


def decode(page: Any, raw: Any, size: tuple[int, int]) -> Image.Image:
    """Return an image object in these pixels, with its mask (mode RGB or RGBA). Raises UnreadableImage."""
    # PDFium would paint nothing in place of an object that it cannot decode.
    whole = pdfium.FPDFImageObj_GetBitmap(raw)
    if not whole:
        raise _unreadable()
    pdfium.FPDFBitmap_Destroy(whole)
    with _wide_clips(raw):
        image = _paint(page, raw, size)
    if image.mode == "RGBA" and not image.getchannel("A").getbbox():  # the centre of its clips is in none, as of a ring
        image = _paint(page, raw, size)
    image = image.resize(size) if image.size != size else image
    if image.mode != "RGBA":
        return image.convert("RGB")
    least, _ = image.getchannel("A").getextrema()
    return image if least < OPAQUE else image.convert("RGB")  # type: ignore[operator]  # pairs are for many bands


def _paint(page: Any, raw: Any, size: tuple[int, int]) -> Image.Image:
    before, wanted = pdfium.FS_MATRIX(), pdfium.FS_MATRIX(size[0], 0, 0, size[1], 0, 0)
    pdfium.FPDFPageObj_GetMatrix(raw, before)
    pdfium.FPDFPageObj_SetMatrix(raw, wanted)
    try:
        bitmap = pdfium.FPDFImageObj_GetRenderedBitmap(page.pdf.raw, page.raw, raw)
    finally:
        pdfium.FPDFPageObj_SetMatrix(raw, before)
    if not bitmap:
        raise _unreadable()
    image: Image.Image = library.PdfBitmap.from_raw(bitmap).to_pil()
    return image


@contextmanager
def _wide_clips(raw: Any) -> Iterator[None]:
    """Widen an object's clips while the context lasts: PDFium cuts a picture's mask by them.

    What they leave of it is measured on the page, and the picture may be shown again under other clips.
    """
    x0, y0, x1, y1 = clip_box(raw, AS_DRAWN)
    centre = (x0 + x1) / 2, (y0 + y1) / 2
    if not all(map(isfinite, centre)):  # nothing clips it
        yield
        return
    _scale_clips(raw, centre, WIDER)
    try:
        yield
    finally:
        _scale_clips(raw, centre, 1 / WIDER)


def _scale_clips(raw: Any, centre: tuple[float, float], scale: float) -> None:
    x, y = centre
    pdfium.FPDFPageObj_TransformClipPath(raw, scale, 0, 0, scale, x - scale * x, y - scale * y)


def _unreadable() -> UnreadableImage:
    return UnreadableImage("The picture cannot be decoded.", advice="Export the catalogue again.")


def probe(page: Any, picture: Painted) -> Image.Image:
    """Return a picture in few pixels, with its mask (mode RGB or RGBA). Raises UnreadableImage."""
    if "DCTDecode" in filters(picture.image):
        _check_header(unpacked_bytes(picture.image))
    scale = min(1.0, PROBE / max(picture.width, picture.height, 1))
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    return decode(page, picture.image, size)


def _check_header(jpeg: bytes) -> None:
    """Raise UnreadableImage for a JPEG that is larger than any picture: its size in the PDF may be another one."""
    try:
        with Image.open(io.BytesIO(jpeg), formats=["JPEG"]) as image:
            width, height = image.size
    except UnidentifiedImageError:  # of other filters before, or broken
        return
    if width * height > MOST_PIXELS:
        raise _unreadable()


def kept_jpeg(page: Any, picture: Painted, limits: ImageLimits) -> PictureFile | None:
    """Return the bytes of a picture if it is a JPEG that looks the same alone as on the page, else None."""
    limits.check_bytes(picture.size)
    names = filters(picture.image)
    colors = Colors(components=picture.colorspace, space=picture.space)
    if not names or not may_keep_jpeg(names[-1], "null", colors):
        return None
    kept = keep_jpeg(unpacked_bytes(picture.image), limits)
    if kept is None:
        return None
    shown = probe(page, picture)
    return kept if shown.mode == "RGB" and _is_alike(kept[1], shown) else None


def _is_alike(jpeg: bytes, shown: Image.Image) -> bool:
    """Return whether a JPEG alone has the colours of the page: a key of the PDF may invert or convert them."""
    with Image.open(io.BytesIO(jpeg), formats=["JPEG"]) as image:
        image.draft("RGB", (PROBE, PROBE))
        alone = image.convert("RGB").resize((COMPARED, COMPARED), Image.Resampling.BOX)
    difference = ImageChops.difference(alone, shown.resize((COMPARED, COMPARED), Image.Resampling.BOX))
    return max(ImageStat.Stat(difference).mean) <= ALIKE


def is_cut(picture: Painted) -> bool:
    """Return whether a picture has fewer bytes than its pixels need; False for formats with a header of their size."""
    if {"DCTDecode", "JPXDecode", "JBIG2Decode", "CCITTFaxDecode"} & set(filters(picture.image)):
        return False
    bits = picture.bits * (picture.colorspace or 1)
    held = pdfium.FPDFImageObj_GetImageDataDecoded(picture.image, None, 0)
    return bool(held < (picture.width * bits + 7) // 8 * picture.height)


def pixels(page: Any, picture: Painted, limits: ImageLimits) -> Image.Image:
    """Return the pixels of a picture (RGB, or RGBA with its mask). Raises TooLarge by its bytes, UnreadableImage."""
    limits.check_bytes(picture.size)
    image = decode(page, picture.image, (picture.width, picture.height))
    if image.mode == "RGBA" and image.getchannel("A").getextrema()[1] == 0:  # its mask is broken, or hides all of it
        raise _unreadable()
    return image


def paint_over(page: Any, raw: Any, mask: Image.Image | None, color: tuple[int, int, int]) -> None:
    """Give an image object one flat colour, and its mask if it has one; all that show the object change with it."""
    flat = Image.new("RGB", mask.size if mask else (1, 1), color)
    if mask:
        flat.putalpha(mask)
    bitmap = library.PdfBitmap.from_pil(flat)
    pages = (pdfium.FPDF_PAGE * 1)(page.raw)
    pdfium.FPDFImageObj_SetBitmap(pages, 1, raw, bitmap.raw)
