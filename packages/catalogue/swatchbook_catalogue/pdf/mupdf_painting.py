"""Trace what a page paints with MuPDF, in order, with the box that clips leave of each picture; repaint it, changed.

Traced are pictures and gradients, also which of them are in a mask, a tiling pattern or a glyph, or are stencils.
"""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pymupdf
from pymupdf import mupdf

from swatchbook_base.geometry import Box, clip, finite, finite_box, overlap, short_side
from swatchbook_catalogue.pdf.page_contract import EVERYWHERE, LEAST_ALPHA, NOWHERE, Painted, Painting
from swatchbook_catalogue.pdf.transforms import UNIT_SQUARE, Transform, transform_box

if TYPE_CHECKING:  # only few of the pages read need it
    from PIL.Image import Image


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
        self.is_in_glyph = False
        for call in (
            *("fill_text", "stroke_text"),
            *("fill_path", "stroke_path", "fill_image", "fill_image_mask", "fill_shade", "pop_clip"),
            *("clip_path", "clip_stroke_path", "clip_text", "clip_stroke_text", "clip_image_mask"),
            *("begin_mask", "end_mask", "begin_tile", "end_tile"),
        ):
            getattr(self, f"use_virtual_{call}")()

    def fill_path(self, *_: Any) -> None:
        self.painting.paths += 1

    stroke_path = fill_path

    def fill_text(self, _ctx: Any, text: Any, ctm: Any, *_: Any) -> None:
        run_large_glyphs(self, text, ctm)

    def stroke_text(self, _ctx: Any, text: Any, _stroke: Any, ctm: Any, *_: Any) -> None:
        self.fill_text(_ctx, text, ctm)

    def fill_image(self, _ctx: Any, image: Any, ctm: Any, alpha: float, *_: Any) -> None:
        self._paint(image, to_transform(ctm), alpha)

    def fill_image_mask(self, _ctx: Any, image: Any, ctm: Any, _space: Any, _color: Any, alpha: float, *_: Any) -> None:
        if not self.is_in_glyph:  # it would be a letter
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


_LEAST_GLYPH = 23.7  # points of the shorter side of a glyph that may be a picture; no size of letters, as 24 is


def run_large_glyphs(device: Any, text: Any, ctm: Any, *, scale: float = 1.0) -> None:
    """Let a device paint what the large glyphs of Type 3 fonts in a text paint: they may have pictures.

    `scale`: the device's pixels a point.
    """
    span = None if device.is_in_glyph else text.head
    while span:
        glyphs, turn = mupdf.FzTextSpan(span), span.trm
        for n in range(span.len if mupdf.ll_fz_font_t3_procs(span.font) else 0):
            glyph = glyphs.items(n)
            place = mupdf.ll_fz_concat(mupdf.ll_fz_make_matrix(turn.a, turn.b, turn.c, turn.d, glyph.x, glyph.y), ctm)
            if not 0 <= glyph.gid < _GLYPHS:
                continue
            box = to_box(mupdf.ll_fz_bound_glyph(span.font, glyph.gid, place))
            if short_side(box) >= _LEAST_GLYPH * scale:
                device.is_in_glyph = True
                mupdf.ll_fz_run_t3_glyph(span.font, glyph.gid, place, device.m_internal)
                device.is_in_glyph = False
        span = span.next


_GLYPHS = 256  # of a Type 3 font


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


# --- paint it again, changed ------------------------------------------------------------------------------------------


_CALLS = (
    *("fill_path", "stroke_path", "fill_text", "stroke_text", "ignore_text", "fill_shade", "fill_image"),
    *("fill_image_mask", "clip_path", "clip_stroke_path", "clip_text", "clip_stroke_text", "clip_image_mask"),
    *("pop_clip", "begin_mask", "end_mask", "begin_group", "end_group", "begin_tile", "end_tile", "render_flags"),
)


def paint_page(
    page: Any, frame: tuple[int, int, int, int], scale: float, wrap: Callable[[Any], Any] = lambda target: target
) -> "Image":
    """Paint a part of a page (mode RGB, white ground).

    `frame`: x0, y0, x1, y1 in pixels. `scale`: pixels a point. `wrap` returns a device around the one that draws.
    """
    from PIL import Image

    # Not `pymupdf.Pixmap(…)`: it has separations, with which MuPDF takes all colours through CMYK.
    rgb = mupdf.FzColorspace(mupdf.FzColorspace.Fixed_RGB)
    pixmap = mupdf.fz_new_pixmap_with_bbox(rgb, mupdf.FzIrect(*frame), mupdf.FzSeparations(), 0)
    mupdf.fz_clear_pixmap_with_value(pixmap, 255)
    target = mupdf.fz_new_draw_device(mupdf.FzMatrix(), pixmap)
    device = wrap(target)
    mupdf.fz_run_page(page.this, device, mupdf.FzMatrix(scale, 0, 0, scale, 0, 0), mupdf.FzCookie())
    if device is not target:
        mupdf.fz_close_device(device)
    mupdf.fz_close_device(target)
    painted = pymupdf.Pixmap("raw", pixmap)
    return Image.frombytes("RGB", (painted.width, painted.height), painted.samples)


def _pass_on(call: str) -> Callable[..., Any]:
    """Return a method that makes the same call of the device that draws."""
    paint = getattr(mupdf, f"ll_fz_{call}")

    def passed_on(self: Any, _ctx: Any, *given: Any) -> Any:
        return paint(self.target, *given)

    return passed_on


class Forwarder(mupdf.FzDevice2):  # type: ignore[misc]  # the bindings have no types
    """Passes all paint on to `target`, the device that draws; subclasses override the methods of what they change.

    Paint must not be changed while `masks` is above 0: its colours are the alpha of other paint.
    """

    def __init__(self, target: Any) -> None:
        super().__init__()
        self.target = target.m_internal
        self.masks = 0
        for call in _CALLS:
            getattr(self, f"use_virtual_{call}")()

    def fill_text(self, _ctx: Any, text: Any, ctm: Any, space: Any, color: Any, alpha: float, params: Any) -> None:
        known = space and space.n <= 4  # the binding takes at most four values; black serves for other inks
        values = [mupdf.floats_getitem(color, n) for n in range(space.n)] if known else [0.0]
        space = space if known else mupdf.ll_fz_device_gray()
        mupdf.ll_fz_fill_text(self.target, text, ctm, space, values, alpha, params)

    def begin_mask(self, _ctx: Any, *given: Any) -> None:
        self.masks += 1
        mupdf.ll_fz_begin_mask(self.target, *given)

    def end_mask(self, _ctx: Any, *given: Any) -> None:
        self.masks -= 1
        mupdf.ll_fz_end_mask_tr(self.target, *given)

    def begin_tile(self, _ctx: Any, around: Any, view: Any, xstep: float, ystep: float, ctm: Any, *_: Any) -> int:
        # Without an id: MuPDF would keep the painted tile, and paint it again as it was the last time.
        return int(mupdf.ll_fz_begin_tile_tid(self.target, around, view, xstep, ystep, ctm, 0, 0))


for _call in _CALLS:
    if _call not in vars(Forwarder):
        setattr(Forwarder, _call, _pass_on(_call))
