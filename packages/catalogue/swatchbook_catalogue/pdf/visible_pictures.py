"""Measure how much of each picture a page shows, and find lost pictures, which no picture found covers (in the child).

The page is painted with every picture in one flat colour, and then with a few at a time in another: the difference is
what each contributes after clips, later paint and masks. What still looks like a picture on the flat page is lost: a
vector drawing, or the rest of a raster that was cut.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageFilter, ImageStat

from swatchbook_base.geometry import Box, area, clip, long_side, overlap
from swatchbook_catalogue.pdf.page_contract import Painted, Painting, PdfPage
from swatchbook_catalogue.pdf.transforms import Turn

PIXEL = 1.5  # points; half and twice of it give the same pictures
RIM = 2  # pixels; what shows no deeper inside its place looks out from under the picture that covers it
MOST_SIDE = 2_000  # pixels of a painted page; a larger page has larger pixels
MOST_RENDERS = 12  # times that a page is painted, three channels each; pictures that overlap cannot share a channel
FAINT = 25  # of 255; a picture with less alpha is not seen
SEAM = 64  # of 255; alpha that shines through where the edges of two pictures share a pixel, a × (1 − a)
GREY = 0.5  # pictures in grey show through a blend mode above them, whether it darkens or lightens


@dataclass(frozen=True)
class Seen:
    """The visible part of a picture: the box around it, its area in square points, and its mean alpha there (0–1)."""

    box: Box
    area: float
    opacity: float


UNSEEN = Seen((0.0, 0.0, 0.0, 0.0), 0.0, 0.0)


@dataclass(frozen=True)
class Found:
    """A picture found on a page."""

    number: int
    kind: str
    xref: int
    whole: Box
    place: Box  # what clips and the page's edge leave of `whole`
    seen: Seen
    scale: float  # the picture's own pixels a point
    picture: Painted | None = None  # None if what is seen of it is rendered
    turn: Turn = "none"  # the turn that makes what is rendered upright


def pixel_size(page: PdfPage) -> float:
    """Return the points of a page that a pixel of its flat painting covers."""
    return max(PIXEL, long_side(page.box) / MOST_SIDE)


def paint_flat(page: PdfPage) -> Image.Image:
    """Paint a page with every picture in one flat colour (mode RGB), a pixel for each `pixel_size`."""
    return page.paint_flat(pixel_size(page), ())


def see_pictures(page: PdfPage, places: Mapping[int, Box], flat: Callable[[], Image.Image]) -> dict[int, Seen]:
    """Return what is seen of each picture: `places` has, by its number in the order painted, the box where it can be.

    `flat` gives what `paint_flat` returns; it is asked only where there are pictures. Pictures for which the page would
    have to be painted more than `MOST_RENDERS` times are left out.
    """
    pixel = pixel_size(page)
    within = {number: clip(box, page.box) for number, box in places.items()}
    channels = _share_channels({number: box for number, box in within.items() if area(box)}, apart=2 * pixel)
    seen = {number: UNSEEN for number, box in within.items() if not area(box)}
    if not channels:
        return seen
    base = flat()
    for first in range(0, len(channels), 3):
        shared = channels[first : first + 3]
        difference = ImageChops.difference(page.paint_flat(pixel, shared), base)
        alphas = difference.point([min(255, round(value / GREY)) for value in range(256)] * 3).split()
        for numbers, alpha in zip(shared, alphas, strict=False):
            seen |= {number: _measure(alpha, within[number], pixel) for number in numbers}
    return seen


def _share_channels(boxes: Mapping[int, Box], apart: float) -> list[list[int]]:
    """Distribute pictures over colour channels so that those of one channel do not touch."""
    channels: list[list[int]] = []
    for number, (x0, y0, x1, y1) in boxes.items():
        around = (x0 - apart, y0 - apart, x1 + apart, y1 + apart)
        free = (channel for channel in channels if not any(area(overlap(around, boxes[n])) for n in channel))
        channel = next(free, None)
        if channel is not None:
            channel.append(number)
        elif len(channels) < 3 * (MOST_RENDERS - 1):
            channels.append([number])
    return channels


def _measure(alpha: Image.Image, box: Box, pixel: float) -> Seen:
    """Return the part of the alpha (mode L) that lies in a box."""
    x0, y0 = max(0, round(box[0] / pixel) - 1), max(0, round(box[1] / pixel) - 1)
    x1, y1 = min(alpha.width, round(box[2] / pixel) + 1), min(alpha.height, round(box[3] / pixel) + 1)
    part = alpha.crop((x0, y0, x1, y1))
    faint = part.point([255 * (value > FAINT) for value in range(256)])
    broad = faint.filter(ImageFilter.MinFilter(3)).filter(ImageFilter.MaxFilter(3))  # without seams
    shown = ImageChops.lighter(broad, part.point([255 * (value > SEAM) for value in range(256)]))
    around = shown.getbbox()
    depth = RIM + 1 if min(shown.size) > 4 * RIM else 0
    inside = shown.crop((depth, depth, shown.width - depth, shown.height - depth))
    if not around or not inside.getbbox():
        return UNSEEN
    seen: Box = (
        (x0 + around[0]) * pixel,
        (y0 + around[1]) * pixel,
        (x0 + around[2]) * pixel,
        (y0 + around[3]) * pixel,
    )
    share = inside.histogram()[255] / (inside.width * inside.height)
    return Seen(_snap(seen, box, pixel), share * area(box), ImageStat.Stat(part, shown).mean[0] / 255)


def _snap(seen: Box, box: Box, pixel: float) -> Box:
    """Move the sides of a seen box, which are whole pixels, to the sides of the place that are about a pixel away."""
    sides = (to if abs(side - to) <= 1.5 * pixel else side for side, to in zip(seen, box, strict=True))
    return clip(tuple(sides), box)  # type: ignore[arg-type]  # four sides


# --- lost pictures ----------------------------------------------------------------------------------------------------


FEWEST_PATHS = 20  # paths and shadings of a page that is searched: fewer draw a sign, a panel or a table
MOST_PATHS = 100_000  # paths of a page that is searched: more take over a second to paint


def find_lost(
    page: PdfPage, painting: Painting, *, flat: Callable[[], Image.Image], known: Sequence[Box], cut: Sequence[Box]
) -> list[tuple[Box, str | None]]:
    """Return the boxes of a page's lost pictures, in points, each with its perceptual hash.

    `flat` gives the page with its pictures in a flat colour; it is asked only where something may be lost. `known` are
    the boxes of the pictures found and of lines that were read, `cut` those of rasters of which only parts were found.
    """
    paths = painting.paths + sum(picture.gradient for picture in painting.pictures)
    if paths > MOST_PATHS or (paths < FEWEST_PATHS and not cut):
        return []
    import numpy as np  # 0.1 s: few pages need it

    from swatchbook_catalogue.pdf.picture_like import look_of, pictures_seen

    seen, scale = flat().copy(), 1 / pixel_size(page)
    for box in cut:
        seen.paste(page.render(box, scale), (round(box[0] * scale), round(box[1] * scale)))
    boxes = pictures_seen(np.asarray(seen), [*page.word_boxes(), *known], scale=scale)
    return [(box, look_of(seen, box, scale)) for box in boxes]
