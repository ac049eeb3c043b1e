"""Find the pictures within one raster that shows several on flat ground, with at least two lines of text.

Composed photographs have no such ground and stay whole. On flat ground 140 of 142 captioned products of real catalogues
had their own region.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from swatchbook_base.geometry import area, bounding_box, centre_inside, covers, long_side, move, shared_area, short_side
from swatchbook_base.records import Box

GROUND_SHARE = 0.2  # the least share of a raster's pixels that have the colour of its ground
GROUND_EDGE = 0.5  # the least share of a raster's edge that is ground: a sky or a wall touches two sides, a ground all
TEXT_ON_GROUND = 0.5  # the least share of many lines on one colour for it to be ground, even if photos fill the edge
ALL_AROUND, LEAST_SHARE_AROUND = 0.9, 0.12  # a ground with this share of the edge needs only this share of the pixels
RIM = 10  # points at the edge of a raster that may be a thin frame
DIFFERENT = 14  # of 255: the difference in any channel above which a pixel is not ground
FEWEST_TEXTS = 2  # the least number of lines of text on the ground
LEAST_SIDE, LEAST_SHARE = 18.0, 0.0015  # the least side of a region in points, and its least share of the page
JOINED = 5  # points; parts of one picture are at most this far apart
GUTTER, GUTTER_FILLED = 1, 0.1  # points between photographs; the share of a gutter's length that may be filled
PHOTOGRAPH, MOSTLY = 0.85, 0.8  # a photograph fills this share of its box; this share of a part must be photographs
PLATE, LONG_PLATE = 2.5, 3.0  # a plate is at most 2.5 times as high as its name, and 3 times as long as it is high;
# other flat boxes may be swatches
PLATE_REACH = 2  # a plate is looked for this many lengths of its line to the left and right
PLATE_RIM = 9  # points; the soft edge and the shadow of a plate, both sides together
LONGEST = 6.0  # long side over short side; longer parts are rules and bands, unless they are drawn in thin lines
THIN_LINES, LONGEST_DRAWING = 0.25, 12.0  # a part that fills less of its box is a drawing, and may be this long
FRAME_SHARE = 0.6  # a part with more than this share of its pixels at the edge of its box is a frame
FRAME_WIDTH = 4  # points; the width of such an edge
TEXT_SHARE = 0.2  # a box with more than this share under text is a table or a panel
FLAT_PLATE = 0.8  # a line whose box has this share of its edge in one colour is a name on a plate
MOST_BAND = 0.15  # the most of a raster's width or height that a band of colour along its side takes
BAND_GROUND = 0.1  # the share of a row of pixels of a band that may be ground, which shows in its letters
WHOLE = 0.8  # a region that covers more of the raster than this is the raster itself
FEWEST_THINGS, LEAST_THING = 2, 36.0  # the least number of things worth reading; points: letters of titles are smaller
SHEET, FEWEST_ON_SHEET = 0.15, 3  # a sheet's share of the page and number of pictures; with less it may be a package
MOST_LINES = 200  # the most lines of text whose ground is looked at
DEEPEST = 2  # how often a rim, or the ground around a sheet, may be taken off
SHOWN = 0.03  # the least share of the raster that pictures cover; specks of marble or a swatch with its name cover less
PAGE_OF_TEXT = 8  # a raster with at least this many lines is a page with few pictures, and SHOWN does not apply
FEWEST_SWATCHES, ALIKE = 6, 0.15  # the least number of swatches of one size; the share by which their sizes may differ
CAPTION_BELOW, SLACK = 0.6, 4.0  # the most between a swatch and its caption, in heights of the swatch; points
SHARED = 0.1  # the share of another box that a swatch may cover
PALE, BESIDE = 2, 4  # of 255: the least difference between a swatch and its ground; points between the two samples
ORNAMENT = 0.35  # a part as large as the raster that fills less of its box is frames and curves around pictures; one
# that fills more is a sheet that lies on another ground


def find_regions(pixels: NDArray[np.uint8], texts: Sequence[Box], page_area: float) -> list[Box]:
    """Return the boxes of the pictures in a raster, none if it stays whole.

    `pixels` are height × width × 3 with a pixel a point, `texts` the boxes of lines on it, in pixels; `page_area` is in
    square points.
    """
    return add_pale_swatches(pixels, _find_regions(pixels, texts, page_area, depth=0), texts)


def _find_regions(pixels: NDArray[np.uint8], texts: Sequence[Box], page_area: float, *, depth: int) -> list[Box]:
    """Return the boxes of the pictures on the ground of a raster.

    Where the edge has no ground, it is looked for within a rim. `depth` counts the rims and grounds of sheets already
    taken off.
    """
    grounds = ground_colours(pixels, texts)
    if not grounds:
        raster = (0.0, 0.0, float(pixels.shape[1]), float(pixels.shape[0]))
        return _regions_within(pixels, raster, texts, page_area, RIM, depth) if not depth else []
    found = [_regions_on(ground, pixels, texts, page_area, depth) for ground in grounds]
    return max(found, key=len)


def add_pale_swatches(pixels: NDArray[np.uint8], regions: Sequence[Box], texts: Sequence[Box]) -> list[Box]:
    """Return the regions, and the swatches of a colour chart that nearly have the colour of its ground.

    Where most regions have one size and a caption right below, each other caption in their columns has a swatch above
    it, too. Fragments of such a swatch are left out.
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
    """Return whether a line begins where a caption begins, or has its middle there."""
    same_left = abs(text[0] - caption[0]) <= SLACK
    return same_left or abs(text[0] + text[2] - caption[0] - caption[2]) <= 2 * SLACK


