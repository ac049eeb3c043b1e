"""Chunks: every text once, hierarchy, whole rows of tables, sizes that fit the model's window."""

import string
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swatchbook.domain.records import Block, Chunks, Page, Plan, PlannedPage, Table, fold
from swatchbook_base.records import normalise_line
from swatchbook_catalogue.chunk import MOST_PIECES, chunk, word_pieces
from tests.catalogue import layouts
from tests.catalogue.layouts import Document, page, prose, text


def chunked(pages: list[Page], tables: Sequence[Table] = (), skipped: int = 0, boilerplate: int = 0) -> Chunks:
    def planned(number: int) -> PlannedPage:
        kind: Any = "skipped" if number in (skipped, boilerplate) else "product"
        return PlannedPage(number=number, kind=kind, reason="", boilerplate=number == boilerplate)

    plan = Plan(pages=tuple(planned(p.number) for p in pages))
    return chunk("document", layouts.reading(Document(pages, [])), pages, plan, list(tables))


def embedded(chunks: Chunks) -> list[str]:
    return [fold(c.text) for c in chunks.chunks if c.embed]


WORD = st.text(string.ascii_lowercase, min_size=1, max_size=12)
SENTENCES = st.lists(WORD, min_size=1, max_size=300).map(" ".join)
SIZES = st.sampled_from([7.0, 10.0, 10.0, 10.0, 14.0, 22.0, 36.0])


@st.composite
def any_pages(draw):
    """Pages of blocks anywhere in any size, every text with a number of its own."""
    pages, number = [], 0
    for p in range(1, draw(st.integers(1, 4)) + 1):
        blocks = []
        for _ in range(draw(st.integers(0, 8))):
            number += 1
            x, y = draw(st.floats(0, 500)), draw(st.floats(0, 800))
            label = draw(st.sampled_from(["", "", "Size: ", "Material", "Foo: "]))
            blocks.append(text(x, y, f"{label}q{number}q {draw(SENTENCES)}", draw(SIZES), draw(st.booleans())))
        pages.append(page(p, blocks, [(50, 50, 200, 200)] if draw(st.booleans()) else []))
    return pages


@given(any_pages())
def test_every_text_is_once_in_chunks_that_fit(pages):
    chunks = chunked(pages).chunks
    whole = Counter(word for c in chunks if c.embed for word in c.text.split())
    assert whole == Counter(word for p in pages for line in p.lines for word in line.text.split())
    assert all(c.pages and set(c.pages) <= {p.number for p in pages} for c in chunks)
    ids = [c.id for c in chunks]
    assert len(set(ids)) == len(ids)
    assert all(word_pieces(c.text) <= MOST_PIECES for c in chunks if c.kind == "text")
    for n, c in enumerate(chunks):
        assert c.ordinal == n
        assert c.parent is None or ids.index(c.parent) < n
    assert chunked(pages).chunks == chunks


def test_left_page_of_a_spread_is_read_first() -> None:
    wide = " of the words of this page" * 3  # the gap between the pages is smaller than that between the lines
    lines = [text(60, 60, f"one{wide}"), text(620, 60, f"three{wide}")]
    lines += [text(60, 500, f"two{wide}"), text(620, 500, f"four{wide}"), text(40, 575, "6"), text(1150, 575, "7")]
    spread = page(1, lines).model_copy(update={"box": (0.0, 0.0, 1190.0, 595.0)})
    read = [line.split()[0] for c in chunked([spread]).chunks if c.embed for line in c.text.splitlines()]
    assert [word for word in read if word.isalpha()] == ["one", "two", "three", "four"]


