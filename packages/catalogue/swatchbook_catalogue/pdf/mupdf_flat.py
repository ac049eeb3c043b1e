"""Paint a page with MuPDF, each picture in a flat colour (in the child process)."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pymupdf import mupdf

from swatchbook_catalogue.pdf.mupdf_painting import Forwarder, paint_page, run_large_glyphs
from swatchbook_catalogue.pdf.page_contract import LEAST_ALPHA
from swatchbook_catalogue.pdf.visible_pictures import GREY

if TYPE_CHECKING:
    from PIL.Image import Image

DARKENING = {1, 4, 7}  # blend modes (multiply, darken, colour burn) in which white is neutral; in others black is


def paint_flat(page: Any, pixel: float, channels: Sequence[Sequence[int]]) -> "Image":
    """Paint a page with flat pictures; those of each channel (red, green, blue) are the other way in that channel."""
    turned = {number: channel for channel, numbers in enumerate(channels) for number in numbers}
    frame = (0, 0, int(page.rect.width / pixel) + 1, int(page.rect.height / pixel) + 1)
    return paint_page(page, frame, 1 / pixel, lambda target: _Flattener(target, turned, 1 / pixel))


class _Flattener(Forwarder):
    """Paints pictures in a flat colour (grey, or what a blend mode ignores), those `turned` otherwise in a channel."""

    def __init__(self, target: Any, turned: Mapping[int, int], scale: float) -> None:
        super().__init__(target)
        self._scale, self.is_in_glyph = scale, False
        self._turned = turned
        self._number = -1
        self._blends: list[float] = []  # the neutral colour of each group
        self._everywhere = mupdf.FzRect(mupdf.FzRect.Fixed_INFINITE)
        self._color = mupdf.new_floats(3)
        self._square = mupdf.FzPath()
        self._square.fz_rectto(0, 0, 1, 1)

    def fill_text(self, _ctx: Any, text: Any, ctm: Any, *given: Any) -> None:
        super().fill_text(_ctx, text, ctm, *given)
        run_large_glyphs(self, text, ctm, scale=self._scale)

    def stroke_text(self, _ctx: Any, text: Any, stroke: Any, ctm: Any, *given: Any) -> None:
        mupdf.ll_fz_stroke_text(self.target, text, stroke, ctm, *given)
        run_large_glyphs(self, text, ctm, scale=self._scale)

    def fill_image(self, _ctx: Any, image: Any, ctm: Any, alpha: float, params: Any) -> None:
        self._number += alpha >= LEAST_ALPHA
        if self.masks:
            mupdf.ll_fz_fill_image(self.target, image, ctm, alpha, params)
        else:
            self._fill(ctm, alpha, params)

    def fill_image_mask(
        self, _ctx: Any, image: Any, ctm: Any, space: Any, color: Any, alpha: float, params: Any
    ) -> None:
        self._number += alpha >= LEAST_ALPHA and not self.is_in_glyph
        if self.masks or self.is_in_glyph:
            mupdf.ll_fz_fill_image_mask(self.target, image, ctm, space, color, alpha, params)
        else:
            mupdf.ll_fz_clip_image_mask(self.target, image, ctm, self._everywhere.internal())
            self._fill(ctm, alpha, params)
            mupdf.ll_fz_pop_clip(self.target)

    def fill_shade(self, _ctx: Any, shade: Any, ctm: Any, alpha: float, params: Any) -> None:
        self._number += alpha >= LEAST_ALPHA
        mupdf.ll_fz_fill_shade(self.target, shade, ctm, alpha, params)

    def begin_group(self, _ctx: Any, around: Any, space: Any, *how: Any) -> None:
        _isolated, _knockout, blend, _alpha = how
        self._blends.append(GREY if not blend & 15 else float(blend & 15 in DARKENING))
        space = space if self.masks else None  # through CMYK a flat colour would reach other channels
        mupdf.ll_fz_begin_group(self.target, around, space, *how)

    def end_group(self, _ctx: Any) -> None:
        if self._blends:
            self._blends.pop()
        mupdf.ll_fz_end_group(self.target)

    def _fill(self, ctm: Any, alpha: float, params: Any) -> None:
        """Fill a picture's place with its flat colour; an image of one pixel would fade at its edges."""
        channel = self._turned.get(self._number) if alpha >= LEAST_ALPHA else None
        neutral = next((blend for blend in reversed(self._blends) if blend != GREY), GREY)
        for component in range(3):
            value = neutral if component != channel else 1.0 - round(neutral)
            mupdf.floats_setitem(self._color, component, value)
        space = mupdf.ll_fz_device_rgb()
        mupdf.ll_fz_fill_path(self.target, self._square.m_internal, 0, ctm, space, self._color, alpha, params)