def _is_pale(pixels: NDArray[np.uint8], box: Box) -> bool:
    """Return whether a box differs from what is left and right of it, however little."""
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
    """Return whether a raster shows several things on flat ground, so that its print is worth reading."""
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
    different: NDArray[np.bool_] = _near(pixels, ground) == 0
    return different


def _regions_on(
    ground: NDArray[np.int16], pixels: NDArray[np.uint8], texts: Sequence[Box], page_area: float, depth: int
) -> list[Box]:
    """Return the boxes of the pictures on one ground."""
    raster = (0.0, 0.0, float(pixels.shape[1]), float(pixels.shape[0]))
    different = _differs(pixels, ground)
    on_ground = [text for text in texts if _stands_on_ground(different, text)]
    if sum(text in on_ground or _is_on_plate(pixels, text) for text in texts) < FEWEST_TEXTS:
        return []
    _clear_bands(different)
    _clear_plates(different, pixels, [text for text in texts if text not in on_ground])
    found = _parts(_without(different, on_ground))
    large = next((box for box, filled, _ in found if area(box) > WHOLE * area(raster) and filled > ORNAMENT), None)
    if large and depth < DEEPEST and (on_sheet := _regions_within(pixels, large, texts, page_area, FRAME_WIDTH, depth)):
        return on_sheet
    parts = [
        box
        for box, filled, at_edge in found
        if short_side(box) >= LEAST_SIDE
        and area(box) >= LEAST_SHARE * page_area
        and long_side(box) <= (LONGEST_DRAWING if filled <= THIN_LINES else LONGEST) * short_side(box)
        and not (at_edge > FRAME_SHARE and any(covers(box, text) for text in texts))
        and area(box) <= WHOLE * area(raster)
        and _text_share(box, texts) <= TEXT_SHARE
    ]
    if sum(map(area, parts)) < SHOWN * area(raster) and len(texts) < PAGE_OF_TEXT:
        return []
    parts = [each for part in parts for each in _of_sheet(pixels, part, texts, page_area, depth)]
    return sorted(_without_nested(parts), key=lambda box: (box[1], box[0]))


def _of_sheet(pixels: NDArray[np.uint8], part: Box, texts: Sequence[Box], page_area: float, depth: int) -> list[Box]:
    """Return the pictures on a part if it is a sheet of its own, such as a page of a spread; else the part."""
    if area(part) < SHEET * page_area or depth >= DEEPEST or sum(covers(part, text) for text in texts) < FEWEST_TEXTS:
        return [part]
    on_it = _regions_within(pixels, part, texts, page_area, FRAME_WIDTH, depth)
    return on_it if len(on_it) >= FEWEST_ON_SHEET else [part]


def _regions_within(
    pixels: NDArray[np.uint8], part: Box, texts: Sequence[Box], page_area: float, rim: int, depth: int
) -> list[Box]:
    """Return the pictures in a part, without its rim: a sheet that lies on another ground, or has a thin frame."""
    left, top, right, bottom = (round(side) for side in part)
    left, top, right, bottom = left + rim, top + rim, right - rim, bottom - rim
    if min(right - left, bottom - top) < LEAST_SIDE:
        return []
    moved = [move(text, -left, -top) for text in texts]
    inside = _find_regions(pixels[top:bottom, left:right], moved, page_area, depth=depth + 1)
    return [move(box, left, top) for box in inside]


