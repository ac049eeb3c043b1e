"""Products found on generated layouts, as a score table that shows where a change has an effect."""

from statistics import mean

import pytest

from swatchbook.catalogue.discover import UNSURE, discover
from swatchbook.catalogue.page_layout import normalise_lines
from swatchbook.records import Discovery, fold
from tests.catalogue import layouts, leaflets
from tests.catalogue.layouts import Document, ExpectedProduct


def found_in(document: Document) -> Discovery:
    return discover(layouts.reading(document), document.pages)


def score(document: Document, discovery: Discovery) -> tuple[float, float, float]:
    """F1 of products (same name on overlapping pages), and their shares with exact pages and with the category."""
    left = list(discovery.products)
    pairs: list[tuple[ExpectedProduct, object]] = []
    exact = right = 0
    for expected in document.products:
        match = next(
            (
                p
                for p in left
                if fold(p.name) == fold(expected.name)
                and p.first_page <= expected.last
                and expected.first <= p.last_page
            ),
            None,
        )
        if match is not None:
            left.remove(match)
            pairs.append((expected, match))
            exact += (match.first_page, match.last_page) == (expected.first, expected.last)
            right += fold(match.category or "") == fold(expected.category or "")
    f1 = 2 * len(pairs) / (len(document.products) + len(discovery.products)) if document.products else 0.0
    return round(f1, 2), round(exact / max(1, len(pairs)), 2), round(right / max(1, len(pairs)), 2)


CATALOGUES = [
    (layouts.heading_and_specification, (1.0, 1.0, 1.0)),
    (layouts.german, (1.0, 1.0, 1.0)),
    (layouts.long_sections, (1.0, 1.0, 1.0)),
    (layouts.card_grid, (1.0, 1.0, 1.0)),
    (lambda: layouts.card_grid(3, 3), (1.0, 1.0, 1.0)),
    (layouts.cards_beside, (1.0, 1.0, 1.0)),
    (layouts.code_table, (1.0, 1.0, 1.0)),
    (layouts.spreads, (1.0, 1.0, 1.0)),
    (layouts.mid_page_starts, (1.0, 1.0, 1.0)),
    (layouts.repeated_names, (1.0, 1.0, 1.0)),
    (layouts.names_with_attributes, (1.0, 1.0, 1.0)),
    (layouts.code_cards, (1.0, 1.0, 1.0)),
    (layouts.captions_of_one_product, (1.0, 1.0, 1.0)),
    (layouts.coded_colours, (1.0, 1.0, 1.0)),
    (lambda: layouts.coded_colours()._replace(outline=[]), (1.0, 1.0, 1.0)),
]


@pytest.mark.parametrize(("make", "expected"), CATALOGUES)
def test_products_found_on_layout(make, expected):
    document = make()
    discovery = found_in(document)
    summary = [(p.name, p.first_page, p.last_page, p.category) for p in discovery.products]
    assert score(document, discovery) == expected, summary


@pytest.mark.parametrize(
    "make",
    [layouts.lecture, layouts.report, layouts.form, layouts.letter, layouts.team, layouts.novel, layouts.scanned],
)
def test_document_that_is_no_catalogue_yields_at_most_one_product(make):
    discovery = found_in(make())
    assert len(discovery.products) <= 1, [p.name for p in discovery.products]
    assert discovery.products or discovery.note == UNSURE


def test_leaflets_with_a_handful_of_products_have_them() -> None:
    """These leaflets were not fitted on. Those that fail print more codes or words of praise than names."""
    unseen = [leaflets.leaflet(number) for number in range(100, 140)]
    scores = [score(document, found_in(document))[0] for document in unseen]
    assert mean(scores) >= 0.9, scores


@pytest.mark.parametrize("name", [name for name in leaflets.FLYERS if name != "flyer-programme"])
def test_flyer_without_goods_yields_no_product(name: str) -> None:
    assert found_in(leaflets.FLYERS[name]()).products == ()


@pytest.mark.parametrize(
    ("lines", "joined"),
    [
        (["Eichen\u00ad", "holz für Böden"], ("Eichenholz", "für Böden")),
        (["for the photo\u00ad", "graph"], ("for the photograph",)),
        (["oiled and brushed, up-to-", "date finish"], ("oiled and brushed, up-to-date", "finish")),
        (["Innen- ", "und Außentüren"], ("Innen-", "und Außentüren")),
        (["Montage-", "Set"], ("Montage-", "Set")),
        (["28,490/-", "each"], ("28,490/-", "each")),
        (["Zwi\u00adschen raum"], ("Zwischen raum",)),
    ],
)
def test_word_that_goes_on_in_the_next_line_is_whole(lines: list[str], joined: tuple[str, ...]) -> None:
    assert normalise_lines(lines) == joined
