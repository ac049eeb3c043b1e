"""Find the text of a page that is not visible: in the colour of its ground, under later paint, or painted invisibly.

A page that gives cause for suspicion is painted twice, with its text and without: where both are the same, no text is
seen. Pictures are plain grey in both, so that none is decoded.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pymupdf
from pymupdf import mupdf

from swatchbook.geometry import UNIT_SQUARE, Box, area, centre_inside, overlap, short_side, transform_box
from swatchbook.pdf.painting import EVERYWHERE, Forwarder, Painting, Tracer, paint_page, to_box, to_transform

if TYPE_CHECKING:  # few pages need it
    from PIL.Image import Image


LIGHT = 0xE0  # of 255, in each channel: text this light may be on the white of the page
MOST_PAIRS = 200_000  # pairs of text and later paint compared on a page; with more, all text counts as painted over
LEAST_PAINT = 4.0  # points; paint with a shorter side, such as a rule, covers no text
LEAST_ALPHA = 0.5  # text under fainter paint can be read
PIXEL = 2.0  # points; half of it gives the same texts
MOST_SIDE = 1_000  # pixels of a painted page; a larger page has larger pixels
SEEN = 10  # of 255: a smaller difference is not visible; thin grey letters of 4 points make one of 20
GREY = b"\x80"  # the colour of pictures; text on one counts as seen
SCAN = 0.5  # share of the page: a larger picture may be a scan, and the text under or in it is what it shows
FILLED_OR_STROKED, CLIP = 16 | 32, 64  # bits of `char_flags`; a clip shows the paint that follows


@dataclass
class Grounds:
    """The boxes that a page paints under its text, so that light text is seen there, and over earlier text."""

    dark: list[Box] = field(default_factory=list)
    over_text: list[Box] = field(default_factory=list)


class TextTracer(Tracer):
    """Trace what a page paints, and the grounds of its text."""

    def __init__(self, page: Any) -> None:
        super().__init__(page)
        self.grounds = Grounds()
        self._texts: list[Box] = []
        self._pairs = 0
        self.use_virtual_fill_text()
        self.use_virtual_stroke_text()

    def fill_text(self, _ctx: Any, text: Any, ctm: Any, *_: Any) -> None:
        self._texts.append(to_box(mupdf.ll_fz_bound_text(text, None, ctm)))

    def stroke_text(self, _ctx: Any, text: Any, _stroke: Any, ctm: Any, *_: Any) -> None:
        self.fill_text(_ctx, text, ctm)

    def fill_path(
        self, _ctx: Any, path: Any, rule: Any, ctm: Any, space: Any, color: Any, alpha: float, *_: Any
    ) -> None:
        super().fill_path(_ctx, path, rule, ctm, space, color, alpha)
        self._ground(to_box(mupdf.ll_fz_bound_path(path, None, ctm)), alpha, light=_is_light(space, color))

    def fill_image(self, _ctx: Any, image: Any, ctm: Any, alpha: float, *more: Any) -> None:
        super().fill_image(_ctx, image, ctm, alpha, *more)
        self._ground(transform_box(UNIT_SQUARE, to_transform(ctm)), alpha)

    def fill_shade(self, _ctx: Any, shade: Any, ctm: Any, alpha: float, *more: Any) -> None:
        super().fill_shade(_ctx, shade, ctm, alpha, *more)
        self._ground(to_box(mupdf.ll_fz_bound_shade(shade, ctm)), alpha)

    def _ground(self, box: Box, alpha: float, *, light: bool = False) -> None:
        if alpha < LEAST_ALPHA or short_side(box) < LEAST_PAINT:
            return
        if not light:
            self.grounds.dark.append(box)
        self._pairs += len(self._texts)
        texts = self._texts if self._pairs <= MOST_PAIRS else [EVERYWHERE]
        self.grounds.over_text += [under for text in texts if short_side(under := overlap(box, text)) >= LEAST_PAINT]


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


def find_unseen(page: Any, spans: Sequence[dict[str, Any]], grounds: Grounds, pictures: Sequence[Box]) -> set[int]:
    """Return the indices of invisible spans; a layer of text for what a picture or outlines show counts as seen."""
    suspects = [n for n, span in enumerate(spans) if _is_suspect(span, grounds)]
    if not suspects:
        return set()
    from PIL import ImageChops  # few pages need it

    frame = tuple(page.rect)
    pixel = max(PIXEL, max(frame[2:]) / MOST_SIDE)
    bare = _paint(page, pixel, with_text=False)
    text = ImageChops.difference(_paint(page, pixel, with_text=True), bare)
    unseen = {n for n in suspects if not _is_inked(spans[n]) or _contrast(text, spans[n]["bbox"], pixel) < SEEN}
    scans = [box for box in pictures if area(box) > SCAN * area(frame)] if len(unseen) == len(spans) else []

    def is_layer(span: dict[str, Any]) -> bool:
        box = span["bbox"]
        covered = span["char_flags"] & FILLED_OR_STROKED and _lies_on(box, grounds.over_text)
        return _lies_on(box, scans if covered else pictures) or _contrast(bare, box, pixel) >= SEEN

    return {n for n in unseen if not is_layer(spans[n])}


def _is_suspect(span: dict[str, Any], grounds: Grounds) -> bool:
    if span["text"].isspace():
        return False
    light = min(span["color"].to_bytes(4, "big")[1:]) >= LIGHT and not _lies_on(span["bbox"], grounds.dark)
    return light or not _is_inked(span) or _lies_on(span["bbox"], grounds.over_text)


def _is_inked(span: dict[str, Any]) -> bool:
    """Return whether a span's letters are painted, and not wholly transparent."""
    return bool(span["char_flags"] & CLIP or (span["char_flags"] & FILLED_OR_STROKED and span["alpha"]))


def _lies_on(box: Box, others: Sequence[Box]) -> bool:
    return any(centre_inside(box, other) for other in others)


def _contrast(picture: "Image", box: Box, pixel: float) -> int:
    """Return how much the pixels of a box differ at most in a channel, 0–255."""
    x0, y0, x1, y1 = (round(value / pixel) for value in box)
    part = picture.crop((max(0, x0), max(0, y0), min(picture.width, x1 + 1), min(picture.height, y1 + 1)))
    extrema: Any = part.getextrema() if part.width and part.height else ()
    return max((high - low for low, high in extrema), default=0)


# --- painting ---------------------------------------------------------------------------------------------------------


def _paint(page: Any, pixel: float, *, with_text: bool) -> "Image":
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
