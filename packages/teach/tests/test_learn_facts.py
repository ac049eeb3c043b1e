"""What follows from a code or price that a person shows, on documents made by lot."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from swatchbook.domain.records import Box, Discovery, Example, Shown, TaughtReading
from swatchbook_catalogue.describe import describe_all
from swatchbook_catalogue.discover import discover
from swatchbook_teach.learning.pair_facts import Spot, find_owners, pair
from swatchbook_teach.learning.propose import preview, propose
from swatchbook_teach.learning.taught_products import discover_taught
from swatchbook_teach.learning.texts import DocumentTexts, collect_texts
from swatchbook_teach.records import Proposal
from tests.catalogue import layouts, plain
from tests.catalogue.layouts import GOODS, NAMES, Document, ExpectedProduct

ODD_PRICES = {
    "request": lambda n: f"on request {12 + n},-",
    "piece": lambda n: f"{12 + n}.50 / pc",
    "bare": lambda n: f"{12 + n}",
}


def _rows(price: str = "request", *, every: int = 1) -> Document:
    """Return a list of articles: name, measure, code and price in columns; a price in each row or each second one."""
    pages, expected = [layouts.cover()], []
    for k in range(3):
        blocks = [layouts.text(50, 60, ("Hinges", "Handles", "Locks")[k], 24), *layouts.foot(k + 2)]
        for n in range(8):
            name, y = f"{NAMES[n]} {GOODS[(n + k) % 8]}", 120 + 40 * n
            blocks += [
                layouts.text(50, y, name, 11, bold=True),
                layouts.text(210, y + 1, f"{200 + n} mm", 9),
                layouts.text(300, y + 1, f"no {10 * k + n} of {k}", 9),
            ]
            blocks += [layouts.text(420, y + 1, ODD_PRICES[price](n), 9)] if n % every == 0 else []
            blocks += [layouts.text(50, y + 16, "oiled by hand, for long evenings", 8)]
            expected.append(ExpectedProduct(name, k + 2, k + 2))
        pages.append(layouts.page(k + 2, blocks))
    return Document(pages, expected)


def _texts(document: Document) -> DocumentTexts:
    return collect_texts(layouts.reading(document), document.pages)


def _example(texts: DocumentTexts, words: str, what: Shown, part: str | None = None, *, right: bool = True) -> Example:
    text = next(t for t in texts.texts if t.text.text == words)
    return Example(page=text.page, box=text.box, text=part or words, what=what, right=right)


def _propose(document: Document, *shown: tuple[str, Shown, str | None]) -> Proposal:
    texts = _texts(document)
    return propose(texts, layouts.reading(document), [_example(texts, *each) for each in shown])[0]


def _read(document: Document, taught: TaughtReading) -> Discovery:
    return discover_taught(layouts.reading(document), document.pages, taught)


Offset = tuple[float, float]

ARRANGED: Mapping[str, tuple[int, int, Offset, Offset, Offset, Offset]] = {
    "grid": (3, 4, (180, 170), (0, 110), (0, 126), (0, 142)),
    "list": (1, 20, (0, 30), (70, 0), (0, 0), (250, 0)),
    "two lists": (2, 20, (270, 30), (60, 0), (0, 0), (200, 0)),
    "cards": (3, 3, (180, 240), (0, 150), (0, 0), (110, 175)),
}
"""Columns and rows, the step from cell to cell, and where in a cell the name, the code and the price are."""


@pytest.mark.parametrize("arrangement", ARRANGED)
def test_no_row_or_cell_gets_its_neighbours_value(arrangement: str) -> None:
    columns, rows, step, *spots = ARRANGED[arrangement]
    blocks, expected = [layouts.text(50, 30, "Boards", 24)], dict[str, tuple[str | None, str | None]]()
    for n in range(columns * rows):
        x, y = 50 + n % columns * step[0], 80 + n // columns * step[1]
        name = f"{NAMES[n % 12]} {GOODS[n // 12]}"
        price = f"{12 + n}.50" if n % 7 != 3 else "sold out" if n % 2 else None
        said = (name if n % 7 != 6 else None, None if n % 5 == 4 else f"AB-{1000 + n}", price)
        blocks += [
            layouts.text(x + right, y + down, words, size, bold=words == name)
            for (right, down), words, size in zip(spots, said, (11, 8, 9), strict=True)
            if words
        ]
        expected |= {name: (said[1], None if price == "sold out" else price)} if said[0] else {}
    first, second = f"{NAMES[0]} {GOODS[0]}", f"{NAMES[1]} {GOODS[0]}"
    shown = [(first, Shown.NAME, None), (second, Shown.NAME, None), ("AB-1000", Shown.CODE, None)]
    proposal = _propose(Document([layouts.cover(), layouts.page(2, blocks)], []), *shown, ("12.50", Shown.PRICE, None))
    pairs = [
        (found, right)
        for each in proposal.names
        for found, right in zip((each.code, each.price), expected[each.name], strict=True)
    ]
    assert {(found, right) for found, right in pairs if found and found != right} == set()
    assert sum(found == right for found, right in pairs) > 0.9 * len(pairs)


def test_one_odd_code_or_price_leads_to_all() -> None:
    document = _rows()
    proposal = _propose(document, ("no 1 of 0", Shown.CODE, None))
    assert (proposal.coded, proposal.priced, proposal.products) == (24, 0, 24)
    assert not proposal.reading.names_are_taught
    found = _read(document, proposal.reading)
    assert [p.code for p in found.products] == [f"no {10 * k + n} of {k}" for k in range(3) for n in range(8)]
    assert [each.code for each in proposal.names] == [p.code for p in found.products]
    for price, shown, part, every, values in (
        ("request", "on request 12,-", "12,-", 1, [f"{12 + n},-" for n in range(8)]),
        ("request", "on request 12,-", None, 1, [f"on request {12 + n},-" for n in range(8)]),
        ("piece", "14.50 / pc", None, 1, [f"{12 + n}.50 / pc" for n in range(8)]),
        ("piece", "14.50 / pc", None, 2, [f"{12 + n}.50 / pc" for n in range(0, 8, 2)]),
        ("bare", "14", None, 1, [f"{12 + n}" for n in range(8)]),
    ):
        document = _rows(price, every=every)
        proposal = _propose(document, (shown, Shown.PRICE, part))
        assert (proposal.products, proposal.priced, proposal.coded) == (24, 3 * len(values), 0)
        found = _read(document, proposal.reading)
        assert [bool(p.taught) for p in found.products] == [n % every == 0 for n in range(24)]
        described = describe_all(found, document.pages, ())
        assert [each.metadata["price"] for each in described[::every]] == values * 3
        assert {fact.rule for each in described for fact in each.facts if fact.key == "price"} == {"taught"}


def test_counter_example_narrows() -> None:
    document = _rows()
    texts, reading = _texts(document), layouts.reading(document)
    measures = propose(texts, reading, [_example(texts, "201 mm", Shown.CODE)])[0]
    assert measures.coded == 24
    right = _example(texts, "no 1 of 0", Shown.CODE)
    wrong = _example(texts, "no 2 of 0", Shown.CODE, right=False)
    narrowed = propose(texts, reading, [right, wrong])[0]
    codes = [each.code for each in narrowed.names]
    assert "no 1 of 0" in codes
    assert "no 2 of 0" not in codes
    assert narrowed.coded >= 20
    again = _read(document, narrowed.reading)
    assert [p.code for p in again.products if p.taught] == [code for code in codes if code]


def test_fact_rules_hold_elsewhere_and_drawn_values_locally() -> None:
    document = _rows()
    taught = _propose(document, ("no 1 of 0", Shown.CODE, None), ("on request 12,-", Shown.PRICE, "12,-")).reading
    other = Document([layouts.cover(), *(document.pages[n] for n in (3, 1))], [])
    found = preview(_texts(other), layouts.reading(other), taught.rules_only)
    assert (found.products, found.coded, found.priced) == (16, 16, 16)
    names = [Spot(1, (0, 0, 500, 800)), Spot(1, (0, 10, 500, 20))]
    assert pair(find_owners(names, [Spot(1, (400, 10, 500, 20))]), np.arange(1)) == {1: 0}, "it is the smallest's"
    texts = _texts(document)
    name = texts.texts[int(texts.found.nonzero()[0][0])]
    _, y0, x1, y1 = name.box
    drawn = Example(page=name.page, box=(x1 + 5, y0, x1 + 40, y1), text="H-1", what=Shown.CODE)
    proposal = propose(texts, layouts.reading(document), [drawn])[0]
    assert [(each.name, each.code) for each in proposal.names if each.code] == [(name.name, "H-1")]
    texts = replace(texts, document=replace(texts.document, kinds={1: "cover", 2: "cover", 3: None, 4: None}))
    shown = [_example(texts, f"{NAMES[n]} {GOODS[n]}", Shown.NAME) for n in (0, 1)]
    assert 2 in propose(texts, layouts.reading(document), shown)[0].pages, "a page with shown names is no cover"


@cache
def _lists(number: int) -> tuple[Document, DocumentTexts, Discovery]:
    document = plain.price_list(number)
    return document, _texts(document), discover(layouts.reading(document), document.pages)


def _places(found: Discovery) -> set[tuple[str, int, Box]]:
    """Return each place of each product; products of one name are apart where their codes differ, and else joined."""
    return {(p.name, place.page, place.bbox) for p in found.products for place in p.occurrences}


@settings(max_examples=settings().max_examples // 5, phases=(Phase.explicit, Phase.generate))
@given(
    st.integers(1, 5),
    st.lists(
        st.tuples(st.integers(0, 400), st.sampled_from([Shown.CODE, Shown.PRICE]), st.booleans()),
        min_size=1,
        max_size=3,
    ),
)
def test_nothing_but_codes_and_prices_changes(number: int, clicks: list[tuple[int, Shown, bool]]) -> None:
    document, texts, before = _lists(number)
    shown: Mapping[tuple[int, Shown], bool] = {(n % len(texts.texts), what): right for n, what, right in clicks}
    examples = [
        Example(page=t.page, box=t.box, text=t.text.text, what=what, right=right)
        for (n, what), right in shown.items()
        for t in [texts.texts[n]]
    ]
    proposal = propose(texts, layouts.reading(document), examples)[0]
    after = _read(document, proposal.reading)
    assert _places(after) == _places(before)
    assert after.sure == pytest.approx(before.sure, abs=1e-6)  # sums of the same numbers in another order
    assert (after.note, after.rejected) == (before.note, before.rejected)
    if not any(fact.key == Shown.CODE for product in after.products for fact in product.taught):
        assert [p.model_copy(update={"taught": ()}) for p in after.products] == list(before.products)
    wrong = {(each.page, each.box, each.what) for each in examples if not each.right}
    assert not wrong & {(fact.page, fact.bbox, fact.key) for product in after.products for fact in product.taught}