@pytest.mark.parametrize("letters", ["of a quiet stone ", "שולחן מעץ אלון "])
def test_columns_are_read_in_turn_in_reading_direction(letters: str) -> None:
    def lines(x: float, tops: tuple[int, ...], first: int) -> list[Block]:
        return [text(x, top, f"{first + n}{n} {letters * 3}"[:44]) for n, top in enumerate(tops)]

    left, right = lines(60, (100, 114, 150, 164), 1), lines(300, (104, 118, 132, 170), 5)
    first, second = (left, right) if letters.isascii() else (right, left)
    across = text(60, 60, f"0 {letters * 6}"[:92])
    read = [line.split()[0] for c in chunked([page(1, [*left, *right, across])]).chunks for line in c.text.splitlines()]
    assert read == ["0", *(line.lines[0].text.split()[0] for line in (*first, *second))]


def test_skipped_pages_have_their_own_chunks_unless_boilerplate():
    pages = [
        page(1, [text(60, 60, "Oak", 30), text(60, 160, "a board")]),
        page(2, [text(60, 60, "About us", 30), text(60, 160, "since 1900")]),
        page(3, [text(60, 60, "more of the board")]),
    ]
    chunks = {c.headings: fold(c.text) for c in chunked(pages, skipped=2).chunks if c.embed}
    assert chunks == {("Oak",): "oakaboardmoreoftheboard", ("About us",): "aboutussince1900"}
    assert embedded(chunked(pages, boilerplate=2)) == ["oakaboardmoreoftheboard"]


def test_headings_make_a_path_and_a_parent():
    blocks = [
        text(60, 60, "Tiles", 30), *prose(60, 100, "Stone for floors. " * 4),
        text(60, 200, "Alder", 20), *prose(60, 240, "A quiet stone. " * 4),
        text(60, 400, "Birke", 20), *prose(60, 440, "A loud stone. " * 4),
    ]  # fmt: skip
    chunks = chunked([page(1, blocks)]).chunks
    assert [(c.kind, c.headings) for c in chunks] == [
        ("section", ("Tiles",)), ("text", ("Tiles",)), ("text", ("Tiles", "Alder")), ("text", ("Tiles", "Birke")),
    ]  # fmt: skip
    assert {c.parent for c in chunks[1:]} == {chunks[0].id}


def test_line_directly_over_a_name_stays_with_it():
    blocks = [
        text(60, 60, "Alder", 24), *prose(60, 100, "A quiet stone. " * 9),
        text(60, 400, "Cork for walls", 8, bold=True), text(60, 412, "Birke", 24), *prose(60, 450, "It is warm. " * 9),
    ]  # fmt: skip
    over = next(c for c in chunked([page(1, blocks)]).chunks if "Cork for walls" in c.text)
    assert over.headings == ("Birke",)
    assert over.text.startswith("Birke\nCork for walls\n")


def test_line_before_a_heading_stays_with_text_above():
    for blocks in (
        [*prose(60, 360, "A quiet stone. " * 9), text(60, 397, "Made by hand", 8, bold=True)],  # close to what it ends
        [text(60, 330, "Made by hand", 8, bold=True)],  # far above it
    ):
        shown = [text(60, 60, "Alder", 24), *blocks, text(60, 412, "Birke", 24), *prose(60, 450, "It is warm. " * 9)]
        (ended,) = [c for c in chunked([page(1, shown)]).chunks if c.embed and "Made by hand" in c.text]
        assert ended.headings[0] == "Alder", blocks


def test_table_rows_stay_whole_and_parts_repeat_header():
    rows = [("Code", "Size", "Finish")]
    rows += [(f"AB-{n}", f"{n} x 60 cm", "matt and brushed by hand") for n in range(100, 140)]
    blocks = [text(60 + 150 * i, 100 + 15 * n, cell) for n, row in enumerate(rows) for i, cell in enumerate(row)]
    table = Table(page=1, bbox=(50, 90, 560, 800), rows=tuple(rows))
    result = chunked([page(1, [text(60, 60, "Sizes of Alder", 20), *blocks])], [table])
    parts = [c for c in result.chunks if c.kind == "table"]
    assert len(parts) > 1
    assert parts[0].text.startswith("Sizes of Alder\nCode | Size | Finish\n")
    assert all("Code | Size | Finish" in c.text and word_pieces(c.text) <= MOST_PIECES for c in parts)
    lines = [line for c in parts for line in c.text.splitlines() if line.startswith("AB-")]
    assert lines == [" | ".join(row) for row in rows[1:]]
    (entity,) = result.entities
    assert (entity.kind, entity.page, entity.table) == ("specification", 1, table)


