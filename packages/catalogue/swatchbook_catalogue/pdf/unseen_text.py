"""Find the text of a page that is not visible: in the colour of its ground, under later paint, or painted invisibly.

A page that gives cause for suspicion is painted twice, with its text and without: where both are the same, no text is
seen. Pictures are plain grey in both.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from swatchbook_base.geometry import Box, area, centre_inside, overlap, short_side
from swatchbook_catalogue.pdf.page_contract import EVERYWHERE

if TYPE_CHECKING:  # few pages need it
    from PIL.Image import Image

    Paint = Callable[[float, bool], Image]

LIGHT = 0xE0  # of 255, in each channel: text this light may be on the white of the page
MOST_PAIRS = 200_000  # pairs of text and later paint compared on a page; with more, all text counts as painted over
LEAST_PAINT = 4.0  # points; paint with a shorter side, such as a rule, covers no text
LEAST_ALPHA = 0.5  # text under fainter paint can be read
PIXEL = 2.0  # points; half of it gives the same texts
MOST_SIDE = 1_000  # pixels of a painted page; a larger page has larger pixels
SEEN = 10  # of 255: a smaller difference is not visible; thin grey letters of 4 points make one of 20
SCAN = 0.5  # share of the page: a larger picture may be a scan, and the text under or in it is what it shows
FILLED_OR_STROKED, CLIP = 16 | 32, 64  # bits of `char_flags`; a clip shows the paint that follows


@dataclass
class Grounds:
    """The boxes that a page paints under its text, so that light text is seen there, and over earlier text."""

    dark: list[Box] = field(default_factory=list)
    over_text: list[Box] = field(default_factory=list)
    _texts: list[Box] = field(default_factory=list)
    _pairs: int = 0

    def add_text(self, box: Box) -> None:
        self._texts.append(box)

    def add_paint(self, box: Box, alpha: float, *, light: bool = False) -> None:
        if alpha < LEAST_ALPHA or short_side(box) < LEAST_PAINT:
            return
        if not light:
            self.dark.append(box)
        self._pairs += len(self._texts)
        texts = self._texts if self._pairs <= MOST_PAIRS else [EVERYWHERE]
        self.over_text += [under for text in texts if short_side(under := overlap(box, text)) >= LEAST_PAINT]


def find_unseen(
    spans: Sequence[dict[str, Any]], grounds: Grounds, pictures: Sequence[Box], page: Box, paint: "Paint"
) -> set[int]:
    """Return the indices of invisible spans; a layer of text for what a picture or outlines show counts as seen.

    A span has `bbox`, `text`, `color`, `alpha` and `char_flags` (16: filled, 32: stroked, 64: a clip). `paint` paints
    the page with grey pictures, `pixel` points a pixel, with its text or without.
    """
    suspects = [n for n, span in enumerate(spans) if _is_suspect(span, grounds)]
    if not suspects:
        return set()
    from PIL import ImageChops  # few pages need it

    pixel = max(PIXEL, max(page[2:]) / MOST_SIDE)
    bare = paint(pixel, False)
    text = ImageChops.difference(paint(pixel, True), bare)
    unseen = {n for n in suspects if not _is_inked(spans[n]) or _contrast(text, spans[n]["bbox"], pixel) < SEEN}
    scans = [box for box in pictures if area(box) > SCAN * area(page)] if len(unseen) == len(spans) else []

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
