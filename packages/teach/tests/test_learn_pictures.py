"""What a person showed of pictures changes their placements: decoration by content, cut and drawn pictures, sides."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from swatchbook.domain.records import (
    UNTAUGHT,
    Example,
    GridRule,
    Page,
    PictureSide,
    Placement,
    PlacementKind,
    PlacementState,
    Shown,
    TaughtReading,
    sha256,
)
from swatchbook_base.geometry import Box
from swatchbook_catalogue.link_features import Anchor, PagePlaces
from swatchbook_teach.learning.pictures import (
    DocumentPictures,
    Look,
    apply_pictures,
    as_found,
    learn_pictures,
    pair_by_side,
)

PAGE: Box = (0.0, 0.0, 400.0, 600.0)
SHEET: Box = (40.0, 90.0, 340.0, 570.0)
LOGO: Box = (300.0, 20.0, 360.0, 50.0)
CELL: Box = (40.0, 90.0, 140.0, 210.0)
EMPTY = Page(number=1, label="1", box=PAGE, rotation=0, blocks=(), drawn=())


def place(
    page: int, box: Box, content: str, state: PlacementState = PlacementState.SHOWN, kind: PlacementKind = "embedded"
) -> Placement:
    return Placement(
        id=f"{page} {box}", page=page, kind=kind, bbox=box, xref=7, state=state, content_key=sha256(content.encode()),
        reason=None if state is PlacementState.SHOWN else "as found",
    )  # fmt: skip


def found(*placements: Placement, looks: dict[str, Look] | None = None) -> DocumentPictures:
    named = {sha256(name.encode()): look for name, look in (looks or {}).items()}
    return DocumentPictures(placements, dict.fromkeys((1, 2, 3), PAGE), named)


def learnt(pictures: DocumentPictures, *examples: Example) -> TaughtReading:
    return learn_pictures(pictures, UNTAUGHT.model_copy(update={"examples": examples}))


def taught(pictures: DocumentPictures, *examples: Example) -> list[tuple[PlacementState, str | None]]:
    reading = learnt(pictures, *examples)
    return [(each.state, each.reason) for each in apply_pictures(pictures, reading).placements]


def test_decoration_and_its_opposite_hold_on_all_pages() -> None:
    looks = {
        "logo": Look("ff00ff00ff00ff00", 120, 60),
        "small": Look("ff00ff00ff00ff01", 60, 30),
        "tall": Look("ff00ff00ff00ff00", 60, 120),
    }
    pictures = found(
        place(1, LOGO, "logo"), place(2, LOGO, "logo"), place(3, (10, 10, 40, 25), "small"), place(3, LOGO, "tall"),
        place(2, SHEET, "other"), looks=looks,
    )  # fmt: skip
    example = Example(page=1, box=LOGO, what=Shown.DECORATION)
    states = [state for state, _ in taught(pictures, example)]
    assert states == [PlacementState.DECORATIVE] * 3 + [PlacementState.SHOWN] * 2
    reading = learnt(pictures, example).rules_only
    elsewhere = found(place(2, (0, 0, 30, 15), "small"), looks=looks)
    assert [each.state for each in apply_pictures(elsewhere, reading).placements] == [PlacementState.DECORATIVE]
    pictures = found(*(place(page, LOGO, "sign", PlacementState.DECORATIVE) for page in (1, 2)))
    assert (
        taught(pictures, Example(page=2, box=LOGO, what=Shown.DECORATION, right=False))
        == [(PlacementState.SHOWN, None)] * 2
    )


def test_cell_cuts_pictures_of_its_size_unless_denied() -> None:
    pictures = found(*(place(page, SHEET, f"sheet {page}") for page in (1, 2, 3)), place(3, LOGO, "logo"))
    examples = (
        Example(page=1, box=CELL, what=Shown.CELL),
        Example(page=2, box=(100, 200, 150, 260), what=Shown.CELL, right=False),
    )
    reading = learnt(pictures, *examples)
    made = apply_pictures(pictures, reading)
    assert [(each.page, len(each.cells)) for each in made.cut] == [(1, 12), (3, 12)]
    shown = [each.state is PlacementState.SHOWN for each in made.placements]
    assert shown == [False, True, False, True]
    assert made.missed == ()
    regions = [place(1, (40, 90 + 120 * row, 340, 186 + 120 * row), f"row {row}", kind="region") for row in range(4)]
    pictures = DocumentPictures(tuple(regions), {1: PAGE}, {}, {1: [SHEET]})
    made = apply_pictures(pictures, learnt(pictures, Example(page=1, box=(40, 90, 90, 210), what=Shown.CELL)))
    assert [each.box for each in made.cut] == [SHEET]
    assert {each.state for each in made.placements} == {PlacementState.HIDDEN}, "what was cut before gives way"


def test_too_many_cells_leave_a_page_uncut() -> None:
    """Each of 71 pages would cost minutes, by a reading that a stranger wrote or a cell that slipped."""
    tiny = GridRule(width=300, height=480, cell=(0, 0, 0.01, 0.01), pitch=(0.01, 0.01), columns=100, rows=100)
    made = apply_pictures(found(place(1, SHEET, "sheet")), TaughtReading(grids=(tiny,) * 20))
    assert (made.cut, made.placements[0].state) == ((), PlacementState.SHOWN)


def test_drawn_picture_is_what_shows_or_fills_it() -> None:
    near: Box = (42.0, 92.0, 338.0, 566.0)
    drawn = Example(page=1, box=near, what=Shown.PICTURE)
    shown = apply_pictures(found(place(1, SHEET, "a")), UNTAUGHT.model_copy(update={"examples": (drawn,)}))
    assert shown.drawn == ()
    pictures = found(place(1, SHEET, "a", PlacementState.DECORATIVE))
    assert taught(pictures, drawn) == [(PlacementState.SHOWN, None)]
    other = apply_pictures(found(place(1, LOGO, "a")), UNTAUGHT.model_copy(update={"examples": (drawn,)}))
    assert [(each.page, each.box) for each in other.drawn] == [(1, near)]
    halves = place(1, (40, 90, 190, 570), "left"), place(1, (190, 90, 340, 570), "right")
    drawn = Example(page=1, box=SHEET, what=Shown.PICTURE)
    assert {state for state, _ in taught(found(*halves), drawn)} == {PlacementState.HIDDEN}
    swatch = place(1, (60, 100, 120, 160), "swatch")
    assert taught(found(swatch), drawn) == [(PlacementState.SHOWN, None)]


def test_what_is_no_picture_is_none_and_said() -> None:
    pictures = found(place(1, LOGO, "a"), place(2, LOGO, "a"))
    states = [state for state, _ in taught(pictures, Example(page=2, box=LOGO, what=Shown.PICTURE, right=False))]
    assert states == [PlacementState.SHOWN, PlacementState.DECORATIVE]
    box: Box = (10.0, 10.0, 60.0, 60.0)
    examples = tuple(Example(page=1, box=box, what=what) for what in (Shown.CELL, Shown.DECORATION))
    made = apply_pictures(found(place(1, LOGO, "a")), UNTAUGHT.model_copy(update={"examples": examples}))
    assert [each.box for each in made.missed] == [box, box]


def test_rules_of_dropped_examples_go_and_others_stay() -> None:
    pictures = found(place(1, SHEET, "sheet"), place(1, LOGO, "logo"))
    cell, mark = Example(page=1, box=CELL, what=Shown.CELL), Example(page=1, box=LOGO, what=Shown.DECORATION)
    both = learnt(pictures, cell, mark)
    assert (len(both.grids), len(both.decoration)) == (1, 1)
    left = learn_pictures(pictures, both.model_copy(update={"examples": (mark,)}), dropped=[cell])
    assert (len(left.grids), left.decoration) == (0, both.decoration)
    kept = learn_pictures(pictures, both.rules_only)
    assert (kept.grids, kept.decoration) == (both.grids, both.decoration), "an imported reading has no examples"


boxes = st.tuples(st.integers(0, 300), st.integers(0, 500), st.integers(5, 100), st.integers(5, 100)).map(
    lambda each: (float(each[0]), float(each[1]), float(each[0] + each[2]), float(each[1] + each[3]))
)
examples = st.builds(
    Example,
    page=st.integers(1, 3),
    box=boxes,
    what=st.sampled_from((Shown.PICTURE, Shown.CELL, Shown.DECORATION)),
    right=st.booleans(),
)


@given(
    placed=st.lists(st.tuples(st.integers(1, 3), boxes, st.sampled_from("abc")), max_size=8),
    said=st.lists(examples, max_size=6),
)
def test_only_states_change_and_all_come_back(placed: Sequence[tuple[int, Box, str]], said: Sequence[Example]) -> None:
    pictures = found(*(place(*each) for each in placed))
    reading = learnt(pictures, *said)
    made = apply_pictures(pictures, reading)
    without = {"state": PlacementState.SHOWN, "reason": None}
    assert [each.model_copy(update=without) for each in made.placements] == list(pictures.placements)
    assert all(each.reason for each in made.placements if each.state is not PlacementState.SHOWN)
    assert as_found(made.placements) == pictures.placements
    assert apply_pictures(pictures, reading) == made
    assert learn_pictures(pictures, reading) == reading, "what is learnt again says nothing new"


def names_at(side: PictureSide, gap: float) -> list[Anchor]:
    """Names on the other side of two pictures in a column."""
    below = [Anchor(f"p{n}", (100, 200 + 200 * n + gap, 180, 210 + 200 * n + gap)) for n in (0, 1)]
    above = [Anchor(f"p{n}", (100, 90 + 200 * n - gap, 180, 100 + 200 * n - gap)) for n in (0, 1)]
    return below if side is PictureSide.ABOVE else above


def test_names_pair_with_pictures_on_their_side() -> None:
    """Even if others are nearer."""
    pictures = tuple(place(1, (100, 100 + 200 * n, 200, 200 + 200 * n), f"picture {n}") for n in (0, 1))
    for side in (PictureSide.ABOVE, PictureSide.BELOW):
        for gap in (5.0, 45.0, 60.0):
            places = PagePlaces(EMPTY, pictures, tuple(names_at(side, gap)), (), {}, (), {})
            assert pair_by_side([places], side) == {each.id: f"p{n}" for n, each in enumerate(pictures)}
    both = {"left": place(1, (20, 100, 120, 200), "a"), "right": place(1, (240, 100, 340, 200), "b")}
    names = (Anchor("p", (130, 110, 200, 120)),)
    places = [PagePlaces(EMPTY, tuple(both.values()), names, (), {}, (), {})]
    for side, picture in ((PictureSide.LEFT, "left"), (PictureSide.RIGHT, "right")):
        assert pair_by_side(places, side) == {both[picture].id: "p"}
    near, far, behind = place(1, (100, 100, 200, 200), "near"), place(1, (100, 20, 200, 80), "far"), place(1, PAGE, "b")
    places = [PagePlaces(EMPTY, (far, near, behind), (Anchor("p", (100, 205, 180, 215)),), (), {}, (), {})]
    assert pair_by_side(places, PictureSide.ABOVE) == {near.id: "p"}, "one of several, and no background"


def test_row_without_picture_gets_no_neighbours() -> None:
    """The second row has no name, and the third no picture of its own."""
    pictures = tuple(place(1, (100, 20 + 100 * n, 160, 80 + 100 * n), f"picture {n}") for n in (0, 1, 3, 4))
    names = tuple(Anchor(f"p{n}", (100, 85 + 100 * n, 160, 95 + 100 * n)) for n in (0, 2, 3, 4))
    places = [PagePlaces(EMPTY, pictures, names, (), {}, (), {})]
    expected = {each.id: f"p{n}" for each, n in zip(pictures, (0, 1, 3, 4), strict=True) if n != 1}
    assert pair_by_side(places, PictureSide.ABOVE) == expected
