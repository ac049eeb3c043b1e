"""Trace the pictures and gradients that a page paints, in order, with the box that clips leave of each (in the child).

It also records which are in a mask or a tiling pattern, or are stencils. `visible_pictures.py` measures what is seen.
"""

import math
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pymupdf import mupdf

from swatchbook.geometry import UNIT_SQUARE, Box, Transform, clip, finite, finite_box, overlap, transform_box

EVERYWHERE: Box = (-math.inf, -math.inf, math.inf, math.inf)
NOWHERE: Box = (0.0, 0.0, 0.0, 0.0)
LEAST_ALPHA = 0.5  # fainter pictures and gradients are watermarks, and left out


class Painted(NamedTuple):
    """A picture or gradient as a page paints it; its box and transform are of the page as shown."""

    bbox: Box  # what clips and the page's edge leave of it; of one in a pattern: what the pattern fills
    width: int
    height: int
    colorspace: int
    bits: int
    has_mask: bool
    size: int  # bytes that MuPDF holds of it; 0 if unknown
    transform: Transform
    gradient: bool = False
    space: str = ""  # the name of its colour space
    stencil: bool = False  # its object has only a shape; the colour is the page's
    tiled: bool = False  # painted in a tiling pattern: its transform does not say where
    image: Any = None  # MuPDF's


@dataclass
class Painting:
    """Pictures and gradients in the order painted."""

    pictures: list[Painted] = field(default_factory=list)
    paths: int = 0


def to_drawn(number: int, picture: Painted) -> dict[str, Any]:
    """Return a picture as JSON (`records.Drawn`)."""
    return {
        "number": number,
        "bbox": picture.bbox,
        "width": picture.width,
        "height": picture.height,
        "colorspace": picture.colorspace,
        "bits": picture.bits,
        "has_mask": picture.has_mask,
        "size": picture.size,
        "transform": picture.transform,
        "gradient": picture.gradient,
    }


def trace_painting(page: Any) -> Painting:
    """Interpret a page and return what it paints."""
    device = Tracer(page)
    mupdf.fz_run_page(page.this, device, mupdf.FzMatrix(), mupdf.FzCookie())
    mupdf.fz_close_device(device)
    return device.painting


