"""Pictures on the teach page: boxes to click and to draw, and in words what would become of a document's pictures."""

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import Final, Literal, NamedTuple

from swatchbook.domain.records import OF_PICTURES, Box, Example, PictureSide, PlacementState, Shown
from swatchbook_base.geometry import area
from swatchbook_teach.records import PagePlace, ProposedPictures
from swatchbook_teach.replies import PictureToShow

MOST_PICTURES: Final = 300
"""Pictures of a page that can be clicked."""
LEAST_SIDE: Final = 5.0
"""Points; a box that is drawn smaller is a slip of the hand."""

PictureMode = Literal["picture", "cell", "decoration", "no-picture"]
PICTURE_MODES: Final[Mapping[PictureMode, str]] = {
    "picture": "Picture",
    "cell": "One cell",
    "decoration": "Decoration",
    "no-picture": "No picture",
}
"""What is shown of pictures -> its words."""
HINTS: Final[Mapping[PictureMode, str]] = {
    "picture": "Draw a box around what is one picture: drag, or click two opposite corners.",
    "cell": "On a picture that shows several, draw a box around one: drag, or click two opposite corners. A second box "
    "says how far apart they are.",
    "decoration": "Click a logo or an ornament: it, and what looks like it, is no picture of a product on any page. "
    "Click decoration that shows a product.",
    "no-picture": "Click what is no picture at this place.",
}
SIDES: Final[Mapping[PictureSide | None, str]] = {
    None: "as found",
    PictureSide.ABOVE: "above the name",
    PictureSide.BELOW: "below the name",
    PictureSide.LEFT: "left of the name",
    PictureSide.RIGHT: "right of the name",
}
"""Where the picture of each name is -> its words."""
MARKS: Final[Mapping[str, str]] = {
    "taken": "drawn picture",
    "cell": "cell of a picture that is cut",
    "empty": "shows nothing, left out",
    "ornament": "decoration then",
    "back": "shown again",
}
"""What becomes of a place -> its words in the legend."""

_SAID: Final[Mapping[tuple[Shown, bool], str]] = {
    (Shown.PICTURE, True): "picture",
    (Shown.PICTURE, False): "no picture",
    (Shown.CELL, True): "cell",
    (Shown.CELL, False): "not cut",
    (Shown.DECORATION, True): "decoration",
    (Shown.DECORATION, False): "no decoration",
}
_AROUND = 6.0  # points around a box that is shown cut out of its page


class Numbers(NamedTuple):
    """A box as it was typed or measured, in points from the top left of the page."""

    x0: str = ""
    y0: str = ""
    x1: str = ""
    y1: str = ""


class ClickablePicture(NamedTuple):
    """A picture at its place on the page. `value`: that it is decoration or, if it was, none; `said`: what was shown
    of it.
    """

    number: int
    box: Box
    decorative: bool
    value: str
    said: str | None
    words: str


class Mark(NamedTuple):
    """A place of the page that a reading changes, or a name that it finds or would lose."""

    kind: str
    box: Box


class Cutout(NamedTuple):
    """A box with its part of the page, as the view box of a picture."""

    box: Box
    around: Box
    size: tuple[float, float]


# --- what is shown ----------------------------------------------------------------------------------------------------


def is_of_pictures(example: Example) -> bool:
    """Return whether an example shows a picture, not a text."""
    return example.what in OF_PICTURES


def say_picture(example: Example) -> str:
    """Return in words what an example says of a picture."""
    return _SAID[example.what, example.right]


def meant_by_click(clicked: Example, mode: str) -> Example | None:
    """Return what a click on a picture says in a mode; None in those where a box is drawn, which it measures."""
    if mode == "decoration":
        return clicked.model_copy(update={"what": Shown.DECORATION})
    if mode == "no-picture":
        return clicked.model_copy(update={"what": Shown.PICTURE, "right": False})
    return None


def measure(box: Box) -> Numbers:
    """Return a box as numbers to correct."""
    x0, y0, x1, y1 = (f"{side:.1f}".removesuffix(".0") for side in box)
    return Numbers(x0, y0, x1, y1)


def read_box(numbers: Numbers, page: int, mode: str) -> Example | str:
    """Return the picture or cell that numbers show, or what is wrong with them."""
    try:
        sides = [float(side.strip().replace(",", ".")) for side in numbers]
    except ValueError:
        return "Give all four sides of the box, in points."
    if not all(isfinite(side) and abs(side) < 100_000 for side in sides):
        return "Give all four sides of the box, in points."
    x0, x1 = sorted((round(sides[0], 1), round(sides[2], 1)))
    y0, y1 = sorted((round(sides[1], 1), round(sides[3], 1)))
    if x1 - x0 < LEAST_SIDE or y1 - y0 < LEAST_SIDE:
        return f"The box is too small: each side needs {LEAST_SIDE:g} points."
    return Example(page=page, box=(x0, y0, x1, y1), what=Shown.CELL if mode == "cell" else Shown.PICTURE)


# --- boxes ------------------------------------------------------------------------------------------------------------


def click_pictures(pictures: Sequence[PictureToShow], page: int, examples: Iterable[Example]) -> list[ClickablePicture]:
    """Return the pictures of a page to click, the smaller ones last, so that they lie on the larger ones."""
    shown = {each.box: say_picture(each) for each in examples if each.page == page and is_of_pictures(each)}
    seen = [each for each in pictures if each.state is not PlacementState.HIDDEN][:MOST_PICTURES]
    found = []
    for number, each in enumerate(seen, 1):
        decorative = each.state is PlacementState.DECORATIVE
        example = Example(page=page, box=each.box, what=Shown.DECORATION, right=not decorative)
        x0, y0, x1, y1 = each.box
        words = f"Picture {number}, {x1 - x0:.0f} × {y1 - y0:.0f} points"
        words += ", decoration" if decorative else ""
        words += ", cannot be read" if each.state is PlacementState.UNREADABLE else ""
        said = shown.get(example.box)
        words += f", shown: {said}" if said else ""
        found.append(
            ClickablePicture(
                number=number,
                box=each.box,
                decorative=decorative,
                value=example.model_dump_json(exclude_defaults=True),
                said=said,
                words=words,
            )
        )
    return sorted(found, key=lambda each: -area(each.box))


def mark_pictures(found: ProposedPictures | None, page: int) -> list[Mark]:
    """Return the places of a page that a reading changes."""
    if found is None:
        return []
    empty = {(each.page, each.box) for each in found.empty}
    cells = [PagePlace(page=each.page, box=cell) for each in found.cut for cell in each.cells]
    places = (("taken", found.taken), ("cell", cells), ("ornament", found.decoration), ("back", found.shown))
    return [
        Mark("empty" if (each.page, each.box) in empty else kind, each.box)
        for kind, them in places
        for each in them
        if each.page == page
    ]


def cut_out(example: Example, page: Box) -> Cutout:
    """Return the part of its page that an example shows."""
    x0, y0, x1, y1 = example.box
    around = x0 - _AROUND, y0 - _AROUND, x1 - x0 + 2 * _AROUND, y1 - y0 + 2 * _AROUND
    left, top, width, height = (round(each, 1) for each in around)
    return Cutout(example.box, (left, top, max(width, 1.0), max(height, 1.0)), (page[2], page[3]))
