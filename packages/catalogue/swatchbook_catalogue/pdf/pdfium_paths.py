"""Return the vector paths of a page as `drawings.py` reads them, with PDFium (in the child process)."""

import ctypes
from collections.abc import Sequence
from typing import Any

import pypdfium2.raw as pdfium

from swatchbook_base.geometry import Box, bounding_box
from swatchbook_catalogue.pdf.pdfium_objects import Drawn, fill_color, matrix_of, segment_point
from swatchbook_catalogue.pdf.transforms import compose, transform_point

Point = tuple[float, float]
STRAIGHT = 0.05  # points by which the sides of a rectangle may lean


def to_paths(objects: Sequence[Drawn]) -> list[dict[str, Any]]:
    """Return the paths of a page: `rect` (points), `items`, `type` (f: filled, s: stroked), `fill` (0xRRGGBB)."""
    paths = []
    for each in objects:
        if each.kind != pdfium.FPDF_PAGEOBJ_PATH:
            continue
        items = _items(each)
        fill, stroke = ctypes.c_int(), ctypes.c_int()
        pdfium.FPDFPath_GetDrawMode(each.raw, fill, stroke)
        kind = "f" * bool(fill.value) + "s" * bool(stroke.value)
        if items and kind:
            paths.append({"rect": each.box, "items": items, "type": kind, "fill": fill_color(each.raw)[0]})
    return paths


def _items(each: Drawn) -> list[tuple[Any, ...]]:
    """Return ("l", from, to), ("c", from, two controls, to), or ("re", box), in points of the page as shown."""
    to_page = compose(matrix_of(each.raw), each.to_page)
    items, start, last = list[tuple[Any, ...]](), (0.0, 0.0), (0.0, 0.0)
    controls = list[Point]()
    for n in range(max(0, pdfium.FPDFPath_CountSegments(each.raw))):
        segment = pdfium.FPDFPath_GetPathSegment(each.raw, n)
        point = transform_point(segment_point(segment), to_page)
        match pdfium.FPDFPathSegment_GetType(segment):
            case pdfium.FPDF_SEGMENT_MOVETO:
                start = point
            case pdfium.FPDF_SEGMENT_LINETO:
                items.append(("l", last, point))
            case pdfium.FPDF_SEGMENT_BEZIERTO:
                controls.append(point)
                if len(controls) < 3:
                    continue
                items.append(("c", last, *controls))
                controls = []
        last = point
        if pdfium.FPDFPathSegment_GetClose(segment) and point != start:
            items.append(("l", point, start))
            last = start
    box = _rectangle(items)
    return [("re", box)] if box else items


def _rectangle(items: Sequence[tuple[Any, ...]]) -> Box | None:
    """Return the box of four lines that are its sides, else None."""
    if len(items) not in (3, 4) or any(kind != "l" for kind, *_ in items):
        return None
    if any(min(abs(a[0] - b[0]), abs(a[1] - b[1])) > STRAIGHT for _, a, b in items):
        return None
    corners = [points[0] for _, *points in items] + [items[-1][2]]
    box = bounding_box((x, y, x, y) for x, y in corners)
    distinct = {(round(x, 1), round(y, 1)) for x, y in corners}
    return box if len(distinct) == 4 else None
