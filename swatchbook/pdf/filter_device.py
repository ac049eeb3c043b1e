"""Paint a page in the child process through a device that changes some of MuPDF's paint and passes on the rest."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pymupdf
from pymupdf import mupdf

if TYPE_CHECKING:  # only few of the pages read need it
    from PIL.Image import Image

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

    fill_path = _pass_on("fill_path")
    stroke_path = _pass_on("stroke_path")
    stroke_text = _pass_on("stroke_text")
    ignore_text = _pass_on("ignore_text")
    fill_shade = _pass_on("fill_shade")
    fill_image = _pass_on("fill_image")
    clip_path = _pass_on("clip_path")
    clip_stroke_path = _pass_on("clip_stroke_path")
    clip_text = _pass_on("clip_text")
    clip_stroke_text = _pass_on("clip_stroke_text")
    clip_image_mask = _pass_on("clip_image_mask")
    pop_clip = _pass_on("pop_clip")
    begin_group = _pass_on("begin_group")
    end_group = _pass_on("end_group")
    end_tile = _pass_on("end_tile")
    render_flags = _pass_on("render_flags")
    fill_image_mask = _pass_on("fill_image_mask")

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
