"""Apply what a person showed of a document's pictures: parts of pages that are pictures, pictures that are cut into
cells, and decoration; pair names with the pictures on one side of them.

A picture that is cut, and the parts that a drawn picture joins, are hidden, each with its reason.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, NamedTuple

from swatchbook.domain.records import (
    COUNTED,
    OF_PICTURES,
    Example,
    GridRule,
    PictureSide,
    Placement,
    PlacementState,
    Shown,
    TaughtReading,
)
from swatchbook_base.geometry import Box, area, centre_inside, clip, gaps, shared_area, short_side
from swatchbook_catalogue.decoration import LARGEST_SIGN, NEAR_LOOK
from swatchbook_catalogue.link_features import BACKGROUND, PagePlaces
from swatchbook_teach.learning.grid_edges import PicturePixels
from swatchbook_teach.learning.grids import SAME_SIZE, cells_of, fits, grid_of
from swatchbook_teach.learning.pair_facts import even_step
from swatchbook_teach.records import CutPicture, PagePlace

SAME_PLACE: Final = 0.7
"""Share of the union of two boxes; with at least this they are one picture."""
CLICKED: Final = 0.4  # share of the union of a picture's box and the one that was shown, which an older version found
INSIDE: Final = 0.8  # share of a box that lies in a picture, if it is a part of it
_JOINED: Final = 0.8  # share of a drawn picture that the parts in it cover, if it joins them
_SCAN: Final = 0.8  # share of the page from which a raster is a scan of it
_HOLDS: Final = 1.8  # the least area of a picture that holds a cell, in cells
MOST_CELLS: Final = 1_000
"""Of the pictures of a page that are cut: those that would give more stay whole. A chart of colours has some hundreds,
and how long it takes to link the pictures of a page grows with their square."""
_LEAST_SIDE: Final = 3.0  # points; what is drawn smaller is no picture
_AS_WIDE: Final = 0.1  # shares of width and height by which the proportions of one sign may differ
_ASIDE: Final = 0.25  # points of distance for a point between the middles of a name and a picture
_MARGIN: Final = 0.25  # share of a picture into which its name may reach

MARKED: Final = "marked as decoration"
NO_PICTURE: Final = "marked as no picture"
PART_OF_DRAWN: Final = "part of a picture that was drawn"
PART_OF_CUT: Final = "part of a picture that is cut as shown"
CUT: Final = "cut as shown"
_REASONS: Final = (MARKED, NO_PICTURE, PART_OF_DRAWN, PART_OF_CUT)


class Look(NamedTuple):
    """How the content of a picture looks: its perceptual hash, and its size in pixels."""

    phash: str | None
    width: int
    height: int


@dataclass(frozen=True)
class DocumentPictures:
    """The pictures of a document as they were found. `looks`: by content. `rasters`: by page, boxes of those that have
    no placement, because only parts of them were taken.
    """

    placements: tuple[Placement, ...]
    pages: Mapping[int, Box]
    looks: Mapping[str, Look] = field(default_factory=dict)
    rasters: Mapping[int, Sequence[Box]] = field(default_factory=dict)

    @cached_property
    def on_page(self) -> Mapping[int, Sequence[Placement]]:
        """The placements of each page that has any."""
        found: dict[int, list[Placement]] = defaultdict(list)
        for place in self.placements:
            found[place.page].append(place)
        return dict(found)


@dataclass(frozen=True)
class TaughtPictures:
    """What a reading makes of a document's pictures: their placements with new states, the parts of pages that are
    pictures now, those that are cut, and what was shown where no picture is. `empty`: the parts that show nothing, by
    page and box, once somebody has looked.
    """

    placements: tuple[Placement, ...]
    drawn: tuple[PagePlace, ...] = ()
    cut: tuple[CutPicture, ...] = ()
    missed: tuple[PagePlace, ...] = ()
    empty: frozenset[tuple[int, Box]] = frozenset()


def as_found(placements: Iterable[Placement], taken: Collection[tuple[int, Box]] = ()) -> tuple[Placement, ...]:
    """Return the stored placements of a document as they were before a reading changed them.

    `taken`: parts of pages that were taken in otherwise, by page and box. Pictures are taken to have been shown.
    """
    kept = list[Placement]()
    for place in placements:
        if place.kind == "box" and not any(
            page == place.page and share_of_union(box, place.bbox) > SAME_PLACE for page, box in taken
        ):
            continue
        reason = place.reason or ""
        changed = reason in _REASONS or reason.startswith(CUT)
        kept.append(place.model_copy(update={"state": PlacementState.SHOWN, "reason": None}) if changed else place)
    return tuple(kept)


def share_of_union(a: Box, b: Box) -> float:
    """Return the part of the union of two boxes that both cover, 0 to 1."""
    both = shared_area(a, b)
    return both / max(area(a) + area(b) - both, 1e-6)


# --- learn ------------------------------------------------------------------------------------------------------------


Pixels = Callable[[int], PicturePixels | None]
"""Returns a rendered page by its number, None where there is none to look at."""


def learn_pictures(
    found: DocumentPictures, start: TaughtReading, dropped: Sequence[Example] = (), pixels: Pixels | None = None
) -> TaughtReading:
    """Return a reading with the rules about pictures that its examples show. Its other rules about them stay, but those
    that follow from `dropped` examples.
    """
    shown = [each for each in start.examples if each.what in OF_PICTURES]
    own = [grid_of(box, cells, pixels(page) if pixels else None) for page, box, cells in _drawn_cells(found, shown)]
    gone = [grid_of(box, cells) for _, box, cells in _drawn_cells(found, dropped)]
    grids = [rule for rule in start.grids if not any(_is_same_size(rule, other) for other in (*own, *gone))]
    for n, rule in enumerate(own):
        later = [other for other in own[n + 1 :] if (rule.columns, rule.rows) == (other.columns, other.rows)]
        if not any(_is_same_size(rule, other) for other in later):
            grids.append(rule)
    right, wrong = _contents(found, shown, right=True), _contents(found, shown, right=False)
    marked = (set(start.decoration) - like(found, _contents(found, dropped, right=True))) - set(wrong)
    kept = (set(start.not_decoration) - set(_contents(found, dropped, right=False))) - set(right)
    kept |= set(wrong)
    marked |= like(found, right) - kept
    order = {place.content_key: n for n, place in enumerate(found.placements)}

    def ordered(keys: Iterable[str]) -> tuple[str, ...]:
        return tuple(sorted(keys, key=lambda key: (order.get(key, len(order)), key)))

    return start.model_copy(
        update={"grids": tuple(grids[-20:]), "decoration": ordered(marked), "not_decoration": ordered(kept)}
    )


def like(found: DocumentPictures, contents: Collection[str]) -> set[str]:
    """Return contents with those that look alike: the same sign in another size or file. Only small pictures do."""
    if not contents:
        return set()
    small = {
        place.content_key
        for place in found.placements
        if area(place.bbox) <= LARGEST_SIGN * area(found.pages.get(place.page, place.bbox))
    }
    looks = [found.looks[key] for key in contents if key in small and key in found.looks]
    return set(contents) | {
        key for key in small if key in found.looks and any(_looks_like(found.looks[key], other) for other in looks)
    }


def _looks_like(a: Look, b: Look) -> bool:
    if not (a.phash and b.phash) or (int(a.phash, 16) ^ int(b.phash, 16)).bit_count() > NEAR_LOOK:
        return False
    wide, other = a.width * b.height, b.width * a.height
    return abs(wide - other) <= _AS_WIDE * max(wide, other)


def _contents(found: DocumentPictures, examples: Iterable[Example], *, right: bool) -> list[str]:
    """Return the contents of the pictures that were marked as decoration or, if not `right`, as none."""
    marks = (each for each in examples if each.what is Shown.DECORATION and each.right is right)
    return [place.content_key for each in marks if (place := _clicked(found, each))]


def _drawn_cells(found: DocumentPictures, examples: Iterable[Example]) -> list[tuple[int, Box, list[Box]]]:
    """Return the pictures on which cells were drawn, by page and box, each with these."""
    cells: dict[tuple[int, Box], list[Box]] = defaultdict(list)
    for each in examples:
        if each.what is Shown.CELL and each.right and (holder := find_holder(found, each.page, _box(each))):
            cells[each.page, holder].append(_box(each))
    return [(page, box, drawn) for (page, box), drawn in cells.items()]


def _is_same_size(a: GridRule, b: GridRule) -> bool:
    return all(abs(x - y) <= SAME_SIZE * y for x, y in ((a.width, b.width), (a.height, b.height)))


def find_holder(found: DocumentPictures, page: int, cell: Box) -> Box | None:
    """Return the smallest picture that a cell is a part of, None if there is none.

    Of a raster only parts of which were taken, it is the raster, unless this is a scan of the page.
    """
    holding = [
        box
        for box in _holders(found, page)
        if shared_area(box, cell) >= INSIDE * area(cell) > 0 and area(box) >= _HOLDS * area(cell)
    ]
    scan = _SCAN * area(found.pages.get(page, (0.0, 0.0, 0.0, 0.0)))
    rasters = [box for box in holding if box in found.rasters.get(page, ()) and area(box) < scan]
    return min(rasters or holding, key=area, default=None)


def _holders(found: DocumentPictures, page: int) -> list[Box]:
    """Return the pictures of a page that may hold several, the largest first."""
    boxes = [place.bbox for place in found.on_page.get(page, ()) if place.state is not PlacementState.HIDDEN]
    return sorted({*boxes, *found.rasters.get(page, ())}, key=area, reverse=True)


def _clicked(found: DocumentPictures, example: Example) -> Placement | None:
    """Return the picture that is at the box of an example, None if there is none."""
    box = _box(example)
    here = [(share_of_union(place.bbox, box), place) for place in found.on_page.get(example.page, ())]
    share, best = max(here, key=lambda each: each[0], default=(0.0, None))
    return best if share >= CLICKED else None


def _box(example: Example) -> Box:
    """Return the box of an example, from whichever corner it was drawn."""
    x0, y0, x1, y1 = example.box
    return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)


# --- apply ------------------------------------------------------------------------------------------------------------


def apply_pictures(found: DocumentPictures, taught: TaughtReading) -> TaughtPictures:
    """Return what a reading makes of the pictures of a document.

    A drawn picture that a placement shows is that placement, also if it was decoration. Whether a cell shows anything
    is not known here: it takes pixels.
    """
    return _Editor(found, taught).apply()


class _Editor:
    """Changes the placements of a document one after the other."""

    def __init__(self, found: DocumentPictures, taught: TaughtReading) -> None:
        self._found, self._taught = found, taught
        self._examples = [each for each in taught.examples if each.what in OF_PICTURES]
        self._placements = dict(enumerate(found.placements))
        self._on_page: dict[int, list[int]] = defaultdict(list)
        for n, place in self._placements.items():
            self._on_page[place.page].append(n)

    def apply(self) -> TaughtPictures:
        wrong = {*self._taught.not_decoration, *_contents(self._found, self._examples, right=False)}
        right = [*self._taught.decoration, *_contents(self._found, self._examples, right=True)]
        marked = like(self._found, right) - wrong
        for n, place in self._placements.items():
            if place.content_key in marked and place.state in COUNTED:
                self._set(n, PlacementState.DECORATIVE, MARKED)
            elif place.content_key in wrong and place.state is PlacementState.DECORATIVE:
                self._set(n, PlacementState.SHOWN)
        cut = list(self._cut())
        drawn = list(self._draw())
        return TaughtPictures(
            placements=tuple(self._placements.values()),
            drawn=tuple(drawn),
            cut=tuple(self._without_known(cut, drawn)),
            missed=tuple(self._missed()),
        )

    def _cut(self) -> Iterator[CutPicture]:
        """Cut the pictures that a grid is for, and hide these and what was cut from them before."""
        whole = [each for each in self._examples if each.what is Shown.CELL and not each.right]
        own = {(page, box): cells for page, box, cells in _drawn_cells(self._found, self._examples)}
        for page in sorted({*self._on_page, *self._found.rasters} if self._taught.grids else ()):
            done, there = list[Box](), 0
            for box in _holders(self._found, page):
                rule = self._rule_for(box, own.get((page, box), ()))
                stays = any(
                    each.page == page and shared_area(box, _box(each)) >= INSIDE * area(_box(each)) for each in whole
                )
                if rule is None or stays or self._is_marked(page, box) or any(centre_inside(box, one) for one in done):
                    continue
                cells = tuple(cells_of(box, rule))
                if (there := there + len(cells)) > MOST_CELLS:
                    break
                done.append(box)
                self._hide_cut(page, box)
                yield CutPicture(page=page, box=box, cells=cells, grid=rule)

    def _rule_for(self, box: Box, drawn: Sequence[Box]) -> GridRule | None:
        """Return the grid of a picture: of several the one with the cells that were drawn on it, else the last one."""

        def agrees(rule: GridRule) -> float:
            cells = cells_of(box, rule) if drawn else []
            return sum(max((share_of_union(cell, each) for cell in cells), default=0.0) for each in drawn)

        rules = [rule for rule in reversed(self._taught.grids) if fits(rule, box)]
        return max(rules, key=agrees, default=None)

    def _is_marked(self, page: int, box: Box) -> bool:
        here = (self._placements[n] for n in self._on_page[page])
        return any(place.bbox == box and place.reason == MARKED for place in here)

    def _hide_cut(self, page: int, box: Box) -> None:
        for n in self._on_page[page]:
            place = self._placements[n]
            if place.state is PlacementState.HIDDEN:
                continue
            if place.bbox == box:
                self._set(n, PlacementState.HIDDEN, CUT)
            elif place.kind == "region" and centre_inside(place.bbox, box):
                self._set(n, PlacementState.HIDDEN, PART_OF_CUT)

    def _draw(self) -> Iterator[PagePlace]:
        """Yield the parts of pages that are pictures as they were drawn, and hide what they join."""
        for example in (each for each in self._examples if each.what is Shown.PICTURE):
            page = self._found.pages.get(example.page)
            box = clip(_box(example), page) if page else _box(example)
            if not example.right:
                for n in self._at(example.page, box, CLICKED):
                    self._set(n, PlacementState.DECORATIVE, NO_PICTURE)
            elif same := self._at(example.page, box, SAME_PLACE):
                for n in same:
                    if self._placements[n].state is PlacementState.DECORATIVE:
                        self._set(n, PlacementState.SHOWN)
            else:
                parts = [n for n in self._on_page[example.page] if self._is_part(n, box)]
                if sum(area(self._placements[n].bbox) for n in parts) >= _JOINED * area(box):
                    for n in parts:
                        self._set(n, PlacementState.HIDDEN, PART_OF_DRAWN)
                yield PagePlace(page=example.page, box=box)

    def _at(self, page: int, box: Box, least: float) -> list[int]:
        """Return the seen placements at a box."""
        return [
            n
            for n in self._on_page[page]
            if self._placements[n].state is not PlacementState.HIDDEN
            and share_of_union(self._placements[n].bbox, box) >= least
        ]

    def _is_part(self, n: int, box: Box) -> bool:
        place = self._placements[n]
        return place.state in COUNTED and shared_area(place.bbox, box) >= INSIDE * area(place.bbox) > 0

    def _without_known(self, cut: Iterable[CutPicture], drawn: Sequence[PagePlace]) -> Iterator[CutPicture]:
        """Yield cut pictures without the cells that another picture shows, or that a person rejected."""
        wrong = [
            PagePlace(page=each.page, box=_box(each))
            for each in self._examples
            if each.what is Shown.PICTURE and not each.right
        ]
        for each in cut:
            here = [self._placements[n].bbox for n in self._on_page[each.page] if self._placements[n].state in COUNTED]
            known = [*here, *(place.box for place in drawn if place.page == each.page)]
            no = [place.box for place in wrong if place.page == each.page]
            cells = tuple(
                cell
                for cell in each.cells
                if not any(share_of_union(cell, box) >= SAME_PLACE for box in known)
                and not any(share_of_union(cell, box) >= CLICKED for box in no)
            )
            yield each.model_copy(update={"cells": cells})

    def _missed(self) -> Iterator[PagePlace]:
        for each in self._examples:
            box = _box(each)
            if each.what is Shown.CELL:
                hit = find_holder(self._found, each.page, box) is not None or not each.right
            elif each.what is Shown.DECORATION:
                hit = _clicked(self._found, each) is not None
            else:
                hit = not each.right or (each.page in self._found.pages and short_side(box) >= _LEAST_SIDE)
            if not hit:
                yield PagePlace(page=each.page, box=box)

    def _set(self, n: int, state: PlacementState, reason: str | None = None) -> None:
        self._placements[n] = self._placements[n].model_copy(update={"state": state, "reason": reason})


# --- pair names and pictures ------------------------------------------------------------------------------------------


def pair_by_side(places: Sequence[PagePlaces], side: PictureSide) -> dict[str, str]:
    """Return the picture of each name that has one on a side of it, as placement -> product, one to one.

    A picture is that of its nearest name, and of several such pictures the nearest one counts. In a grid or list it is
    less than a step away, or it is that of a row or cell without a name.
    """
    found, axis = dict[str, str](), int(side in (PictureSide.ABOVE, PictureSide.BELOW))
    for page in places:
        names = [anchor for anchor in page.anchors if not anchor.said]
        step = even_step([name.box for name in names], axis)
        nearest: dict[int, tuple[float, str]] = {}
        for picture in (each for each in page.pictures if area(each.bbox) <= BACKGROUND * area(page.page.box)):
            away = [
                (distance, n) for n, name in enumerate(names) if (distance := _away(picture.bbox, name.box, side, step))
            ]
            if away:
                distance, n = min(away)
                nearest[n] = min(nearest.get(n, (distance, picture.id)), (distance, picture.id))
        found |= {picture: names[n].product for n, (_, picture) in sorted(nearest.items())}
    return found


def _away(picture: Box, name: Box, side: PictureSide, step: float) -> float | None:
    """Return how far a picture is from a name on a side of it, at least 1; None if it is not there or a step away."""
    across, down = gaps(picture, name)
    k, beside, apart = (1, across, down) if side in (PictureSide.ABOVE, PictureSide.BELOW) else (0, down, across)
    middle, other = (name[k] + name[k + 2]) / 2, (name[1 - k] + name[3 - k]) / 2
    is_before = side in (PictureSide.ABOVE, PictureSide.LEFT)
    depth = picture[k + 2] - middle if is_before else middle - picture[k]
    if abs((picture[k] + picture[k + 2]) / 2 - middle) >= step:
        return None
    if beside >= 0 or depth > _MARGIN * (picture[k + 2] - picture[k]):
        return None
    return 1.0 + max(0.0, apart) + _ASIDE * abs((picture[1 - k] + picture[3 - k]) / 2 - other)
