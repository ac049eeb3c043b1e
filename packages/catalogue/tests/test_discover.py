"""Products found on generated layouts, as a score table that shows where a change has an effect."""

from statistics import mean

import pytest

from swatchbook.domain.records import Block, Discovery, fold
from swatchbook_base.geometry import turn_back, turn_box
from swatchbook_catalogue.discover import UNSURE, discover
from swatchbook_catalogue.llm.find_products import open_pages
from swatchbook_catalogue.page_layout import normalise_lines
from tests.catalogue import layouts, leaflets
from tests.catalogue.layouts import Document
from tests.tables import check_rows


def found_in(document: Document) -> Discovery:
    return discover(layouts.reading(document), document.pages)


def score(document: Document, discovery: Discovery) -> tuple[float, float, float]:
    """F1 of products (same name on overlapping pages), and their shares with exact pages and with the category."""
    left = list(discovery.products)
    pairs = exact = right = 0
    for expected in document.products:
        named = (p for p in left if fold(p.name) == fold(expected.name))
        match = next((p for p in named if p.first_page <= expected.last and expected.first <= p.last_page), None)
        if match is not None:
            left.remove(match)
            pairs += 1
            exact += (match.first_page, match.last_page) == (expected.first, expected.last)
            right += fold(match.category or "") == fold(expected.category or "")
    f1 = 2 * pairs / (len(document.products) + len(discovery.products)) if document.products else 0.0
    return round(f1, 2), round(exact / max(1, pairs), 2), round(right / max(1, pairs), 2)


@pytest.mark.parametrize("make", layouts.CATALOGUES.values(), ids=layouts.CATALOGUES)
def test_products_found_on_layout(make):
    document = make()
    discovery = found_in(document)
    summary = [(p.name, p.first_page, p.last_page, p.category) for p in discovery.products]
    assert score(document, discovery) == (1.0, 1.0, 1.0), summary
    assert not open_pages(layouts.reading(document), discovery), "a language model would be asked nothing"


@pytest.mark.parametrize("make", layouts.OTHERS.values(), ids=layouts.OTHERS)
def test_no_catalogue_yields_at_most_one_product(make):
    discovery = found_in(make())
    assert len(discovery.products) <= 1, [p.name for p in discovery.products]
    assert discovery.products or discovery.note == UNSURE


def test_leaflets_with_a_handful_of_products_have_them() -> None:
    """These leaflets were not fitted on. Those that fail print more codes or words of praise than names."""
    unseen = [leaflets.leaflet(number) for number in range(100, 140)]
    scores = [score(document, found_in(document))[0] for document in unseen]
    assert mean(scores) >= 0.87, scores


def test_flyers_without_goods_yield_no_product() -> None:
    """All but one: the buildings of an architect have names like those of goods."""
    assert {name for name, make in leaflets.FLYERS.items() if found_in(make()).products} <= {"flyer-projects"}


def coded_cards(extra: list[Block]) -> Document:
    """Four pages of cards with codes, and one that names a product in another way."""
    document = layouts.code_cards()
    return document._replace(
        pages=[*document.pages, layouts.page(5, [*extra, *layouts.foot(5)], [(60, 160, 300, 400)])]
    )


def test_name_in_another_style_is_found_by_code() -> None:
    for extra in (
        [layouts.text(60, 420, "Sill Lantern AC-911, 14,00 €", 8)],
        [layouts.text(60, 420, "AC-911", 8), layouts.text(120, 420, "Sill Lantern", 8)],
        [layouts.text(60, 420, "Sill Lantern", 13), layouts.text(60, 438, "AC-911, 14,00 €", 8)],
    ):
        found = [(p.name, p.code) for p in found_in(coded_cards(extra)).products if p.first_page == 5]
        assert found == [("Sill Lantern", "AC-911")]


@pytest.mark.parametrize(
    ("head", "cells", "products"),
    [
        ("Type", ("F30 HD", "422 HD", "2 inch"), 3), ("Art. No.", ("A-101", "A-102", "A-103"), 3),
        ("Weight, g", ("200", "300", "400"), 1),
    ],
)  # fmt: skip
def test_different_codes_make_products_of_equally_named_rows(head: str, cells: tuple[str, ...], products: int) -> None:
    document = layouts.Document([], [])
    for k in range(3):
        others = [f"{name} {good}" for name, good in zip(layouts.NAMES[4 * k :][:4], layouts.GOODS[:4], strict=True)]
        names = [*3 * [f"Blower {k}"], *others]
        rows = [("Item", head, "Price"), *((name, cells[n % 3], f"€ {n + 3},40") for n, name in enumerate(names))]
        places = [
            (x, 90 + 17 * n, cell) for n, row in enumerate(rows) for x, cell in zip((60, 230, 330), row, strict=True)
        ]
        document.pages.append(layouts.page(k + 1, [*(layouts.text(*place) for place in places), *layouts.foot(k + 1)]))
    found = found_in(document).products
    assert [p.code for p in found if p.name == "Blower 1"] == ([*cells] if products > 1 else [None])


def test_code_of_unlike_form_or_name_adds_nothing() -> None:
    """A known name with its code is the same product."""
    known = layouts.code_cards().products[0].name
    for words in ("Standard EN 14411", f"For hooks {known} AC-400, 9,00 €"):
        assert not [p for p in found_in(coded_cards([layouts.text(60, 420, words, 8)])).products if p.first_page == 5]
    products = found_in(coded_cards([layouts.text(60, 420, f"{known} AC-400, 9,00 €", 8)])).products
    (found,) = (p for p in products if p.code == "AC-400")
    assert found.pages == (1, 5)


def shelves() -> Document:
    """A page of six cards for each heading. Each code is 6 points above its name, and 3 below the name before."""
    wood, pages = ("Oak", "Ash", "Elm", "Pine", "Teak", "Larch"), []
    goods = {"01 Benches": "Hall bench", "02 Tables": "Side table", "03 Shelves": "Wall shelf"}
    for n, (head, good) in enumerate(goods.items()):
        rows = [(110 + 36 * k, f"{good} {each}", f"HB-{100 * n + k + 100}") for k, each in enumerate(wood)]
        texts = [
            t for y, name, code in rows for t in (layouts.text(160, y, code, 8), layouts.text(160, y + 16, name, 14))
        ]
        blocks = [layouts.text(60 + 20 * n, 60, head, 22, bold=True), *texts, *layouts.foot(n + 1)]
        pages.append(layouts.page(n + 1, blocks, [(60, y, 150, y + 34) for y, *_ in rows]))
    return Document(pages, [])


def test_rows_have_their_own_codes_and_headings() -> None:
    found = found_in(shelves()).products
    assert [p.code for p in found] == [f"HB-{100 * n + k + 100}" for n in range(3) for k in range(6)]
    assert [p.category for p in found] == [head for head in ("Benches", "Tables", "Shelves") for _ in range(6)]


def test_box_of_a_turned_page_is_turned_back() -> None:
    page, box = (10.0, 20.0, 605.0, 862.0), (40.0, 50.0, 90.0, 130.0)
    for turn in (0, 90, 180, 270):
        assert turn_back(turn_box(box, page, turn), page, turn) == box, turn


def test_word_that_goes_on_in_the_next_line() -> None:
    check_rows(__file__, "lines", lambda lines: normalise_lines(lines))
