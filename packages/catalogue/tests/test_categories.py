"""Which headings are categories: those of the style that divides the names."""

from collections.abc import Sequence

import pytest

from swatchbook_catalogue.categories import find_categories
from swatchbook_catalogue.discover import lay_out
from tests.catalogue.layouts import Document, page, reading, text

Head = tuple[float, float, str, float]  # x, y, words, size
NAMES = ("Oslo", "Bergen", "Narvik", "Tromsø")

GOODS = ["Tables", "Chairs", "Lamps", "Beds", "Desks"]
COLUMNS = [(60, 60, "Tables", 20), (320, 60, "Chairs", 20)]
PAGES = {
    "larger": ([[(60, 60, "Tables", 20)], [(60, 60, "Chairs", 20)]], ["Tables", "Chairs"]),
    "smaller, on each page": ([[(60, 60, "TABLES", 9)], [(60, 60, "CHAIRS", 9)]], ["TABLES", "CHAIRS"]),
    "shrunk to its line": ([[(60, 60, "Tables", 20)], [(60, 60, "Garden chairs", 18)]], ["Tables", "Garden chairs"]),
    "with its maker": (
        [[(400, 20, "Nord & Co", 20), (60, 60, words, 20)] for words in ("First", *GOODS, "Last")],
        GOODS,
    ),
    "in columns": ([COLUMNS, [(60, 60, "Lamps", 20)]], ["Tables", "Lamps", "Chairs"]),
    "above a column's head": (
        [[(60, 60, words, 20), (60, 84, "Model", 20)] for words in ("Tables", "Chairs")],
        ["Tables", "Chairs"],
    ),
    "above a larger one": (
        [
            [(60, 60, words, 20), (60, 88, "Garden" if words == "Lamps" else "", 26)]
            for words in ("First", *GOODS, "Last")
        ],
        ["Tables", "Chairs", "Beds", "Desks"],
    ),
    "one for most": ([[(60, 60, words, 20)] for words in ("Price list", "Price list", "Tables")], []),
    "one for all": ([[(60, 60, "Tables", 20)], []], []),
    "below the names": ([[(60, 700, "Made by hand", 20)], [(60, 700, "Made to last", 20)], []], []),
    "values": ([[(60, 60, "Preis: 5,00 €", 20)], [(60, 60, "Preis: 7,00 €", 20)]], []),
    "numbers of pieces": ([[(60, 60, "5 .pcs", 20)], [(60, 60, "3 .pcs", 20)]], []),
    "heads of prices": ([[(500, 60, words, 20), (500, 90, "5,00 €", 12)] for words in ("Wholesale", "Retail")], []),
}


@pytest.mark.parametrize(("heads", "categories"), PAGES.values(), ids=PAGES)
def test_headings_that_divide_names_are_categories(heads: Sequence[Sequence[Head]], categories: list[str]) -> None:
    pages = []
    for number, of_page in enumerate(heads, 1):
        names = [text(60 + 260 * (n % 2), 120 + 200 * (n // 2), f"{name} {number}", 12) for n, name in enumerate(NAMES)]
        pages.append(page(number, [*(text(*head) for head in of_page), *names]))
    document, _ = lay_out(reading(Document(pages, [])), pages)
    texts = [each for layout in document.layouts for each in layout.texts if each.text.startswith(NAMES)]
    found, _ = find_categories(document, texts)
    assert sorted(set(found.values())) == sorted(categories)
