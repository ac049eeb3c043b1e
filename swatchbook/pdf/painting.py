"""What a page paints, and how much of each picture its clips leave. For the child alone: it runs MuPDF."""

import math
from dataclasses import dataclass, field
from typing import Any

from pymupdf import mupdf

from swatchbook.pdf.geometry import UNIT, moved, overlap
from swatchbook.records import Box

EVERYWHERE: Box = (-math.inf, -math.inf, math.inf, math.inf)
NOWHERE: Box = (0.0, 0.0, 0.0, 0.0)


@dataclass
class Painted:
    """Pictures and shadings in the order painted, as `get_image_info()` lists them; boxes as the page is shown."""

    pictures: list[tuple[bool, Box]] = field(default_factory=list)  # is it a shading; the box of clips it stands in
    paths: int = 0


def painted(page: Any) -> Painted:
    """Run a page and note what it paints."""
    device = _Device()
    mupdf.fz_run_page(page.this, device, mupdf.FzMatrix(), mupdf.FzCookie())
    mupdf.fz_close_device(device)
    return device.seen


class _Device(mupdf.FzDevice2):  # type: ignore[misc]  # the bindings have no types
    """MuPDF calls these as it interprets the page; each clip and each mask is ended by one `pop_clip`."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = Painted()
        self._clips = [EVERYWHERE]
        self._masks = 0
        for call in (
            *("fill_path", "stroke_path", "fill_image", "fill_image_mask", "fill_shade", "pop_clip"),
            *("clip_path", "clip_stroke_path", "clip_text", "clip_stroke_text", "clip_image_mask"),
            *("begin_mask", "end_mask"),
        ):
            getattr(self, f"use_virtual_{call}")()

    def fill_path(self, *_: Any) -> None:
        self.seen.paths += 1

    def stroke_path(self, *_: Any) -> None:
        self.seen.paths += 1

    def fill_image(self, *_: Any) -> None:
        self._picture(False)

    def fill_image_mask(self, *_: Any) -> None:
        self._picture(False)

    def fill_shade(self, *_: Any) -> None:
        self._picture(True)

    def clip_path(self, _ctx: Any, path: Any, _even_odd: Any, ctm: Any, _scissor: Any) -> None:
        self._clip(mupdf.ll_fz_bound_path(path, None, ctm))

    def clip_stroke_path(self, _ctx: Any, path: Any, stroke: Any, ctm: Any, _scissor: Any) -> None:
        self._clip(mupdf.ll_fz_bound_path(path, stroke, ctm))

    def clip_text(self, _ctx: Any, text: Any, ctm: Any, _scissor: Any) -> None:
        self._clip(mupdf.ll_fz_bound_text(text, None, ctm))

    def clip_stroke_text(self, _ctx: Any, text: Any, stroke: Any, ctm: Any, _scissor: Any) -> None:
        self._clip(mupdf.ll_fz_bound_text(text, stroke, ctm))

    def clip_image_mask(self, _ctx: Any, _image: Any, ctm: Any, _scissor: Any) -> None:
        self._clip_to(moved(UNIT, (ctm.a, ctm.b, ctm.c, ctm.d, ctm.e, ctm.f)))

    def begin_mask(self, _ctx: Any, area: Any, *_: Any) -> None:
        self._masks += 1
        self._clip(area)

    def end_mask(self, *_: Any) -> None:
        self._masks -= 1  # its clip goes on until popped

    def pop_clip(self, *_: Any) -> None:
        if len(self._clips) > 1:
            self._clips.pop()

    def _clip(self, rect: Any) -> None:
        self._clip_to((rect.x0, rect.y0, rect.x1, rect.y1))

    def _clip_to(self, box: Box) -> None:
        self._clips.append(overlap(self._clips[-1], box))

    def _picture(self, shading: bool) -> None:
        """What is painted into a mask is no picture that anyone sees."""
        self.seen.pictures.append((shading, NOWHERE if self._masks else self._clips[-1]))
