"""Trace what a page paints: its pictures and gradients in order, the box that clips leave of each, and which of them
stand in a mask, in a tiling pattern, or are stencils. What is seen of a picture: `visible.py`. It runs in the child.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pymupdf import mupdf

from swatchbook.geometry import UNIT_SQUARE, Box, Transform, clip, compose, finite, finite_box, overlap, transform_box

EVERYWHERE: Box = (-math.inf, -math.inf, math.inf, math.inf)
NOWHERE: Box = (0.0, 0.0, 0.0, 0.0)
LEAST_ALPHA = 0.5  # `get_image_info()` takes fainter pictures and gradients for watermarks and leaves them out


@dataclass(frozen=True)
class Stroke:
    """A picture or shading as painted; its boxes and transform as the page is shown."""

    shading: bool = False
    clip: Box = EVERYWHERE  # of a picture in a pattern: what the pattern fills
    stencil: bool = False  # its object has only a shape; the colour is the page's
    tiled: bool = False  # painted in a tiling pattern: its transform does not say where


@dataclass
class Painting:
    """Pictures and shadings in the order painted, as `get_image_info()` lists them."""

    strokes: list[Stroke] = field(default_factory=list)
    paths: int = 0


class Painted(NamedTuple):
    """A picture as a page paints it: `records.Drawn` before it leaves the child."""

    number: int
    bbox: Box
    width: int
    height: int
    colorspace: int
    bits: int
    has_mask: bool
    size: int
    transform: Transform
    gradient: bool


def list_pictures(page: Any, infos: Sequence[dict[str, Any]], painting: Painting) -> Iterator[Painted]:
    """Return the pictures that a page paints, in order, each with the box left visible by clips and the page's edge."""
    as_shown: Transform = tuple(page.rotation_matrix)
    for number, (info, stroke) in enumerate(zip(infos, list_strokes(infos, painting), strict=True)):
        transform = compose(info["transform"], as_shown)
        yield Painted(
            number=number,
            bbox=finite_box(clip(_place(transform, stroke), tuple(page.rect))),
            width=info["width"],
            height=info["height"],
            colorspace=info["colorspace"],
            bits=info["bpc"],
            has_mask=info["has-mask"],
            size=info["size"],
            transform=finite(transform),
            gradient=stroke.shading,
        )


def list_strokes(infos: Sequence[dict[str, Any]], painting: Painting) -> Sequence[Stroke]:
    """Return how each picture is painted; nothing is known of it if the two counts of pictures differ."""
    return painting.strokes if len(painting.strokes) == len(infos) else [Stroke()] * len(infos)


def _place(transform: Transform, stroke: Stroke) -> Box:
    """Return the box in which a picture can be seen, before the page's edge."""
    return stroke.clip if stroke.tiled else overlap(transform_box(UNIT_SQUARE, transform), stroke.clip)


def trace_painting(page: Any) -> Painting:
    """Interpret a page and return what it paints."""
    device = Tracer()
    mupdf.fz_run_page(page.this, device, mupdf.FzMatrix(), mupdf.FzCookie())
    mupdf.fz_close_device(device)
    return device.painting


class Tracer(mupdf.FzDevice2):  # type: ignore[misc]  # the bindings have no types
    """MuPDF calls these methods as it interprets the page; each clip and each mask ends with one `pop_clip`."""

    def __init__(self) -> None:
        super().__init__()
        self.painting = Painting()
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

    def fill_image(self, _ctx: Any, _image: Any, _ctm: Any, alpha: float, *_: Any) -> None:
        self._stroke(alpha)

    def fill_image_mask(
        self, _ctx: Any, _image: Any, _ctm: Any, _space: Any, _color: Any, alpha: float, *_: Any
    ) -> None:
        self._stroke(alpha, stencil=True)

    def fill_shade(self, _ctx: Any, _shade: Any, _ctm: Any, alpha: float, *_: Any) -> None:
        self._stroke(alpha, shading=True)

    def clip_path(self, _ctx: Any, path: Any, _rule: Any, ctm: Any, _scissor: Any) -> None:
        self._clip(_box(mupdf.ll_fz_bound_path(path, None, ctm)))

    def clip_stroke_path(self, _ctx: Any, path: Any, stroke: Any, ctm: Any, _scissor: Any) -> None:
        self._clip(_box(mupdf.ll_fz_bound_path(path, stroke, ctm)))

    def clip_text(self, _ctx: Any, text: Any, ctm: Any, _scissor: Any) -> None:
        self._clip(_box(mupdf.ll_fz_bound_text(text, None, ctm)))

    def clip_stroke_text(self, _ctx: Any, text: Any, stroke: Any, ctm: Any, _scissor: Any) -> None:
        self._clip(_box(mupdf.ll_fz_bound_text(text, stroke, ctm)))

    def clip_image_mask(self, _ctx: Any, _image: Any, ctm: Any, _scissor: Any) -> None:
        self._clip(transform_box(UNIT_SQUARE, to_transform(ctm)))

    def begin_mask(self, _ctx: Any, around: Any, *_: Any) -> None:
        self._masks += 1
        self._clip(_box(around))

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

    def _stroke(self, alpha: float, *, shading: bool = False, stencil: bool = False) -> None:
        """Record a picture or shading; one painted into a mask is invisible."""
        if alpha >= LEAST_ALPHA:
            clip = NOWHERE if self._masks else self._tiles[-1] if self._tiles else self._clips[-1]
            self.painting.strokes.append(Stroke(shading, clip, stencil, tiled=bool(self._tiles)))


def _box(rect: Any) -> Box:
    return rect.x0, rect.y0, rect.x1, rect.y1


def to_transform(ctm: Any) -> Transform:
    """Return MuPDF's matrix as a transform."""
    return ctm.a, ctm.b, ctm.c, ctm.d, ctm.e, ctm.f
