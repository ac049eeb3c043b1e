"""Where the region below a name begins and ends, and which headings are the categories of names."""

from collections.abc import Sequence

import pytest

from swatchbook.domain.records import Block, Box
from swatchbook_catalogue.choose_names import Choice, Weights
from swatchbook_catalogue.discover import discover, lay_out
from swatchbook_catalogue.name_groups import NameGroup
from swatchbook_catalogue.sections import find_sections
from tests.catalogue import layouts
from tests.catalogue.layouts import Document, contacts, cover, page, prose, text


def regions(*blocks: Block, names: tuple[str, ...]) -> dict[str, Box]:
    own = [text(60, 700 + 14 * n, "Words of the text of the page, as long as others are here") for n in range(8)]
    shown = page(1, [*blocks, *own])
    document, _ = lay_out(layouts.reading(Document([shown], [])), [shown])
    (layout,) = document.layouts
    heads = [each for each in layout.texts if each.text in names]
    styles = {document.family[each.style] for each in heads}
    found = find_sections(document, styles, {(1, each.box): each.text for each in heads})
    return {section.name: box for section in found for _, box in section.regions}


def test_headings_and_prices_above_names_end_no_section() -> None:
    for large in ("Rp149.000", "Valor unitário:"):
        blocks = [text(60, 100, "Oslo", 16), text(60, 200, large, 18), text(60, 400, "Bergen", 16)]
        assert regions(*blocks, names=("Oslo", "Bergen"))["Oslo"][3] == pytest.approx(400, abs=2)
    blocks = [text(64, 100, "Chrysanthemums", 20), text(60, 124, "Oslo", 16), text(300, 124, "Bergen", 16)]
    found = regions(*blocks, names=("Oslo", "Bergen"))
    assert found["Oslo"][2] == pytest.approx(292, abs=2)
    assert found["Bergen"][0] == pytest.approx(292, abs=2)


RANGES = [
    ("Bowls", "Finishes", ("Deep Bowl Tarn", "Small Bowl Fell"), ("Ash Glaze", "Iron Glaze")),
    ("Bürsten", "Zubehör", ("Besen Anton", "Handfeger Ida"), ("Stiel Erle", "Halter Messing")),
    ("Pinceaux", "Couleurs", ("Pinceau plat Rhône", "Pinceau rond Isère"), ("Laque grenat", "Encre de seiche")),
]


def ranges(*headed: tuple[str, tuple[str, ...]], beside: bool) -> Document:
    """A page for each heading, with its names at pictures or above descriptions."""
    pages = [cover()]
    for number, (words, names) in enumerate(headed, 2):
        blocks, pictures = [text(300, 70, words, 22)], list[Box]()
        for n, name in enumerate(names):
            y = 180 + 300 * n
            pictures += [(60, y, 250, y + 180)] if beside else []
            x = 300 if beside else 60
            blocks += [
                text(x, y, name, 14, bold=True),
                *prose(x, y + 30, "Made by hand in a small workshop. " * 3, 9, 40),
            ]
            blocks += [text(x, y + 90, f"{number}{n},50 €", 9)]
        pages.append(page(number, blocks, pictures))
    return Document(pages, [])


def products_of(document: Document) -> dict[str, tuple[str | None, tuple[int, ...]]]:
    """Return the category and pages of each product, whose names are the bold texts."""

    def choose(groups: Sequence[NameGroup], _weights: Weights) -> Choice:
        bold = {(c.text.page, c.text.box): c for g in groups for c in g.candidates if c.text.bold}
        names = tuple(bold[at] for at in sorted(bold))
        return Choice(names, frozenset(), frozenset(c.text.style for c in names), 0.9, dict.fromkeys(names, 0.9), {})

    found = discover(layouts.reading(document), document.pages, choose=choose).products
    assert len({product.name for product in found}) == len(found)
    return {product.name: (product.category, product.pages) for product in found}


@pytest.mark.parametrize("beside", [True, False], ids=["cards", "sections"])
@pytest.mark.parametrize(("plain", "label", "goods", "others"), RANGES)
def test_label_set_like_a_heading_is_a_category(plain, label, goods, others, beside) -> None:
    headed = [(plain, goods), (label, others)]
    for first, second in (headed, headed[::-1]):
        categories = {
            name: (words, (number,)) for number, (words, names) in enumerate((first, second), 2) for name in names
        }
        assert products_of(ranges(first, second, beside=beside)) == categories


def test_label_elsewhere_on_its_page_is_no_category() -> None:
    plates = "Plates", ("Deep Plate Beck", "Small Plate Gill")
    bowls = "Bowls", ("Deep Bowl Tarn", "Small Bowl Fell")
    document = ranges(plates, bowls, ("", ("Ash Glaze", "Iron Glaze")), beside=True)
    last = document.pages[-1]
    document.pages[-1] = page(4, [text(60, 500, "Finishes", 22), *last.blocks[1:]], [p.bbox for p in last.drawn])
    assert {category for category, _ in products_of(document).values()} == {"Plates", "Bowls"}


def test_product_shown_again_below_a_label_is_one() -> None:
    names = ("Deep Bowl Tarn", "Small Bowl Fell")
    document = ranges(("Bowls", names), ("Technical data", names), beside=True)
    assert products_of(document) == dict.fromkeys(names, ("Bowls", (2, 3)))


def test_label_set_like_names_continues_the_product_before() -> None:
    pages = [
        page(number, [text(60, 60, words, 22, bold=True), *prose(60, 100, "Fired twice, glazed once. " * 9, 9)])
        for number, words in enumerate(("Tarn", "Technical data", "Fell", "Beck"), 2)
    ]
    found = products_of(Document([cover(), *pages, contacts(6)], []))
    assert [where for _, where in found.values()] == [(2, 3), (4,), (5,)]
