"""Find the vector paths of a page that are a picture: a drawing or a palette.

Text that is drawn as outlines is filled, not stroked, and is left out. The thresholds found 18 of 18 framed drawings of
real catalogues and nothing else.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from typing import Any

from swatchbook_base.geometry import (
    area,
    bounding_box,
    centre_inside,
    clip,
    covers,
    gaps,
    long_side,
    shared_area,
    short_side,
)
from swatchbook_base.records import Box

MOST_PATHS = 20_000  # paths of a page that is searched: maps and patterns have more
MOST_SEGMENTS = 60_000  # segments of a page that are looked at: 0.6 s
MOST_DRAWINGS = 80  # drawings taken from a page
LARGEST = 0.5  # share of the page's width or height; longer segments belong to its ground, bands and rules
FRAME = 50.0  # points; a stroked rectangle with longer sides is a frame for what is stroked inside it
APART = 6.0  # points; paths of one drawing are at most this far apart
CLOSE = 2.0  # the same in a chart, where drawings are close together
LEAST_SIDE = 30.0  # points; the least side of a drawing
LEAST_SEGMENTS, LEAST_PATHS, LEAST_SLANTED = 8, 2, 4  # in a frame one path is enough
LEAST_WITHOUT_FRAME = 11  # segments with level or upright ones; a rounded box about a text has 8, rules may touch it
LEAST_LENGTHS = 12  # lengths of level and upright lines in a frame: furniture has many; tables repeat a few
SLANT = 1.0  # points by which a slanted segment differs from level and upright
FEWEST_IN_FRAME, ALIKE = 4, 2.5  # several drawings in a frame are one picture each; largest side over the smallest
COVERED = 0.5  # share of a drawing under a picture that is shown; with more it belongs to that picture
CELL = (15.0, 150.0)  # points; the least and the largest side of a palette's cell
LEAST_CELLS = 3


@dataclass(frozen=True)
class _Segment:
    """A stroked line, curve or rectangle."""

    box: Box
    path: int
    weight: int  # the number of segments that it counts for
    slanted: bool  # neither level nor upright, or a curve


def drawing_boxes(paths: Sequence[Mapping[str, Any]], page: Box, pictures: Sequence[Box]) -> list[Box]:
    """Return the boxes of drawings and palettes in `get_cdrawings`, from the top, without those under `pictures`."""
    frames = sorted((path["rect"] for path in paths if _is_frame(path, page)), key=area)
    near = cache(lambda path: [frame for frame in frames if max(gaps(paths[path]["rect"], frame)) <= 0])
    by_frame: defaultdict[Box, list[_Segment]] = defaultdict(list)
    for segment in islice(_segments(paths, page), MOST_SEGMENTS):
        frame = next((frame for frame in near(segment.path) if max(gaps(segment.box, frame)) <= 0), page)
        by_frame[frame].append(replace(segment, box=clip(segment.box, frame)))
    drawings = _apart(by_frame.pop(page, []), APART, paths=LEAST_PATHS)
    for frame, segments in by_frame.items():
        drawings += _framed(frame, segments)
    found = [*_palettes(paths), *drawings]
    free = [box for box in found if sum(shared_area(box, p) for p in pictures) < COVERED * area(box)]
    distinct = [box for n, box in enumerate(free) if not any(covers(other, box) for other in free[:n])]
    return sorted(distinct, key=lambda box: (box[1], box[0]))[:MOST_DRAWINGS]


def _apart(segments: Sequence[_Segment], apart: float, *, paths: int) -> list[Box]:
    """Return the boxes of the drawings that are `apart` points from each other; each has a least number of paths."""
    groups = ([segments[n] for n in group] for group in _groups([segment.box for segment in segments], apart))
    boxes = [bounding_box(segment.box for segment in group) for group in groups if _is_drawing(group, paths)]
    return [box for box in boxes if short_side(box) >= LEAST_SIDE]


def _framed(frame: Box, segments: Sequence[_Segment]) -> list[Box]:
    """Return the drawings in a frame: several, or the whole frame as one."""
    boxes = _apart(segments, CLOSE, paths=1)
    sides = [long_side(box) for box in boxes]
    if len(boxes) >= FEWEST_IN_FRAME and max(sides) <= ALIKE * min(sides):
        return boxes
    lengths = {round(long_side(segment.box)) for segment in segments}
    return [frame] if _is_drawing(segments, 1) or len(lengths) >= LEAST_LENGTHS else []


def _is_frame(path: Mapping[str, Any], page: Box) -> bool:
    rectangle = len(path["items"]) == 1 and path["items"][0][0] in ("re", "qu")
    return rectangle and "s" in path["type"] and short_side(path["rect"]) > FRAME and not covers(path["rect"], page)


def _segments(paths: Sequence[Mapping[str, Any]], page: Box) -> Iterator[_Segment]:
    """Return the stroked segments of a page, without frames and segments wider or higher than half of it."""
    for number, path in enumerate(paths):
        if "s" not in path["type"] or _is_frame(path, page):
            continue
        for kind, *points in path["items"]:
            box = _around(kind, points)
            wide, high = box[2] - box[0], box[3] - box[1]
            if max(wide / page[2], high / page[3]) <= LARGEST and centre_inside(box, page):
                slanted = kind == "c" or (kind == "l" and min(wide, high) > SLANT)
                yield _Segment(box, number, 4 if kind in ("re", "qu") else 1, slanted)


def _around(kind: str, points: Sequence[Any]) -> Box:
    if kind == "re":
        box: Box = tuple(points[0])
        return box
    corners = points[0] if kind == "qu" else points
    xs, ys = zip(*corners, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def _is_drawing(group: Sequence[_Segment], paths: int) -> bool:
    slanted = sum(segment.slanted for segment in group)
    is_sure = paths == 1 or slanted >= LEAST_SEGMENTS
    return (
        sum(segment.weight for segment in group) >= (LEAST_SEGMENTS if is_sure else LEAST_WITHOUT_FRAME)
        and slanted >= LEAST_SLANTED
        and len({segment.path for segment in group}) >= paths
    )


def _groups(boxes: Sequence[Box], apart: float) -> list[list[int]]:
    """Return the indices of boxes in groups; boxes that are less than `apart` from each other are in one group.

    Boxes are compared in rows of that height: sorting the boxes of each row costs less than comparing all pairs.
    """
    leader = list(range(len(boxes)))

    def find(n: int) -> int:
        while leader[n] != n:
            leader[n] = n = leader[leader[n]]
        return n

    rows: defaultdict[int, list[tuple[float, float, int]]] = defaultdict(list)
    for n, (x0, y0, x1, y1) in enumerate(boxes):
        for row in range(int(y0 // apart), int(y1 // apart) + 2):  # one more: boxes in neighbouring rows may touch
            rows[row].append((x0, x1, n))
    for in_row in rows.values():
        reach, last = float("-inf"), 0
        for x0, x1, n in sorted(in_row):
            if x0 - reach <= apart:
                leader[find(n)] = find(last)
            if x1 > reach:
                reach, last = x1, n
    groups: defaultdict[int, list[int]] = defaultdict(list)
    for n in range(len(boxes)):
        groups[find(n)].append(n)
    return list(groups.values())


def _palettes(paths: Iterable[Mapping[str, Any]]) -> Iterator[Box]:
    """Return the boxes around rows and fields of equal filled rectangles in several colours."""
    by_size: defaultdict[tuple[int, int], list[tuple[Box, Any]]] = defaultdict(list)
    for path in paths:
        x0, y0, x1, y1 = path["rect"]
        sides = x1 - x0, y1 - y0
        is_cell = CELL[0] <= min(sides) and max(sides) <= CELL[1] and len(path["items"]) == 1
        if is_cell and "f" in path["type"] and path["items"][0][0] in ("re", "qu"):
            by_size[round(sides[0]), round(sides[1])].append((path["rect"], path.get("fill")))
    for size, cells in by_size.items():
        for group in _groups([box for box, _ in cells], float(min(size))):
            if len({cells[n][1] for n in group}) >= LEAST_CELLS:
                yield bounding_box(cells[n][0] for n in group)
