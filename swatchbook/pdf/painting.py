"""Trace what a page paints: how much of each picture its clips leave visible, and which later opaque paint covers it.
When a picture counts as hidden: `catalogue/pictures.py`. It runs in the child process.
"""

import math
from dataclasses import dataclass, field
from typing import Any, Literal

from pymupdf import mupdf

from swatchbook.geometry import UNIT_SQUARE, Transform, covers, overlap, short_side, transform_box
from swatchbook.records import Box

EVERYWHERE: Box = (-math.inf, -math.inf, math.inf, math.inf)
NOWHERE: Box = (0.0, 0.0, 0.0, 0.0)
LEAST_COVER = 20.0  # points; paint with a shorter side covers no relevant picture
STRAIGHT = 0.01  # points by which a side may lean
LEAST_ALPHA = 0.5  # `get_image_info()` takes fainter pictures and gradients for watermarks and leaves them out


Fills = Literal["box", "clip", "part"]
"""What a picture of opaque pixels fills: its box, its clip, or an unknown part of them."""


@dataclass
class Stroke:
    """A picture or shading as painted."""

    shading: bool
    clip: Box  # unbounded without clips
    visible: Box
    fills: Fills = "part"
    covered: bool = False  # by one filled rectangle


@dataclass
class Painting:
    """Pictures and shadings in the order painted, as `get_image_info()` lists them; boxes as the page is shown."""

    strokes: list[Stroke] = field(default_factory=list)
    paths: int = 0


def trace_painting(page: Any) -> Painting:
    """Interpret a page and return what it paints."""
    device = _Device()
    mupdf.fz_run_page(page.this, device, mupdf.FzMatrix(), mupdf.FzCookie())
    mupdf.fz_close_device(device)
    return device.painting


@dataclass(frozen=True)
class _Clip:
    box: Box
    solid: bool  # the clip is a rectangle: paint in it can fill the box


class _Device(mupdf.FzDevice2):  # type: ignore[misc]  # the bindings have no types
    """MuPDF calls these methods as it interprets the page; each clip and each mask ends with one `pop_clip`."""

    def __init__(self) -> None:
        super().__init__()
        self.painting = Painting()
        self._clips = [_Clip(EVERYWHERE, True)]
        self._groups: list[bool] = []  # whether each shows what is under it
        self._masks = 0
        for call in (
            *("fill_path", "stroke_path", "fill_image", "fill_image_mask", "fill_shade", "pop_clip"),
            *("clip_path", "clip_stroke_path", "clip_text", "clip_stroke_text", "clip_image_mask"),
            *("begin_mask", "end_mask", "begin_group", "end_group"),
        ):
            getattr(self, f"use_virtual_{call}")()

    def fill_path(self, _ctx: Any, path: Any, _rule: Any, ctm: Any, *color: Any) -> None:
        self.painting.paths += 1
        if self.painting.strokes and color[2] == 1 and self._is_opaque() and mupdf.ll_fz_path_is_rect(path, ctm):
            self._cover(_box(mupdf.ll_fz_bound_path(path, None, ctm)))

    def stroke_path(self, *_: Any) -> None:
        self.painting.paths += 1

    def fill_image(self, _ctx: Any, image: Any, ctm: Any, alpha: float, *_: Any) -> None:
        if alpha < LEAST_ALPHA:
            return
        transform = _transform(ctm)
        upright = min(abs(transform[0]) + abs(transform[3]), abs(transform[1]) + abs(transform[2])) < STRAIGHT
        if upright and alpha == 1 and self._is_opaque() and not image.use_colorkey:
            clip = self._clips[-2 if image.mask else -1]  # its own mask is the last
            self._stroke(False, transform_box(UNIT_SQUARE, transform), "box" if clip.solid else "clip")
        else:
            self._stroke(False, transform_box(UNIT_SQUARE, transform))

    def fill_image_mask(
        self, _ctx: Any, _image: Any, ctm: Any, _space: Any, _color: Any, alpha: float, *_: Any
    ) -> None:
        if alpha >= LEAST_ALPHA:
            self._stroke(False, transform_box(UNIT_SQUARE, _transform(ctm)))

    def fill_shade(self, _ctx: Any, _shade: Any, _ctm: Any, alpha: float, *_: Any) -> None:
        if alpha >= LEAST_ALPHA:
            self._stroke(True, EVERYWHERE)

    def clip_path(self, _ctx: Any, path: Any, _rule: Any, ctm: Any, _scissor: Any) -> None:
        self._clip(_box(mupdf.ll_fz_bound_path(path, None, ctm)), bool(mupdf.ll_fz_path_is_rect(path, ctm)))

    def clip_stroke_path(self, _ctx: Any, path: Any, stroke: Any, ctm: Any, _scissor: Any) -> None:
        self._clip(_box(mupdf.ll_fz_bound_path(path, stroke, ctm)), False)

    def clip_text(self, _ctx: Any, text: Any, ctm: Any, _scissor: Any) -> None:
        self._clip(_box(mupdf.ll_fz_bound_text(text, None, ctm)), False)

    def clip_stroke_text(self, _ctx: Any, text: Any, stroke: Any, ctm: Any, _scissor: Any) -> None:
        self._clip(_box(mupdf.ll_fz_bound_text(text, stroke, ctm)), False)

    def clip_image_mask(self, _ctx: Any, _image: Any, ctm: Any, _scissor: Any) -> None:
        self._clip(transform_box(UNIT_SQUARE, _transform(ctm)), False)

    def begin_mask(self, _ctx: Any, around: Any, *_: Any) -> None:
        self._masks += 1
        self._clip(_box(around), False)

    def end_mask(self, *_: Any) -> None:
        self._masks -= 1  # its clip goes on until popped

    def pop_clip(self, *_: Any) -> None:
        if len(self._clips) > 1:
            self._clips.pop()

    def begin_group(
        self, _ctx: Any, _area: Any, _space: Any, _isolated: Any, _knockout: Any, blend: int, alpha: float
    ) -> None:
        self._groups.append(blend != 0 or alpha < 1)

    def end_group(self, *_: Any) -> None:
        if self._groups:
            self._groups.pop()

    def _clip(self, box: Box, solid: bool) -> None:
        within = self._clips[-1]
        self._clips.append(_Clip(overlap(within.box, box), within.solid and solid))

    def _stroke(self, shading: bool, box: Box, fills: Fills = "part") -> None:
        """Record a picture or shading; one painted into a mask is invisible."""
        clip = NOWHERE if self._masks else self._clips[-1].box
        self.painting.strokes.append(Stroke(shading, clip, overlap(box, clip), fills))

    def _is_opaque(self) -> bool:
        """Whether paint replaces what is under it."""
        return not self._masks and not any(self._groups)

    def _cover(self, box: Box) -> None:
        clip = self._clips[-1]
        box = overlap(box, clip.box)
        if clip.solid and short_side(box) >= LEAST_COVER:
            for stroke in self.painting.strokes:
                stroke.covered = stroke.covered or covers(box, stroke.visible)


def _box(rect: Any) -> Box:
    return rect.x0, rect.y0, rect.x1, rect.y1


def _transform(ctm: Any) -> Transform:
    return ctm.a, ctm.b, ctm.c, ctm.d, ctm.e, ctm.f
