"""The pictures within one raster that shows several: on flat ground (a fifth of it in one colour, and half of its
edge, or what most of many lines stand on), beside two lines of text or more. A region is a connected part that is not
ground, no text, no rule and no frame, of 18 points and 0.15 % of the page at least; photographs are cut at straight
gutters, however narrow. Composed photographs have no such ground and stay whole.

Pure functions of pixels. On flat ground 140 of 142 captioned products of real catalogues had their own region.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from swatchbook.geometry import area, bounding_box, centre_inside, covers, long_side, move, shared_area, short_side
from swatchbook.records import Box

GROUND_SHARE = 0.2  # of a raster's pixels that have the colour of its ground
GROUND_EDGE = 0.5  # of a raster's edge: a sky or a wall touches two sides, a ground all
TEXT_ON_GROUND = 0.5  # of many lines: what they stand on is the ground, though photographs fill the raster's edge
ALL_AROUND, LEAST_SHARE_AROUND = 0.9, 0.12  # the same where the ground is nearly the whole edge
RIM = 10  # points at the edge of a raster that may be a thin frame
DIFFERENT = 14  # of 255, in any channel: a pixel that is not ground
FEWEST_TEXTS = 2  # lines of text on the ground
LEAST_SIDE, LEAST_SHARE = 18.0, 0.0015  # points; of the page
JOINED = 5  # points between parts of one picture
GUTTER, GUTTER_FILLED = 1, 0.1  # points between photographs; of its length that may be filled
PHOTOGRAPH, MOSTLY = 0.85, 0.8  # of its box that a photograph fills; of a part that photographs are
PLATE, LONG_PLATE = 2.5, 3.0  # times its line of text: a flat box so high about a name, and so long, is a plate; others
# may be swatches
PLATE_REACH = 2  # times the length of its line, on either side
PLATE_RIM = 9  # points about a plate, on both sides together, of its soft edge and its shadow
LONGEST = 6.0  # times its short side: longer ones are rules and bands, unless they are drawn in thin lines
THIN_LINES, LONGEST_DRAWING = 0.25, 12.0  # of its box that a drawing fills; sections of profiles are long
FRAME_SHARE = 0.6  # of a part's pixels that lie at the edge of its box: then it is a frame
FRAME_WIDTH = 4  # points of such an edge
TEXT_SHARE = 0.2  # of its box that lines of text cover: then it is a table or a panel, unless it is as varied as this:
MOST_FLAT = 0.72  # of what is neither text nor ground in two colours; packages with their price tags have up to 0.70
LEAST_VARIETY = 1.0  # colours for each pixel of the side of a square as large; titles and tables have half as many
FLAT_PLATE = 0.8  # of the edge of a line's box in one colour: it is a name on a plate
MOST_BAND = 0.15  # of a raster's width or height: bands of colour along its sides, heads and feet of the page
BAND_GROUND = 0.1  # of a row of pixels of such a band may be ground: letters in it
WHOLE = 0.8  # of the raster: a region that is the raster is no part of it
FEWEST_THINGS, LEAST_THING = 2, 36.0  # of a raster whose print is read; points: letters of titles are smaller
SHEET, FEWEST_ON_SHEET = 0.15, 3  # of the page; pictures on it, else it may be a package with print
LEAST_PANEL, ON_PANEL = 80.0, 0.05  # points; of a panel that each of the goods on it covers
CAPTION_REACH = 40.0  # points below a panel
MOST_LINES = 200  # of text whose ground is looked at
DEEPEST = 2  # times that a rim or the ground about a sheet is taken off
SHOWN = 0.03  # of the raster that its pictures cover; specks of a marble slab, a swatch with its name, cover less,
PAGE_OF_TEXT = 8  # but neither has so many lines of text: they are of a page with few pictures
CARD_FRAME, CARD_BAND = 3, 0.3  # points of the frame of a card; of its height, a plate with a name along a side
CARD_SHARE, CARD_EDGE = 0.3, 0.5  # of a part, and of its edge within its frame, that is ground: then it is a card
CARD_SIDES = 0.6  # of the left and of the right side of its box that its frame fills
CARD_WHOLE = 0.9  # of what is within a card: if its pictures hold less, they are fragments
FEWEST_SWATCHES, ALIKE = 6, 0.15  # of one size; of which their sizes differ
CAPTION_BELOW, SLACK = 0.6, 4.0  # of the height of a swatch between it and its caption; points
SHARED = 0.1  # of another that a swatch may cover
PALE, BESIDE = 2, 4  # of 255: the least difference of a swatch and its ground; points between them
ORNAMENT = 0.35  # of its box that a part as large as the raster fills: frames and curves about the pictures; others are
# a sheet that lies on another ground


def find_regions(pixels: NDArray[np.uint8], texts: Sequence[Box], page_area: float) -> list[Box]:
    """Return the boxes of the pictures in a raster, none if it stays whole.

    `pixels` are height × width × 3 with a pixel a point, `texts` the boxes of lines on it, in pixels; `page_area` is in
    square points.
    """
    return add_pale_swatches(pixels, _find_regions(pixels, texts, page_area, depth=0), texts)


def _find_regions(pixels: NDArray[np.uint8], texts: Sequence[Box], page_area: float, *, depth: int) -> list[Box]:
    """Return the boxes of the pictures on the ground of a raster. Where there is no ground at the edge, it is looked
    for within a rim; `depth`: how often rims and the grounds of sheets were taken off already.
    """
    grounds = ground_colours(pixels, texts)
    if not grounds:
        raster = (0.0, 0.0, float(pixels.shape[1]), float(pixels.shape[0]))
        return _regions_within(pixels, raster, texts, page_area, RIM, depth) if not depth else []
    found = [_regions_on(ground, pixels, texts, page_area, depth) for ground in grounds]
    if len(found) == 1:
        return found[0]
    bare = [[box for box in boxes if not _text_share(box, texts) and _is_varied(pixels, None, box)] for boxes in found]
    return max(zip(map(len, bare), map(len, found), found, strict=True), key=lambda each: each[:2])[2]


def add_pale_swatches(pixels: NDArray[np.uint8], regions: Sequence[Box], texts: Sequence[Box]) -> list[Box]:
    """Return regions and the swatches of a colour chart that have nearly the colour of its ground: where most regions
    have one size and a caption right below, another caption in their columns has a swatch above it, too.

    Fragments of such a swatch are left out.
    """
    swatches = _alike(regions)
    captioned = [(box, caption) for box in swatches if (caption := _caption_below(box, texts))]
    if len(swatches) < max(FEWEST_SWATCHES, MOSTLY * len(regions)) or len(captioned) < MOSTLY * len(swatches):
        return list(regions)
    width, height = (float(np.median([box[n + 2] - box[n] for box in swatches])) for n in (0, 1))
    gap = float(np.median([caption[1] - box[3] for box, caption in captioned]))
    taken, pale = [*swatches, *texts], list[Box]()
    for text in texts:
        left = next((box[0] for box, caption in captioned if _is_in_column(text, caption)), None)
        if left is None:
            continue
        box = (left, text[1] - gap - height, left + width, text[1] - gap)
        is_free = all(shared_area(box, other) <= SHARED * area(other) for other in (*taken, *pale))
        if is_free and box[1] >= 0 and _is_pale(pixels, box):
            pale.append(box)
    kept = [box for box in regions if not any(centre_inside(box, other) for other in pale)]
    return sorted([*kept, *pale], key=lambda box: (box[1], box[0]))


def _alike(regions: Sequence[Box]) -> list[Box]:
    """Return the regions that have nearly the width and the height of most."""
    if not regions:
        return []
    sizes = np.array([(x1 - x0, y1 - y0) for x0, y0, x1, y1 in regions])
    usual = np.median(sizes, axis=0)
    alike = (np.abs(sizes - usual) <= ALIKE * usual).all(axis=1)
    return [box for box, is_alike in zip(regions, alike, strict=True) if is_alike]


def _caption_below(box: Box, texts: Sequence[Box]) -> Box | None:
    """Return the uppermost line of text right below a box."""
    reach = box[0], box[3] - SLACK, box[2], box[3] + CAPTION_BELOW * (box[3] - box[1])
    return min((text for text in texts if centre_inside(text, reach)), key=lambda text: text[1], default=None)


def _is_in_column(text: Box, caption: Box) -> bool:
    """Whether a line begins where a caption begins, or has its middle there."""
    same_left = abs(text[0] - caption[0]) <= SLACK
    return same_left or abs(text[0] + text[2] - caption[0] - caption[2]) <= 2 * SLACK


def _is_pale(pixels: NDArray[np.uint8], box: Box) -> bool:
    """Whether a box has another colour than what is left and right of it, be it ever so pale."""
    left, top, right, bottom = (round(side) for side in box)
    inside = pixels[top:bottom, left + BESIDE : right - BESIDE].reshape(-1, 3)
    on_left, on_right = (
        pixels[top:bottom, max(0, left - 2 * BESIDE) : left - BESIDE],
        pixels[top:bottom, right + BESIDE :],
    )
    beside = np.concatenate((on_left, on_right[:, :BESIDE]), axis=1).reshape(-1, 3)
    if not inside.size or not beside.size:
        return False
    return bool(np.abs(np.median(inside, axis=0) - np.median(beside, axis=0)).max() >= PALE)


def holds_several(pixels: NDArray[np.uint8], page_area: float) -> bool:
    """Whether a raster, of which no print is read yet, shows several things on flat ground: it is worth reading."""
    ground = next(iter(ground_colours(pixels, ())), None)
    if ground is None:
        return False
    different = _differs(pixels, ground)
    _clear_bands(different)
    things = [
        box
        for box, *_ in _parts(different)
        if short_side(box) >= LEAST_THING
        and LEAST_SHARE * page_area <= area(box) <= WHOLE * different.size
        and long_side(box) <= LONGEST * short_side(box)
    ]
    return len(things) >= FEWEST_THINGS


def _differs(pixels: NDArray[np.uint8], ground: NDArray[np.int16]) -> NDArray[np.bool_]:
    different: NDArray[np.bool_] = (np.abs(pixels.astype(np.int16) - ground) > DIFFERENT).any(axis=2)
    return different


def _regions_on(
    ground: NDArray[np.int16], pixels: NDArray[np.uint8], texts: Sequence[Box], page_area: float, depth: int
) -> list[Box]:
    """Return the boxes of the pictures that stand on a ground."""
    raster = (0.0, 0.0, float(pixels.shape[1]), float(pixels.shape[0]))
    different = _differs(pixels, ground)
    on_ground = [text for text in texts if _stands_on_ground(different, text)]
    if sum(text in on_ground or _is_on_plate(pixels, text) for text in texts) < FEWEST_TEXTS:
        return []
    _clear_bands(different)
    _clear_plates(different, pixels, [text for text in texts if text not in on_ground])
    pictured = _without(different, texts)
    found = _parts(_without(different, on_ground))
    large = next((box for box, filled, _ in found if area(box) > WHOLE * area(raster) and filled > ORNAMENT), None)
    if large and depth < DEEPEST and (on_sheet := _regions_within(pixels, large, texts, page_area, FRAME_WIDTH, depth)):
        return on_sheet
    found = [each for part in found for each in _on_card(different, part, on_ground, page_area)]
    parts = [
        box
        for box, filled, at_edge in found
        if short_side(box) >= LEAST_SIDE
        and area(box) >= LEAST_SHARE * page_area
        and long_side(box) <= (LONGEST_DRAWING if filled <= THIN_LINES else LONGEST) * short_side(box)
        and not (at_edge > FRAME_SHARE and any(covers(box, text) for text in texts))
        and area(box) <= WHOLE * area(raster)
        and (_text_share(box, texts) <= TEXT_SHARE or _is_varied(pixels, pictured, box))
    ]
    if sum(map(area, parts)) < SHOWN * area(raster) and len(texts) < PAGE_OF_TEXT:
        return []
    parts = [each for part in parts for each in _of_sheet(pixels, part, texts, page_area, depth)]
    parts = [each for part in parts for each in _of_panel(pixels, part, texts)]
    return sorted(_without_nested(parts), key=lambda box: (box[1], box[0]))


def _of_sheet(pixels: NDArray[np.uint8], part: Box, texts: Sequence[Box], page_area: float, depth: int) -> list[Box]:
    """Return the pictures on a part that is a sheet of its own, such as a page of a spread; else the part."""
    if area(part) < SHEET * page_area or depth >= DEEPEST or sum(covers(part, text) for text in texts) < FEWEST_TEXTS:
        return [part]
    on_it = _regions_within(pixels, part, texts, page_area, FRAME_WIDTH, depth)
    return on_it if len(on_it) >= FEWEST_ON_SHEET else [part]


def _of_panel(pixels: NDArray[np.uint8], part: Box, texts: Sequence[Box]) -> list[Box]:
    """Return the goods side by side on a part that is a flat panel without print, if the line of text below it has a
    caption for each; else the part.
    """
    reach = part[0], part[3], part[2], part[3] + CAPTION_REACH
    below = [text for text in texts if centre_inside(text, reach)]
    if short_side(part) < LEAST_PANEL or not below or any(shared_area(part, text) for text in texts):
        return [part]
    first = min(below, key=lambda text: text[1])
    captions = [text for text in below if text[1] < first[3]]
    left, top, right, bottom = (round(side) for side in part)
    left, top, right, bottom = left + FRAME_WIDTH, top + FRAME_WIDTH, right - FRAME_WIDTH, bottom - FRAME_WIDTH
    panel = pixels[top:bottom, left:right]
    ground, on_edge = _usual_colour(np.concatenate((panel[0], panel[-1], panel[:, 0], panel[:, -1])))
    if on_edge < ALL_AROUND:
        return [part]
    goods = [move(box, left, top) for box, *_ in _parts(_differs(panel, ground)) if area(box) >= ON_PANEL * area(part)]
    of_each = [{n for n, box in enumerate(goods) if _meet(caption, box)} for caption in captions]
    own = {n for found in of_each for n in found}
    alone = all(len(found) == 1 for found in of_each)
    return goods if alone and len(goods) >= FEWEST_TEXTS and len(own) == len(goods) else [part]


def _meet(a: Box, b: Box) -> bool:
    """Whether two boxes are above each other, in part at least."""
    return a[0] < b[2] and b[0] < a[2]


def _regions_within(
    pixels: NDArray[np.uint8], part: Box, texts: Sequence[Box], page_area: float, rim: int, depth: int
) -> list[Box]:
    """Return the pictures in a part of a raster, without its outermost pixels (`rim`): on a sheet that lies on another
    ground, or within a thin frame.
    """
    left, top, right, bottom = (round(side) for side in part)
    left, top, right, bottom = left + rim, top + rim, right - rim, bottom - rim
    if min(right - left, bottom - top) < LEAST_SIDE:
        return []
    moved = [move(text, -left, -top) for text in texts]
    inside = _find_regions(pixels[top:bottom, left:right], moved, page_area, depth=depth + 1)
    return [move(box, left, top) for box in inside]


def ground_colours(pixels: NDArray[np.uint8], texts: Sequence[Box]) -> list[NDArray[np.int16]]:
    """Return the colours on which the pictures of a raster may stand, none if it has no flat ground: the most frequent
    colour of its edge, as pictures may cover more of it than its ground, and that on which most of many lines stand.
    """
    found = []
    ground, on_edge = _usual_colour(np.concatenate((pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1])))
    least = LEAST_SHARE_AROUND if on_edge >= ALL_AROUND else GROUND_SHARE
    if _share(pixels, ground) >= least and on_edge >= GROUND_EDGE:
        found.append(ground)
    under = [np.median(edge, axis=0) for text in texts[:MOST_LINES] if (edge := _edge(pixels, text)).size]
    if len(under) >= PAGE_OF_TEXT:
        ground, on_it = _middle_colour(np.array(under, np.int16))
        if on_it >= TEXT_ON_GROUND and _share(pixels, ground) >= GROUND_SHARE:
            found.append(ground)
    return found


def _middle_colour(colours: NDArray[np.int16]) -> tuple[NDArray[np.int16], float]:
    """Return the colour from which most of a few differ little (those of a page and its panels), and their share."""
    near = (np.abs(colours[:, None] - colours[None]) <= DIFFERENT).all(axis=-1)
    group = near[int(near.sum(axis=1).argmax())]
    return np.median(colours[group], axis=0).astype(np.int16), float(group.mean())


def _usual_colour(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.int16], float]:
    """Return the most frequent colour of pixels in a row, and which share of them has it."""
    bins = (pixels >> 4).astype(np.uint32)
    codes = (bins[:, 0] << 8) | (bins[:, 1] << 4) | bins[:, 2]
    colour = np.median(pixels[codes == np.bincount(codes).argmax()], axis=0).astype(np.int16)
    return colour, _share(pixels, colour)


def _share(pixels: NDArray[np.uint8], colour: NDArray[np.int16]) -> float:
    """Return which share of pixels has a colour."""
    return float((np.abs(pixels.astype(np.int16) - colour) <= DIFFERENT).all(axis=-1).mean())


def _clear_bands(different: NDArray[np.bool_], most_of_side: float = MOST_BAND) -> None:
    """Make ground of the bands of colour along the sides of a raster, so that they join no pictures."""
    for side in (different, different[::-1], different.T, different.T[::-1]):
        most = int(most_of_side * side.shape[0])
        filled = side[: most + 1].mean(axis=1) > 1 - BAND_GROUND
        if filled[0] and not filled.all():
            side[: int(filled.argmin())] = False


def _clear_plates(different: NDArray[np.bool_], pixels: NDArray[np.uint8], texts: Sequence[Box]) -> None:
    """Make ground of the flat plates on which names stand, so that they join no pictures."""
    raster = (0.0, 0.0, float(pixels.shape[1]), float(pixels.shape[0]))
    soft = np.ones((PLATE_RIM, PLATE_RIM), np.uint8)
    for text in texts:
        if not (covers(raster, text) and _is_on_plate(pixels, text)):
            continue
        left, top, right, bottom = (int(side) for side in text)
        wide, high = PLATE_REACH * (right - left), int(PLATE * (bottom - top)) + 1
        x0, y0 = max(0, left - wide), max(0, top - high)
        part = pixels[y0 : bottom + high, x0 : right + wide].astype(np.int16)
        colour = np.median(_edge(pixels, text), axis=0)
        flat = (np.abs(part - colour) <= DIFFERENT).all(axis=2).astype(np.uint8)
        flat[top - y0 : bottom - y0, left - x0 : right - x0] = 1
        _, labels, found, _ = cv2.connectedComponentsWithStats(flat, connectivity=4)
        plate = labels[(top + bottom) // 2 - y0, (left + right) // 2 - x0]
        _, _, width, height, _ = found[plate]
        if height <= high and width >= LONG_PLATE * height:
            around = cv2.dilate((labels == plate).astype(np.uint8), soft) > 0
            different[y0 : bottom + high, x0 : right + wide][around] = False


def _without(different: NDArray[np.bool_], texts: Sequence[Box]) -> NDArray[np.bool_]:
    """Return what differs from the ground outside lines of text."""
    rest = different.copy()
    for left, top, right, bottom in texts:
        rest[max(0, int(top) - 1) : int(bottom) + 2, max(0, int(left) - 1) : int(right) + 2] = False
    return rest


def _text_share(box: Box, texts: Sequence[Box]) -> float:
    return sum(shared_area(box, text) for text in texts) / area(box)


def _is_varied(pixels: NDArray[np.uint8], pictured: NDArray[np.bool_] | None, box: Box) -> bool:
    """Whether a part with much text on it has the colours of a picture beside its text (where it is `pictured`):
    packages are full of text.
    """
    left, top, right, bottom = map(int, box)
    part = pixels[top:bottom, left:right].reshape(-1, 3)
    if pictured is not None:
        part = part[pictured[top:bottom, left:right].reshape(-1)]
    bins = (part >> 4).astype(np.uint32)
    if not bins.size:
        return False
    counts = np.sort(np.bincount((bins[:, 0] << 8) | (bins[:, 1] << 4) | bins[:, 2]))
    is_flat = counts[-2:].sum() > MOST_FLAT * counts.sum()
    return bool(not is_flat and np.count_nonzero(counts) >= LEAST_VARIETY * area(box) ** 0.5)


def _stands_on_ground(different: NDArray[np.bool_], text: Box) -> bool:
    """Whether the edge of a line's box is ground: else it is printed on a product."""
    edge = _edge(different, text)
    return bool(edge.size and edge.mean() < 1 - GROUND_EDGE)


