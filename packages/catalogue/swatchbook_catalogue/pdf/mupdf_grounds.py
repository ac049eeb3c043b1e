"""Trace the grounds of a page's text, and paint the page with it or without, with MuPDF: for `unseen_text.py`.

Pictures are plain grey, so that none is decoded.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pymupdf
from pymupdf import mupdf

from swatchbook_catalogue.pdf.mupdf_painting import Forwarder, Tracer, paint_page, to_box, to_transform
from swatchbook_catalogue.pdf.page_contract import Painting
from swatchbook_catalogue.pdf.transforms import UNIT_SQUARE, transform_box
from swatchbook_catalogue.pdf.unseen_text import LIGHT, Grounds

if TYPE_CHECKING:  # few pages need it
    from PIL.Image import Image


GREY = b"\x80"  # the colour of pictures; text on one counts as seen


class TextTracer(Tracer):
    """Trace what a page paints, and the grounds of its text."""

    def __init__(self, page: Any) -> None:
        super().__init__(page)
        self.grounds = Grounds()

    def fill_text(self, _ctx: Any, text: Any, ctm: Any, *_: Any) -> None:
        super().fill_text(_ctx, text, ctm)
        self.grounds.add_text(to_box(mupdf.ll_fz_bound_text(text, None, ctm)))

    def fill_path(
        self, _ctx: Any, path: Any, rule: Any, ctm: Any, space: Any, color: Any, alpha: float, *_: Any
    ) -> None:
        super().fill_path(_ctx, path, rule, ctm, space, color, alpha)
        self.grounds.add_paint(to_box(mupdf.ll_fz_bound_path(path, None, ctm)), alpha, light=_is_light(space, color))

    def fill_image(self, _ctx: Any, image: Any, ctm: Any, alpha: float, *more: Any) -> None:
        super().fill_image(_ctx, image, ctm, alpha, *more)
        self.grounds.add_paint(transform_box(UNIT_SQUARE, to_transform(ctm)), alpha)

    def fill_shade(self, _ctx: Any, shade: Any, ctm: Any, alpha: float, *more: Any) -> None:
        super().fill_shade(_ctx, shade, ctm, alpha, *more)
        self.grounds.add_paint(to_box(mupdf.ll_fz_bound_shade(shade, ctm)), alpha)


def _is_light(space: Any, color: Any) -> bool:
    """Return whether a colour is nearly white; False for inks other than grey, RGB and CMYK."""
    count = space.n if space else 0
    values = [mupdf.floats_getitem(color, n) for n in range(count)] if count in (1, 3, 4) else [0.0]
    return all(value <= 1 - LIGHT / 255 for value in values) if count == 4 else min(values) >= LIGHT / 255


def trace_text(page: Any) -> tuple[Painting, Grounds]:
    """Interpret a page; return what it paints, and the grounds of its text."""
    device = TextTracer(page)
    mupdf.fz_run_page(page.this, device, mupdf.FzMatrix(), mupdf.FzCookie())
    mupdf.fz_close_device(device)
    return device.painting, device.grounds


# --- painting ---------------------------------------------------------------------------------------------------------


def paint_grey(page: Any, pixel: float, with_text: bool) -> "Image":
    """Paint a page (mode RGB) with grey pictures; `pixel` in points."""
    frame = (0, 0, int(page.rect.width / pixel) + 1, int(page.rect.height / pixel) + 1)
    return paint_page(page, frame, 1 / pixel, lambda target: _Painter(target, with_text=with_text))


class _Painter(Forwarder):
    """Passes paint on to a device that draws: grey for pictures, and text only if it is wanted."""

    def __init__(self, target: Any, *, with_text: bool) -> None:
        super().__init__(target)
        self._with_text = with_text
        pixel = pymupdf.Pixmap(pymupdf.csGRAY, 1, 1, GREY, False)
        self._grey = mupdf.fz_new_image_from_pixmap(pixel.this, mupdf.FzImage())

    def fill_text(self, _ctx: Any, *given: Any) -> None:
        if self._with_text:
            super().fill_text(_ctx, *given)

    def stroke_text(self, _ctx: Any, *given: Any) -> None:
        if self._with_text:
            super().stroke_text(_ctx, *given)

    def clip_text(self, _ctx: Any, *given: Any) -> None:
        self._clip(mupdf.ll_fz_clip_text, *given)

    def clip_stroke_text(self, _ctx: Any, *given: Any) -> None:
        self._clip(mupdf.ll_fz_clip_stroke_text, *given)

    def _clip(self, clip: Callable[..., None], *given: Any) -> None:
        """Clip paint, such as a gradient, to letters; without text to nothing, so that they do not show."""
        if self._with_text:
            clip(self.target, *given)
        else:
            nothing = mupdf.ll_fz_new_path()
            mupdf.ll_fz_clip_path(self.target, nothing, 0, mupdf.FzMatrix().internal(), given[-1])
            mupdf.ll_fz_drop_path(nothing)

    def fill_image(self, _ctx: Any, image: Any, ctm: Any, alpha: float, params: Any) -> None:
        paint = image if self.masks else self._grey.m_internal
        mupdf.ll_fz_fill_image(self.target, paint, ctm, alpha, params)