def test_text_inside_a_table_outside_cells_is_kept():
    table = Table(page=1, bbox=(50, 90, 560, 200), rows=(("Size", "60 x 60"), ("Finish", "matt")))
    blocks = [text(60, 100, "Size"), text(200, 100, "60 x 60"), text(60, 120, "Finish"), text(200, 120, "matt")]
    blocks += [text(60, 150, "Handle with care")]
    texts = embedded(chunked([page(1, blocks)], [table]))
    assert sorted(texts) == sorted(["size60x60finishmatt", "handlewithcare"])


def with_margin(line, top: bool = False, pages: int = 8) -> Chunks:
    """The chunks of a product a page, each with `line(page)` in its margin."""

    def shown(n: int, name: str) -> Page:
        body = [text(60, 100, name, 24), *prose(60, 160, f"Words of {name}. " * 9), text(540, 815, str(n), 8)]
        return page(n, [text(60, 10 if top else 800, line(n), 7), *body])

    return chunked([shown(n, layouts.NAMES[n]) for n in range(1, pages + 1)])


@pytest.mark.parametrize("prices", [[64, 72, 58, 91, 64, 64, 64, 103], [64, 65, 67, 68, 70, 74, 79, 81]])
def test_price_in_the_margin_stays_with_its_product(prices: list[int]) -> None:
    for top, words in (
        (True, "€ {}.00 per m²"),
        (False, "€ {}"),
        (True, "{}.50"),
        (False, "from {} EUR · size 60 x 60"),
    ):
        result = with_margin(lambda n, words=words: words.format(prices[n - 1]), top)
        own = {c.headings[-1]: c.text for c in result.chunks if c.headings}
        for n, price in enumerate(prices, 1):
            assert normalise_line(words.format(price)) in own[layouts.NAMES[n]].splitlines()
        assert not [c for c in result.chunks if c.kind == "running"]


def test_running_lines_are_kept_once_and_numbers_dropped() -> None:
    for words in ("Lumen & Oak · Catalogue 2025", "Lumen & Oak | {1}", "Lumen & Oak 2025 | {0} | {1}"):
        result = with_margin(lambda n, words=words: words.format(2 * n, 2 * n + 1))
        (running,) = [c for c in result.chunks if c.kind == "running"]
        assert (running.text, running.embed, running.headings) == (words.format(2, 3), True, ())
        assert not [c for c in result.chunks if c is not running and "Lumen" in c.text]
    for words in ("", "– {1} –", "{0} | {1}"):
        result = with_margin(lambda n, words=words: words.format(2 * n, 2 * n + 1))
        assert not [c for c in result.chunks if c.kind == "running"]
        assert not [ln for c in result.chunks for ln in c.text.splitlines() if not any(map(str.isalpha, ln))]


def test_number_unlike_others_at_its_place_is_kept() -> None:
    result = with_margin(lambda n: f"Page {n}" if n != 5 else "Page 7000")
    assert [c.pages for c in result.chunks if "Page 7000" in c.text] == [(5,)]


def test_labels_make_specifications_and_certificates_are_named_once():
    pages = [
        page(n, [text(60, 60, f"Alder {n}", 30), *layouts.specification(120), text(60, 300, "Made under ISO 9001")])
        for n in (1, 2)
    ]
    entities = chunked(pages).entities
    assert [(e.kind, e.page, e.name) for e in entities] == [
        ("specification", 1, "Alder 1"), ("specification", 2, "Alder 2"), ("certificate", 1, "ISO 9001"),
    ]  # fmt: skip
    assert entities[0].data == {"Material": "porcelain stoneware", "Finish": "matt", "Size": "60 x 120 cm"}
    assert entities[2].data == {"pages": "1, 2"}
