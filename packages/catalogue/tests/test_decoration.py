"""What is small or repeated is judged by what stands around it."""

from test_pictures import DECORATIVE, SHOWN, line, sighting

from swatchbook.domain.records import Box, Line, LostPicture, PlacementState, Sighting
from swatchbook_catalogue.decoration import contexts, find_repeated, without_repeated
from swatchbook_catalogue.placements import place_pictures

SMALL: Box = (100, 100, 148, 140)
"""48 × 40 points are 0.4 % of the page."""


def state(pictures: list[Sighting], lines: list[Line]) -> list[PlacementState]:
    judged = [
        picture.model_copy(update={"context": context})
        for picture, context in zip(pictures, contexts(pictures, lines), strict=True)
    ]
    return [placement.state for placement in place_pictures("document", judged)]


def test_small_picture_is_shown_only_in_a_row() -> None:
    stone = line("Paving stone", 20, 115)
    for figure in ("18", "0431430", "€ 12.50", "AB-1204", "1’900"):
        assert state([sighting(bbox=SMALL)], [stone, line(figure, 170, 115)]) == [SHOWN], figure
    icon_in_a_list = [line("Waterproof", 170, 115), line("for many years", 170, 127)]
    contact = [line("mail@maker.example", 170, 110), line("0301234", 170, 125)]
    for lines in ([], [stone, line("18", 170, 300)], icon_in_a_list, contact):
        assert state([sighting(bbox=SMALL)], lines) == [DECORATIVE], lines


def test_size_place_and_paint_decide_what_is_decorative() -> None:
    large, slight = (100, 100, 400, 400), (100, 100, 142, 125)
    for expected, seen in (
        (SHOWN, {"bbox": SMALL, "kind": "region"}),  # a small part of a raster
        (DECORATIVE, {"bbox": (100, 100, 160, 130), "kind": "region"}),
        (DECORATIVE, {"bbox": slight, "kind": "region"}),
        (SHOWN, {"bbox": slight, "kind": "region", "page_box": (0, 0, 288, 432)}),
        (DECORATIVE, {"bbox": large, "opacity": 0.5, "shown": 0.95}),  # a faint background
        (SHOWN, {"bbox": large, "opacity": 0.4, "shown": 0.12}),  # thin lines on a clear ground
        (SHOWN, {"bbox": large, "opacity": 0.85, "shown": 0.95}),
        *((DECORATIVE, {"bbox": band}) for band in [(0, 0, 595, 128), (0, 720, 595, 842)]),  # low, along an edge
        *((SHOWN, {"bbox": box}) for box in [(0, 0, 595, 260), (0, 300, 595, 428), (40, 0, 555, 100)]),
    ):
        assert state([sighting(**seen)], []) == [expected], seen  # type: ignore[arg-type]
    cells = [line("Paving stone", 20, 110), line("18", 470, 110)]
    for rule_or_speck in ((100, 100, 400, 122), (100, 105, 114, 119)):
        assert state([sighting(bbox=rule_or_speck)], cells) == [DECORATIVE], "whatever stands beside it"


def test_small_copies_that_overlap_are_one_large_picture() -> None:
    feet = [sighting(bbox=(x, y, x + 44, y + 58), xref=7) for x, y in ((82, 624), (56, 638), (108, 638), (82, 664))]
    assert state(feet, []) == [SHOWN] * 4
    assert state(feet[:1], []) == [DECORATIVE]
    assert state([foot.model_copy(update={"xref": n}) for n, foot in enumerate(feet)], []) == [DECORATIVE] * 4
    assert state([sighting(bbox=(50 * n, 100, 50 * n + 44, 158), xref=7) for n in range(4)], []) == [DECORATIVE] * 4


def test_slim_picture_level_with_its_neighbour_is_shown() -> None:
    large, slim = sighting(bbox=(100, 100, 140, 215)), sighting(bbox=(142, 120, 168, 216))
    assert state([large, slim], []) == [SHOWN, SHOWN]
    assert state([slim, sighting(bbox=(170, 118, 197, 215))], []) == [SHOWN, SHOWN], "two slim bottles"
    for bbox in [(142, 60, 168, 156), (220, 120, 246, 216), (142, 190, 168, 216), (142, 20, 160, 216)]:
        assert state([large, sighting(bbox=bbox)], []) == [SHOWN, DECORATIVE], "elsewhere, an icon, a rule"


