"""List what a page paints with PDFium, in order: pictures, gradients, paths and text, with what clips leave of each.

The objects in forms are listed one by one, in coordinates of the page as shown. PDFium does not list what is in a
tiling pattern or in an annotation: it is rendered, but it is not found as a picture.
"""

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import Any

import pypdfium2.raw as pdfium

from swatchbook_base.errors import UnreadableDocument
from swatchbook_base.geometry import Box, bounding_box, clip, finite, finite_box, overlap
from swatchbook_catalogue.pdf.page_contract import EVERYWHERE, Painted
from swatchbook_catalogue.pdf.transforms import UNIT_SQUARE, Transform, compose, transform_box
from swatchbook_catalogue.pdf.unseen_text import LIGHT

DEEPEST = 30  # forms in each other; PDFium itself stops there
MOST_OBJECTS = 500_000  # of a page; forms that double in each other have more
AS_DRAWN: Transform = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
FROM_TOP: Transform = (1.0, 0.0, 0.0, -1.0, 0.0, 1.0)
"""Pictures have their top left at (0, 0), those of PDF their bottom left."""
COMPONENTS = {1: 1, 2: 3, 3: 4, 4: 1, 5: 3, 6: 3, 7: 3, 8: 1, 9: 4, 10: 3}
"""PDFium's number of a colour space -> components; an index is one of RGB."""
SPACES = {
    1: "DeviceGray", 2: "DeviceRGB", 3: "DeviceCMYK", 4: "CalGray", 5: "CalRGB", 6: "Lab", 7: "ICCBased",
    8: "Separation", 9: "DeviceN", 10: "Indexed", 11: "Pattern",
}  # fmt: skip


@dataclass(frozen=True)
class Drawn:
    """An object of a page; `to_page` maps its coordinates to the page as shown, `clipped` is what clips leave."""

    kind: int
    raw: Any
    to_page: Transform
    clipped: Box

    @property
    def box(self) -> Box:
        """Return the box around it, before it is clipped."""
        sides = [ctypes.c_float() for _ in range(4)]
        pdfium.FPDFPageObj_GetBounds(self.raw, *map(ctypes.byref, sides))
        left, bottom, right, top = (side.value for side in sides)
        return transform_box((left, bottom, right, top), self.to_page)


def list_objects(page: Any, to_page: Transform) -> Iterator[Drawn]:
    """Yield the objects of a page, those of its forms too. Raises UnreadableDocument for too many."""
    raw = page.raw
    count = pdfium.FPDFPage_CountObjects(raw)
    for number, found in enumerate(_walk(count, pdfium.FPDFPage_GetObject, raw, to_page, EVERYWHERE, 0)):
        if number >= MOST_OBJECTS:
            raise UnreadableDocument(f"The page paints more than {MOST_OBJECTS} objects.")
        yield found


def _walk(count: int, get: Any, parent: Any, to_page: Transform, within: Box, depth: int) -> Iterator[Drawn]:
    for n in range(count):
        raw = get(parent, n)
        if not raw:
            continue
        kind = pdfium.FPDFPageObj_GetType(raw)
        clipped = overlap(within, clip_box(raw, to_page))
        if kind != pdfium.FPDF_PAGEOBJ_FORM:
            yield Drawn(kind, raw, to_page, clipped)
        elif depth < DEEPEST:
            inner = compose(matrix_of(raw), to_page)
            inside = pdfium.FPDFFormObj_CountObjects(raw)
            yield from _walk(inside, pdfium.FPDFFormObj_GetObject, raw, inner, clipped, depth + 1)


def matrix_of(raw: Any) -> Transform:
    """Return the matrix of an object."""
    found = pdfium.FS_MATRIX()
    pdfium.FPDFPageObj_GetMatrix(raw, found)
    return found.a, found.b, found.c, found.d, found.e, found.f


def clip_box(raw: Any, to_page: Transform) -> Box:
    """Return the box of the page that an object's clips leave."""
    path = pdfium.FPDFPageObj_GetClipPath(raw)
    left = EVERYWHERE
    for n in range(pdfium.FPDFClipPath_CountPaths(path) if path else 0):
        count = pdfium.FPDFClipPath_CountPathSegments(path, n)
        points = [segment_point(pdfium.FPDFClipPath_GetPathSegment(path, n, k)) for k in range(max(count, 0))]
        if points:
            box = bounding_box((x, y, x, y) for x, y in points)
            left = overlap(left, transform_box(box, to_page))
    return left


def segment_point(segment: Any) -> tuple[float, float]:
    """Return the point of a path's segment."""
    x, y = ctypes.c_float(), ctypes.c_float()
    pdfium.FPDFPathSegment_GetPoint(segment, x, y)
    return x.value, y.value


def alpha_of(raw: Any) -> float:
    """Return how opaque an object's fill is, 0–1; 1 if PDFium does not tell."""
    _, alpha = fill_color(raw)
    return alpha


def fill_color(raw: Any) -> tuple[int | None, float]:
    """Return the colour (0xRRGGBB) and opacity of an object's fill; None for a pattern."""
    parts = [ctypes.c_uint() for _ in range(4)]
    if not pdfium.FPDFPageObj_GetFillColor(raw, *map(ctypes.byref, parts)):
        return None, 1.0
    red, green, blue, alpha = (part.value for part in parts)
    return red << 16 | green << 8 | blue, alpha / 255


def is_light(raw: Any) -> bool:
    """Return whether an object is filled with a colour that is nearly white."""
    color, _ = fill_color(raw)
    return color is not None and min(color.to_bytes(3, "big")) >= LIGHT


def to_picture(drawn: Drawn, page: Any, frame: Box) -> Painted:
    """Return an image object as the page paints it."""
    facts = pdfium.FPDF_IMAGEOBJ_METADATA()
    pdfium.FPDFImageObj_GetImageMetadata(drawn.raw, page.raw, facts)
    transform = compose(compose(FROM_TOP, matrix_of(drawn.raw)), drawn.to_page)
    box = clip(overlap(transform_box(UNIT_SQUARE, transform), drawn.clipped), frame)
    components = COMPONENTS.get(facts.colorspace, 0)
    return Painted(
        bbox=finite_box(box),
        width=facts.width,
        height=facts.height,
        colorspace=components,
        bits=facts.bits_per_pixel // max(components, 1) or facts.bits_per_pixel,
        has_mask=False,  # known only once it is decoded
        size=max(0, pdfium.FPDFImageObj_GetImageDataRaw(drawn.raw, None, 0)),
        transform=finite(transform),
        space=SPACES.get(facts.colorspace, ""),
        stencil=facts.bits_per_pixel == 1 and facts.colorspace == 0,
        image=drawn.raw,
    )


def to_gradient(drawn: Drawn, frame: Box) -> Painted:
    """Return a shading as the page paints it, as if it had a pixel a point."""
    x0, y0, x1, y1 = box = finite_box(clip(overlap(drawn.box, drawn.clipped), frame))
    transform = (x1 - x0, 0.0, 0.0, y1 - y0, x0, y0)
    width, height = ceil(x1 - x0), ceil(y1 - y0)
    return Painted(box, width, height, 3, 8, has_mask=False, size=0, transform=transform, gradient=True)