class Tracer(mupdf.FzDevice2):  # type: ignore[misc]  # the bindings have no types
    """MuPDF calls these methods as it interprets the page; each clip and each mask ends with one `pop_clip`."""

    def __init__(self, page: Any) -> None:
        super().__init__()
        self.painting = Painting()
        self._frame: Box = tuple(page.rect)
        self._clips = [EVERYWHERE]
        self._tiles: list[Box] = []  # what the patterns fill that are being painted
        self._masks = 0
        for call in (
            *("fill_path", "stroke_path", "fill_image", "fill_image_mask", "fill_shade", "pop_clip"),
            *("clip_path", "clip_stroke_path", "clip_text", "clip_stroke_text", "clip_image_mask"),
            *("begin_mask", "end_mask", "begin_tile", "end_tile"),
        ):
            getattr(self, f"use_virtual_{call}")()

    def fill_path(self, *_: Any) -> None:
        self.painting.paths += 1

    def stroke_path(self, *_: Any) -> None:
        self.painting.paths += 1

    def fill_image(self, _ctx: Any, image: Any, ctm: Any, alpha: float, *_: Any) -> None:
        self._paint(image, to_transform(ctm), alpha)

    def fill_image_mask(self, _ctx: Any, image: Any, ctm: Any, _space: Any, _color: Any, alpha: float, *_: Any) -> None:
        self._paint(image, to_transform(ctm), alpha, stencil=True)

    def fill_shade(self, _ctx: Any, shade: Any, ctm: Any, alpha: float, *_: Any) -> None:
        x0, y0, x1, y1 = clip(to_box(mupdf.ll_fz_bound_shade(shade, ctm)), self._frame)
        self._paint(None, (x1 - x0, 0.0, 0.0, y1 - y0, x0, y0), alpha)

    def clip_path(self, _ctx: Any, path: Any, _rule: Any, ctm: Any, _scissor: Any) -> None:
        self._clip(to_box(mupdf.ll_fz_bound_path(path, None, ctm)))

    def clip_stroke_path(self, _ctx: Any, path: Any, stroke: Any, ctm: Any, _scissor: Any) -> None:
        self._clip(to_box(mupdf.ll_fz_bound_path(path, stroke, ctm)))

    def clip_text(self, _ctx: Any, text: Any, ctm: Any, _scissor: Any) -> None:
        self._clip(to_box(mupdf.ll_fz_bound_text(text, None, ctm)))

    def clip_stroke_text(self, _ctx: Any, text: Any, stroke: Any, ctm: Any, _scissor: Any) -> None:
        self._clip(to_box(mupdf.ll_fz_bound_text(text, stroke, ctm)))

    def clip_image_mask(self, _ctx: Any, _image: Any, ctm: Any, _scissor: Any) -> None:
        self._clip(transform_box(UNIT_SQUARE, to_transform(ctm)))

    def begin_mask(self, _ctx: Any, around: Any, *_: Any) -> None:
        self._masks += 1
        self._clip(to_box(around))

    def end_mask(self, *_: Any) -> None:
        self._masks -= 1  # its clip goes on until popped

    def pop_clip(self, *_: Any) -> None:
        if len(self._clips) > 1:
            self._clips.pop()

    def begin_tile(self, *_: Any) -> int:
        self._tiles.append(self._tiles[-1] if self._tiles else self._clips[-1])
        return 0  # not cached: paint it

    def end_tile(self, *_: Any) -> None:
        if self._tiles:
            self._tiles.pop()

    def _clip(self, box: Box) -> None:
        self._clips.append(overlap(self._clips[-1], box))

    def _paint(self, image: Any, transform: Transform, alpha: float, *, stencil: bool = False) -> None:
        """Record a picture, or a gradient, which has no image; what is painted into a mask is invisible."""
        if alpha < LEAST_ALPHA:
            return
        place = self._tiles[-1] if self._tiles else overlap(transform_box(UNIT_SQUARE, transform), self._clips[-1])
        box = finite_box(clip(NOWHERE if self._masks else place, self._frame))
        painted = (box, finite(transform), stencil, bool(self._tiles))
        self.painting.pictures.append(_picture(image, *painted) if image else _gradient(*painted))


def _picture(image: Any, box: Box, transform: Transform, stencil: bool, tiled: bool) -> Painted:
    held, space = mupdf.ll_fz_compressed_image_buffer(image), image.colorspace
    return Painted(
        bbox=box,
        width=image.w,
        height=image.h,
        colorspace=mupdf.ll_fz_colorspace_n(space),
        bits=image.bpc,
        has_mask=bool(image.mask),
        size=mupdf.ll_fz_compressed_buffer_size(held) if held else 0,
        transform=transform,
        space=mupdf.ll_fz_colorspace_name(space),
        stencil=stencil,
        tiled=tiled,
        image=mupdf.FzImage(mupdf.ll_fz_keep_image(image)),
    )


def _gradient(box: Box, transform: Transform, _stencil: bool, tiled: bool) -> Painted:
    width, height = math.ceil(transform[0]), math.ceil(transform[3])  # as if it were painted with a pixel a point
    return Painted(box, width, height, 3, 8, has_mask=False, size=0, transform=transform, gradient=True, tiled=tiled)


def to_box(rect: Any) -> Box:
    """Return MuPDF's rectangle as a box."""
    return rect.x0, rect.y0, rect.x1, rect.y1


def to_transform(ctm: Any) -> Transform:
    """Return MuPDF's matrix as a transform."""
    return ctm.a, ctm.b, ctm.c, ctm.d, ctm.e, ctm.f