def ground_colours(pixels: NDArray[np.uint8], texts: Sequence[Box]) -> list[NDArray[np.int16]]:
    """Return the colours that may be the ground under a raster's pictures, none if it has no flat ground.

    They are the most frequent colour of its edge (of all pixels, pictures may cover more than the ground), and the
    colour under most of many lines of text.
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
    """Return the colour that most of those under lines of text are close to, and their share of all."""
    near = (np.abs(colours[:, None] - colours[None]) <= DIFFERENT).all(axis=-1)
    group = near[int(near.sum(axis=1).argmax())]
    return np.median(colours[group], axis=0).astype(np.int16), float(group.mean())


def _usual_colour(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.int16], float]:
    """Return the most frequent colour of pixels in a row, and the share of them that has it."""
    bins = (pixels >> 4).astype(np.uint32)
    codes = (bins[:, 0] << 8) | (bins[:, 1] << 4) | bins[:, 2]
    colour = np.median(pixels[codes == np.bincount(codes).argmax()], axis=0).astype(np.int16)
    return colour, _share(pixels[None], colour)


def _share(pixels: NDArray[np.uint8], colour: NDArray[np.int16]) -> float:
    return float(cv2.countNonZero(_near(pixels, colour)) / (pixels.shape[0] * pixels.shape[1]))


def _near(pixels: NDArray[np.uint8], colour: NDArray[np.int16]) -> NDArray[np.uint8]:
    """Return which of (h, w, 3) pixels are near a colour, 255 or 0: OpenCV takes a twentieth of the time of NumPy."""
    least, most = ([int(value) + step for value in colour] for step in (-DIFFERENT, DIFFERENT))
    near: NDArray[np.uint8] = cv2.inRange(pixels, np.array(least), np.array(most))
    return near


def _clear_bands(different: NDArray[np.bool_]) -> None:
    """Mark the bands of colour along the sides of a raster as ground, so that they join no pictures."""
    for side in (different, different[::-1], different.T, different.T[::-1]):
        most = int(MOST_BAND * side.shape[0])
        filled = side[: most + 1].mean(axis=1) > 1 - BAND_GROUND
        if filled[0] and not filled.all():
            side[: int(filled.argmin())] = False


def _clear_plates(different: NDArray[np.bool_], pixels: NDArray[np.uint8], texts: Sequence[Box]) -> None:
    """Mark the flat plates under names as ground, so that they join no pictures."""
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
    """Return the pixels that differ from the ground, without those in lines of text."""
    rest = different.copy()
    for left, top, right, bottom in texts:
        rest[max(0, int(top) - 1) : int(bottom) + 2, max(0, int(left) - 1) : int(right) + 2] = False
    return rest


def _text_share(box: Box, texts: Sequence[Box]) -> float:
    return sum(shared_area(box, text) for text in texts) / area(box)


def _stands_on_ground(different: NDArray[np.bool_], text: Box) -> bool:
    """Return whether the edge of a line's box is ground; else the line is printed on a product."""
    edge = _edge(different, text)
    return bool(edge.size and edge.mean() < 1 - GROUND_EDGE)


def _is_on_plate(pixels: NDArray[np.uint8], text: Box) -> bool:
    """Return whether a line's box lies on one flat colour."""
    edge = _edge(pixels, text).astype(np.int16)
    return bool(edge.size and (np.abs(edge - np.median(edge, axis=0)) <= DIFFERENT).all(axis=1).mean() >= FLAT_PLATE)


def _edge(pixels: NDArray[Any], text: Box) -> NDArray[Any]:
    left, top, right, bottom = (int(value) for value in text)
    part = pixels[max(0, top - 1) : bottom + 2, max(0, left - 1) : right + 2]
    return (
        np.concatenate((part[0], part[-1], part[:, 0], part[:, -1])) if part.size else part.reshape(0, *part.shape[2:])
    )


def _parts(different: NDArray[np.bool_]) -> list[tuple[Box, float, float]]:
    """Return the box of each connected part, the share of the box that it fills, and its share at the box's edge."""
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
    """Return the pieces of a box between its straight gutters.

    It is cut at all level gutters, then at the upright ones, and so on until there are none. Thin lines that stick out
    of a picture are dropped like gutters.
    """
    left, top, right, bottom = box
    part = mask[top:bottom, left:right]
    pieces = [(left, top + begin, right, top + end) for begin, end in _stretches(part.mean(axis=1))]
    if pieces == [box]:
        pieces = [(left + begin, top, left + end, bottom) for begin, end in _stretches(part.mean(axis=0))]
    return [box] if pieces == [box] else [each for piece in pieces for each in _at_gutters(mask, piece)]


def _stretches(filled: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Return begin and end of the stretches of rows or columns between gutters."""
    at = np.flatnonzero(filled > GUTTER_FILLED)
    ends = np.flatnonzero(np.diff(at) > GUTTER)
    return [(int(stretch[0]), int(stretch[-1]) + 1) for stretch in np.split(at, ends + 1) if stretch.size]


def _are_photographs(mask: NDArray[np.uint8], pieces: Sequence[tuple[int, int, int, int]]) -> bool:
    """Return whether most of a part is photographs, which fill their boxes, unlike goods that are cut out."""
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


def _without_nested(boxes: Sequence[Box]) -> list[Box]:
    """Return the boxes, with those that overlap by more than half of the smaller joined into one."""
    left = list(boxes)
    while True:
        pair = next(((a, b) for a, b in combinations(left, 2) if shared_area(a, b) > 0.5 * min(area(a), area(b))), None)
        if pair is None:
            return left
        left = [box for box in left if box not in pair]
        left.append(bounding_box(pair))