def _is_on_plate(pixels: NDArray[np.uint8], text: Box) -> bool:
    """Whether a line's box lies on one flat colour."""
    edge = _edge(pixels, text).astype(np.int16)
    return bool(edge.size and (np.abs(edge - np.median(edge, axis=0)) <= DIFFERENT).all(axis=1).mean() >= FLAT_PLATE)


def _edge(pixels: NDArray[Any], text: Box) -> NDArray[Any]:
    left, top, right, bottom = (int(value) for value in text)
    part = pixels[max(0, top - 1) : bottom + 2, max(0, left - 1) : right + 2]
    return (
        np.concatenate((part[0], part[-1], part[:, 0], part[:, -1])) if part.size else part.reshape(0, *part.shape[2:])
    )


def _parts(different: NDArray[np.bool_]) -> list[tuple[Box, float, float]]:
    """Return the boxes of connected parts, which share of each box is filled, and which share of its pixels lies at the
    edge of the box.
    """
    speck = np.ones((2, 2), np.uint8)
    mask = cv2.dilate(cv2.erode(different.astype(np.uint8), speck), speck, anchor=(0, 0))  # else all moves by a pixel
    closed = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((JOINED, JOINED), np.uint8))
    _, labels, found, _ = cv2.connectedComponentsWithStats(closed, connectivity=8)
    rows: Any = found[1:].tolist()  # the first is the ground
    parts = []
    for number, (left, top, width, height, count) in enumerate(rows, start=1):
        whole = (left, top, left + width, top + height)
        own = mask[top : top + height, left : left + width] & (
            labels[top : top + height, left : left + width] == number
        )
        photographs = _at_gutters(own, (0, 0, width, height))
        if _are_photographs(own, photographs):
            parts += [(_moved(each, left, top), _filled(own, each), 0.0) for each in photographs]
            continue
        within = labels[top + FRAME_WIDTH : top + height - FRAME_WIDTH, left + FRAME_WIDTH : left + width - FRAME_WIDTH]
        box = _moved(whole, 0, 0)
        parts.append((box, count / (width * height), 1 - float(np.count_nonzero(within == number)) / count))
    return parts


