"""What a page shows, by its texts, pictures and products, and the reasons in words."""

from collections.abc import Sequence

from swatchbook.catalogue.page_contents import say_contents, shipped_weights
from swatchbook.catalogue.page_features import PageFacts, measure_pages
from swatchbook.catalogue.page_layout import summarise_page
from swatchbook.records import Block, Box
from tests.catalogue import layouts

BODY = 10.0
FULL: Box = (0.0, 0.0, 595.0, 842.0)
WIDE: Box = (60.0, 100.0, 400.0, 290.0)
PICTURED = [layouts.text(60, 300, "In use", 12)]
PROSE = layouts.prose(60, 100, "Long words of a text about the maker and the works. " * 30)


def facts(
    number: int, blocks: Sequence[Block], pictures: Sequence[Box] = (), *, names: Sequence[str] = (), **known: object
) -> PageFacts:
    layout = summarise_page(layouts.page(number, blocks, pictures))
    given = {"kind": None, "begin": names, "tabular": 0.0, "shows_products": bool(names), **known}
    return PageFacts(layout=layout, texts=layout.texts, names=names, **given)  # type: ignore[arg-type]


def card(number: int, name: str) -> PageFacts:
    return facts(number, [layouts.text(60, 300, name, 12)], [WIDE], names=(name,))


def catalogue(*inside: PageFacts) -> list[PageFacts]:
    """Return a cover, these pages from the second on, six cards and a last page with addresses."""
    cards = [card(len(inside) + n, name) for n, name in enumerate(("Elm", "Oak", "Ash", "Fir", "Yew", "Box"), 2)]
    last = [layouts.text(60, 100 + 20 * n, f"www.maker{n}.example") for n in range(5)]
    return [
        facts(1, [layouts.text(60, 60, "Catalogue 2026", 30)], [FULL], kind="cover"),
        *inside,
        *cards,
        facts(len(inside) + 8, last, kind="contacts"),
    ]


def measured(*inside: PageFacts) -> dict[str, float]:
    return measure_pages(catalogue(*inside), BODY)[1]


def test_cover_products_text_and_blank_pages_are_told() -> None:
    said = say_contents(catalogue(facts(2, PROSE), facts(3, [], kind="blank")), BODY)
    assert [shown for shown, _ in said[:5]] == ["cover", "text", "blank", "products", "products"]
    assert said[-1][0] in ("contact", "back")
    assert said[2][1] == "nothing is on it"


def test_reasons_are_words_of_the_strongest_features() -> None:
    said = say_contents(catalogue(), BODY)
    assert "the first page" in said[0][1]
    assert "names Elm" in said[1][1]
    assert all(0 < len(why.split("; ")) <= 2 for _, why in said)


def test_every_feature_has_a_weight_for_each_kind() -> None:
    assert measured(card(2, "Elm")).keys() == shipped_weights().features.keys()


def test_page_that_lists_the_titles_of_later_pages_is_contents() -> None:
    listed = [layouts.text(60, 100 + 40 * n, f"{n + 1}. {name}") for n, name in enumerate(("Elm", "Oak", "Ash", "Fir"))]
    assert (
        measured(facts(2, listed))["lists"]
        > measured(facts(2, listed[:2]))["lists"]
        > measured(facts(2, PROSE))["lists"]
        == 0
    )
    page = facts(2, listed, kind="index")
    assert say_contents(catalogue(page), BODY)[1][0] == "contents"


def test_rows_of_a_price_list_are_a_table() -> None:
    blocks = [
        layouts.text(60 + 130 * k, 100 + 20 * n, words)
        for n in range(30)
        for k, words in enumerate(("Elm", "4 mm", "A1", f"€ {n}.50"))
    ]
    page = facts(2, blocks, tabular=0.9, shows_products=True)
    assert say_contents(catalogue(page), BODY)[1][0] == "table"


def test_products_of_the_page_before_go_on_where_none_begins() -> None:
    shown, why = say_contents(catalogue(card(2, "Pine"), facts(3, PICTURED, [WIDE], names=("Pine",), begin=())), BODY)[
        2
    ]
    assert (shown, why) == ("products_continued", "goes on with Pine")


def test_last_page_is_contact_with_an_address_and_back_without() -> None:
    pages = catalogue()
    assert say_contents(pages, BODY)[-1][0] == "contact"
    assert say_contents([*pages[:-1], facts(8, [layouts.text(60, 100, "Maker", 20)])], BODY)[-1][0] == "back"


def test_document_without_pages_says_nothing() -> None:
    assert say_contents([], BODY) == []
