"""A column of codes beside a column of words: the words are names, and the codes are theirs."""

from collections.abc import Callable

import pytest
from test_discover import found_in

from swatchbook.domain.records import Block
from tests.catalogue import layouts
from tests.catalogue.layouts import Document

GOODS = ("Lamp", "Mug", "Tray", "Vase", "Clock", "Bowl", "Stand", "Frame")


def price_list(code: Callable[[int], str], row: Callable[[int, float, str, str], list[Block]]) -> Document:
    """Return four pages of rows of a code, a name and a price, under the name of a series."""
    pages, expected = [layouts.cover()], []
    for number in range(2, 6):
        blocks = [layouts.text(60, 50, f"Series {layouts.NAMES[number]}", 22)]
        for place in range(8):
            n = 8 * (number - 2) + place
            name, y = f"{layouts.NAMES[n % 12]} {GOODS[n // 2 % 8]}", 110.0 + 80 * place
            blocks += [*row(n, y, code(n), name), layouts.text(430, y, f"{10 + n},{n % 10}0 €")]
            expected.append(layouts.ExpectedProduct(name, number, number))
        pages.append(layouts.page(number, blocks))
    return Document([*pages, layouts.contacts(6)], expected)


Row = Callable[[int, float, str, str], list[Block]]


def row(code_at: float, name_at: float, *, bold: bool = False) -> Row:
    """Return what prints a row of a code and a name."""
    return lambda _, y, code, name: [layouts.text(code_at, y, code, bold=bold), layouts.text(name_at, y, name)]


CODE_FIRST = row(60, 200)


@pytest.mark.parametrize("row", [CODE_FIRST, row(60, 200, bold=True), row(260, 60)])
@pytest.mark.parametrize("code", ["AB-{}", "40{}"])
def test_words_are_names_and_codes_are_none(code: str, row: Row) -> None:
    document = price_list(lambda n: code.format(111 + 7 * n), row)
    names = [p.name for p in found_in(document).products]
    assert names == [p.name for p in document.products]


def test_codes_and_words_in_one_row_are_names() -> None:
    document = layouts.card_grid(2, 2)
    renamed = {p.name: f"RK {100 + n}" for n, p in enumerate(document.products) if n % 3 == 0}

    def with_code(block: Block) -> Block:
        words = block.lines[0].spans[0].text
        return layouts.text(*block.bbox[:2], renamed[words], 11) if words in renamed else block

    pages = [page.model_copy(update={"blocks": tuple(map(with_code, page.blocks))}) for page in document.pages]
    names = [p.name for p in found_in(document._replace(pages=pages)).products]
    assert names == [renamed.get(p.name, p.name) for p in document.products]