def _at_gutters(mask: NDArray[np.uint8], box: tuple[int, int, int, int]) -> list[tuple[int, int, int, int]]:
    """Return what lies between the straight gutters of a box, cut at all level ones, then the upright ones, and so on
    until there are none. Thin lines that stand out of a picture are left out as if they were gutters.
    """
    left, top, right, bottom = box
    part = mask[top:bottom, left:right]
    pieces = [(left, top + begin, right, top + end) for begin, end in _stretches(part.mean(axis=1))]
    if pieces == [box]:
        pieces = [(left + begin, top, left + end, bottom) for begin, end in _stretches(part.mean(axis=0))]
    return [box] if pieces == [box] else [each for piece in pieces for each in _at_gutters(mask, piece)]


def _stretches(filled: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Return begin and end of the stretches of rows or columns that gutters part."""
    at = np.flatnonzero(filled > GUTTER_FILLED)
    ends = np.flatnonzero(np.diff(at) > GUTTER)
    return [(int(stretch[0]), int(stretch[-1]) + 1) for stretch in np.split(at, ends + 1) if stretch.size]


def _are_photographs(mask: NDArray[np.uint8], pieces: Sequence[tuple[int, int, int, int]]) -> bool:
    """Whether most of what fills the pieces of a part are photographs: they fill their boxes, cut out goods do not."""
    sizes = [(_filled(mask, piece), (piece[2] - piece[0]) * (piece[3] - piece[1]), piece) for piece in pieces]
    photographs = sum(
        share * size
        for share, size, piece in sizes
        if share >= PHOTOGRAPH and min(piece[2] - piece[0], piece[3] - piece[1]) >= LEAST_SIDE
    )
    return photographs >= MOSTLY * sum(share * size for share, size, _ in sizes)


def _filled(mask: NDArray[np.uint8], box: tuple[int, int, int, int]) -> float:
    left, top, right, bottom = box
    return float(mask[top:bottom, left:right].mean())


def _moved(box: tuple[int, int, int, int], right: int, down: int) -> Box:
    return move((float(box[0]), float(box[1]), float(box[2]), float(box[3])), right, down)


def _on_card(
    different: NDArray[np.bool_], part: tuple[Box, float, float], texts: Sequence[Box], page_area: float
) -> list[tuple[Box, float, float]]:
    """Return the pictures within a part if it is a card: a frame on the ground, with ground in it; else the part."""
    left, top, right, bottom = (round(side) for side in part[0])
    if min(right - left, bottom - top) < 2 * LEAST_SIDE:
        return [part]
    rims = (different[top:bottom, left : left + CARD_FRAME], different[top:bottom, right - CARD_FRAME : right])
    if any(rim.any(axis=1).mean() < CARD_SIDES for rim in rims):
        return [part]
    left, top, right, bottom = left + CARD_FRAME, top + CARD_FRAME, right - CARD_FRAME, bottom - CARD_FRAME
    inside = _without(different, texts)[top:bottom, left:right].copy()
    edge = np.concatenate((inside[0], inside[:, 0], inside[:, -1]))
    if inside.mean() > 1 - CARD_SHARE or edge.mean() > 1 - CARD_EDGE:
        return [part]
    _clear_bands(inside, CARD_BAND)
    large = [each for each in _parts(inside) if short_side(each[0]) >= LEAST_SIDE]
    on_it = [each for each in large if area(each[0]) >= LEAST_SHARE * page_area]
    held = sum(int(inside[int(y0) : int(y1), int(x0) : int(x1)].sum()) for (x0, y0, x1, y1), *_ in on_it)
    if not on_it or held < CARD_WHOLE * inside.sum():
        return [part]
    return [(move(box, left, top), filled, at_edge) for box, filled, at_edge in on_it]


def _without_nested(boxes: Sequence[Box]) -> list[Box]:
    """Return boxes, those that overlap by more than half of the smaller joined into one."""
    left = list(boxes)
    while True:
        pair = next(((a, b) for a, b in combinations(left, 2) if shared_area(a, b) > 0.5 * min(area(a), area(b))), None)
        if pair is None:
            return left
        left = [box for box in left if box not in pair]
        left.append(bounding_box(pair))
