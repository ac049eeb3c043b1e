from hypothesis import given
from hypothesis import strategies as st

from swatchbook.domain.records import Box, Line, PlacementState, Sighting, Span, sha256
from swatchbook_catalogue.placements import CAPTION_LENGTH, NEARBY_LENGTH, caption, nearby_text, place_pictures

PAGE: Box = (0, 0, 600, 800)
PICTURE: Box = (100, 100, 300, 250)


def line(text: str, x: float, y: float, size: float = 10, width: float | None = None) -> Line:
    box = (x, y, x + (width or 5 * len(text)), y + size)
    return Line(bbox=box, spans=(Span(text=text, bbox=box, size=size, font="F", bold=False, italic=False, color=0),))


def sighting(page: int = 1, bbox: Box = PICTURE, content: str = "a", **changed: object) -> Sighting:
    key = sha256(content.encode())
    known = {"page_box": PAGE, "kind": "embedded", "xref": int(key[:6], 16), "whole": bbox, "content_key": key}
    return Sighting.model_validate({"page": page, "bbox": bbox, **known, **changed})


def states(*seen: Sighting) -> list[PlacementState]:
    return [placement.state for placement in place_pictures("document", seen)]


SHOWN, HIDDEN, DECORATIVE = PlacementState.SHOWN, PlacementState.HIDDEN, PlacementState.DECORATIVE


def test_large_pictures_are_shown_and_tiny_ones_decorative() -> None:
    assert states(
        sighting(),
        sighting(bbox=(0, 0, 31, 700), content="sliver"),
        sighting(bbox=(0, 0, 50, 50), content="0.5 % of the page"),
        sighting(bbox=(0, 0, 60, 60), content="0.75 % of the page"),
    ) == [SHOWN, DECORATIVE, DECORATIVE, SHOWN]


def test_same_content_is_decorative_only_on_three_pages() -> None:
    assert states(*(sighting(page=n) for n in (1, 2, 3))) == [DECORATIVE] * 3
    assert states(*(sighting(page=n) for n in (1, 2))) == [SHOWN] * 2
    assert states(*(sighting(xref=n) for n in (1, 2, 3))) == [SHOWN] * 3


def test_same_look_is_decorative_unless_its_colour_differs() -> None:
    def seen(page: int, tone: tuple[int, int, int]) -> Sighting:
        return sighting(page=page, content=str(page), phash="00ff" * 4, tone=tone)

    assert states(*(seen(n, (120, 30, 30)) for n in (1, 2, 3))) == [DECORATIVE] * 3
    assert states(*(seen(n, (60 * n, 30, 30)) for n in (1, 2, 3))) == [SHOWN] * 3, "swatches share their shape"


def test_hidden_placements_do_not_count_as_repetition() -> None:
    outside = [sighting(page=n, bbox=(0, 0, 0, 0), shown=0.0, whole=(-300, 0, -100, 100)) for n in (2, 3, 4)]
    assert states(sighting(), *outside) == [SHOWN, HIDDEN, HIDDEN, HIDDEN]


def test_slit_is_hidden_and_half_a_picture_shown() -> None:
    whole = (0, 0, 400, 400)
    assert states(
        sighting(bbox=(0, 0, 5, 400), whole=whole),
        sighting(bbox=(0, 0, 200, 400), whole=whole, content="half"),
        sighting(bbox=(0, 0, 3, 400), whole=(0, 0, 3, 400), content="a rule, all of it seen"),
        sighting(shown=0.3, content="what later paint leaves"),
    ) == [HIDDEN, SHOWN, DECORATIVE, SHOWN]
    (covered,) = place_pictures("document", [sighting(shown=0.0, on_page=True)])
    assert (covered.state, covered.reason) == (HIDDEN, "covered")


@given(st.lists(st.tuples(st.integers(1, 3), st.sampled_from("abc"), st.integers(0, 2)), max_size=12))
def test_every_sighting_becomes_one_placement_with_own_id(drawn: list[tuple[int, str, int]]) -> None:
    seen = [
        sighting(page=page, content=content, bbox=(x * 50, 0, x * 50 + 200, 200))
        for page, content, x in sorted(drawn, key=lambda one: one[0])
    ]
    placements = place_pictures("document", seen)
    assert [(p.page, p.content_key) for p in placements] == [(s.page, s.content_key) for s in seen]
    assert len({p.id for p in placements}) == len(placements)
    assert place_pictures("document", seen) == placements
    assert {p.id for p in place_pictures("another", seen)}.isdisjoint(p.id for p in placements)


MINE, NEIGHBOURS = line("Mine", 150, 260), line("The neighbour's own", 330, 252)
CAPTIONS: list[tuple[list[Line], str | None]] = [
    ([line("Above it", 120, 80), line("Oak natural", 120, 255), line("Further down", 120, 285)], "Oak natural"),
    (
        [line("Oak natural,", 120, 255), line("oiled by hand", 120, 267), line("BIG HEADING", 120, 279, size=18)],
        "Oak natural, oiled by hand",
    ),
    ([MINE, NEIGHBOURS], "Mine"), ([NEIGHBOURS], None), ([line("Above", 150, 85)], "Above"),
    ([line("Beside", 310, 150)], "Beside"), ([line("On it", 150, 150)], "On it"), ([line("12", 150, 255)], None),
    ([line("x" * (CAPTION_LENGTH + 1), 100, 255, width=200)], None), ([line("Far", 150, 300)], None), ([], None),
]  # fmt: skip


def test_caption_is_the_nearest_text_that_qualifies() -> None:
    for lines, expected in CAPTIONS:
        assert caption(PICTURE, lines) == expected


def test_nearby_text_keeps_page_order_and_its_limit() -> None:
    lines = [line("Title", 120, 50), line("Oak", 120, 255), line("Elsewhere", 120, 700)]
    assert nearby_text(PICTURE, lines) == "Title\nOak"
    assert nearby_text(PICTURE, lines[2:]) is None
    assert len(nearby_text(PICTURE, [line("word " * 60, 100, 255 + n) for n in range(9)]) or "") == NEARBY_LENGTH
