"""What a page shows, by its texts, pictures and products."""

from collections.abc import Sequence

from swatchbook.catalogue.page_contents import PageFacts, say_contents
from swatchbook.catalogue.page_layout import summarise_page
from swatchbook.records import Block, Box
from tests.catalogue import layouts

BODY = 10.0


def facts(
    number: int, blocks: Sequence[Block], pictures: Sequence[Box] = (), *, names: Sequence[str] = (), **known: object
) -> PageFacts:
    layout = summarise_page(layouts.page(number, blocks, pictures))
    given = {"kind": None, "begin": names, "tabular": 0.0, "shows_products": False, **known}
    return PageFacts(layout=layout, texts=layout.texts, names=names, **given)  # type: ignore[arg-type]


def shown(*pages: PageFacts) -> Sequence[str]:
    return [said for said, _ in say_contents([facts(1, []), *pages, facts(len(pages) + 2, [])], BODY)][1:-1]


def card(number: int, name: str, section: str = "") -> PageFacts:
    blocks = [layouts.text(60, 300, name, 12), *([layouts.text(60, 40, section, 24)] if section else [])]
    return facts(number, blocks, [(60, 100, 400, 290)], names=(name,))


def test_products_go_on_without_a_heading_only_where_sections_have_headings() -> None:
    assert shown(card(2, "Elm"), card(3, "Oak")) == ["products", "products"]
    assert shown(card(2, "Elm", "Tables"), card(3, "Oak")) == ["products", "products_continued"]
    assert shown(card(2, "Elm", "Tables"), card(3, "Oak", "Chairs")) == ["products", "products"]


def test_rows_of_long_cells_are_a_table_unless_a_title_stands_above_them() -> None:
    def rows(title: float) -> PageFacts:
        blocks = [layouts.text(60, 40, "Levels", title), *layouts.prose(60, 200, "Long words of a row. " * 20)]
        return facts(2, blocks, [(60, 200, 90, 230)], names=("Quigo",), tabular=0.25)

    assert shown(rows(16)) == ["table"]
    assert shown(rows(30)) == ["products"]


def test_price_in_each_row_with_a_small_picture_is_a_price_list() -> None:
    blocks = [layouts.text(200, 100 + 60 * n, f"€ {n + 1}5.00") for n in range(4)]
    names = ("Elm", "Oak", "Ash", "Fir")
    small, large = [(60, 100, 90, 130)], [(60, 100, 500, 700)]
    assert shown(facts(2, blocks, small, names=names)) == ["table"]
    assert shown(facts(2, blocks, large, names=names)) == ["products"]


def test_last_page_may_be_a_table() -> None:
    last = facts(2, [layouts.text(60, 40, "Brackets", 14)], tabular=0.5, shows_products=True)
    assert [said for said, _ in say_contents([facts(1, []), last], BODY)] == ["cover", "table"]


def test_page_that_lists_the_titles_of_later_pages_is_contents() -> None:
    names = ["Elm", "Oak", "Ash", "Fir"]
    pages = [facts(n + 3, [layouts.text(60, 40, name, 30)], [(60, 100, 400, 290)]) for n, name in enumerate(names)]
    listed = [layouts.text(60, 100 + 40 * n, f"{n + 1}. {name}") for n, name in enumerate(names)]
    assert shown(facts(2, listed), *pages)[0] == "contents"
    assert shown(facts(2, listed[:3]), *pages)[0] != "contents"


def test_page_of_a_product_that_goes_on_is_a_scene_without_words_and_another_product_with_a_title() -> None:
    first = card(2, "Elm")
    picture = [(0.0, 0.0, 595.0, 842.0)]
    assert shown(first, facts(3, [], picture, names=("Elm",), begin=()))[1] == "scene"
    oak = facts(3, [layouts.text(60, 300, "Oak", 12)], [(60, 100, 400, 290)], names=("Elm",), begin=())
    elm = facts(3, [layouts.text(60, 300, "Elm", 12)], [(60, 100, 400, 290)], names=("Elm",), begin=())
    assert shown(first, oak)[1] == "products"
    assert shown(first, elm)[1] == "products_continued"