def test_look_alikes_with_different_captions_are_products() -> None:
    def seen(captions: tuple[str, ...], size: float = 300, content: str | None = None) -> set[int]:
        return find_repeated(
            [
                sighting(page=3 * n, bbox=(100, 100, 100 + size, 100 + size), content=content or str(n),
                         phash="0f" * 8, tone=(100, 100, 100), caption=caption)
                for n, caption in enumerate(captions, 1)
            ]
        )  # fmt: skip

    assert seen(("Primer", "Lacquer", "Putty")) == set()
    assert seen(("Primer", "Primer", "Putty")) == {0, 1, 2}
    assert seen(("Primer", "Lacquer", "Putty"), size=60) == {0, 1, 2}, "a small one is a logo beside other texts"
    assert seen(("Primer", "Lacquer", "Putty"), content="same") == {0, 1, 2}, "the same pixels are one picture"


def test_large_picture_on_few_consecutive_pages_is_shown() -> None:
    def seen(*pages: int, caption: str = "Alder") -> set[int]:
        return find_repeated([sighting(page=page, bbox=(100, 100, 400, 400), caption=caption) for page in pages])

    assert seen(4, 5, 6) == set()
    assert seen(4, 5, 6, 7, 8, 9) == set(range(6)), "a frame"
    assert seen(4, 5, 9) == {0, 1, 2}


def test_large_picture_moving_with_captions_is_no_ornament() -> None:
    def seen(*places: tuple[float, str | None], side: float = 300, context: str | None = None) -> set[int]:
        return find_repeated(
            [
                sighting(page=3 * n, bbox=(100, top, 100 + side, top + side), content="house", caption=caption)
                .model_copy(update={"context": context})
                for n, (top, caption) in enumerate(places, 1)
            ]
        )  # fmt: skip

    assert seen((500, "Clear glass"), (360, "Cold climate"), (370, "Hot climate")) == set()
    assert seen((500, "Clear glass"), (360, "Room"), (370, "Room")) == set(), "a label on two of them"
    assert seen((360, "Clear glass"), (360, "Cold climate"), (370, "Hot climate")) == {0, 1, 2}, "at one place"
    assert seen((500, "Clear glass"), (360, "Clear glass"), (370, None)) == {0, 1, 2}, "without captions of their own"
    assert seen(*((100.0 + 50 * n, f"Glass {n}") for n in range(6))) == set(range(6)), "on many pages"
    bars = (143.0, "Bar"), (245.0, "Bar, long"), (130.0, "Bar, section")
    assert seen(*bars, side=40) == {0, 1, 2}, "a logo"
    assert seen(*bars, side=40, context="table row") == set()


def test_nearly_equal_signs_in_one_place_are_repeated() -> None:
    def seen(bits: int = 3, moved: float = 5, tone: int = 234, side: float = 80, top: float = 10) -> set[int]:
        def sign(n: int) -> Sighting:
            left, phash = 100 + moved * n, f"{(1 << 20) + ((1 << bits) - 1 if n == 1 else 0):016x}"
            look = {"phash": phash, "tone": (tone if n == 1 else 234, 234, 230), "caption": f"Text {n}"}
            return sighting(page=4 * n, bbox=(left, top, left + side, top + 60), content=str(n), **look)

        return find_repeated([sign(n) for n in range(3)])

    assert seen() == {0, 1, 2}
    assert seen(bits=9) == set(), "another look"
    assert seen(moved=30) == set(), "another place"
    assert seen(tone=180) == set(), "another colour"
    assert seen(side=900) == set(), "too large for a sign"
    assert seen(top=400) == set(), "amid the page"


def test_repeated_parts_are_no_lost_pictures() -> None:
    def seen(page: int, left: float, phash: str | None) -> LostPicture:
        return LostPicture(page=page, bbox=(left, 100, left + 90, 190), share=0.02, phash=phash)

    strips = [seen(1, left, f"0f0f0f0f0f0f0f{left % 16:02x}") for left in (1, 200, 400)]
    photographs = [seen(1, 600, "1234567812345678"), seen(2, 40, "8765432187654321"), seen(3, 40, None)]
    assert without_repeated([*strips, *photographs]) == tuple(photographs)
    twice = [seen(1, 300, "a5a5a5a5a5a5a5a5"), seen(2, 40, "a5a5a5a5a5a5a5a5")]
    assert without_repeated(twice) == tuple(twice), "a drawing that moves is one"
    assert without_repeated([seen(1, 300, "a5a5a5a5a5a5a5a5"), seen(2, 304, "a5a5a5a5a5a5a5a5")]) == ()
