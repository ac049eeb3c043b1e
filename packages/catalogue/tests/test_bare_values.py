"""Prices and quantities in all languages, which name no product, and names and codes that look like them."""

from hypothesis import given
from hypothesis import strategies as st
from test_discover import found_in

from swatchbook.domain.records import Block, Page
from swatchbook_base.printed_prices import CODES, SIGNS
from swatchbook_catalogue.attributes import read_words
from swatchbook_catalogue.bare_values import is_bare_value
from swatchbook_catalogue.name_candidates import may_be_name, product_name
from swatchbook_catalogue.page_layout import Text
from tests.catalogue import layouts
from tests.tables import check_rows

WORDS = read_words("value_words.toml")
NAME_SIZE = 11  # points


def of(part: str) -> st.SearchStrategy[str]:
    """A word of a part of the lists, in any language, of more than one letter."""
    return st.sampled_from(sorted({w for words in WORDS[part].values() for w in words if len(w) > 1 and " " not in w}))


NOT_BEHIND = {"PEN", "COP", "CLP"}  # words or units behind a number
NUMBERS = st.sampled_from(["7", "4711", "12,50", "3.5", "1 299"])
AMOUNTS = st.sampled_from(["12,50", "1.299,00", "1,299.00", "12 500", "49"])
PRICES = st.one_of(
    st.builds("{}{}{}".format, st.sampled_from(sorted(SIGNS)), st.sampled_from(["", " "]), AMOUNTS),
    st.builds("{} {}".format, AMOUNTS, st.sampled_from(sorted(set(CODES) - NOT_BEHIND))),
    st.builds("{} {}".format, st.sampled_from(CODES), AMOUNTS),
    st.builds(
        "{} {} {}".format,
        st.sampled_from(["from", "ab", "dès", "da", "desde", "od", "от", "від", "από", "från"]), AMOUNTS,
        st.sampled_from("€£₽₹"),
    ),
)  # fmt: skip
QUANTITIES = st.one_of(
    st.builds("{} {}".format, NUMBERS, st.one_of(of("units"), of("pieces"))),
    st.builds("{}–{} {}".format, st.integers(1, 9), st.integers(10, 99), of("units")),
    st.builds("{} x {} {}".format, NUMBERS, NUMBERS, st.sampled_from(["mm", "cm", "m", "ml", "мм", "см"])),
    st.builds("{}x{}x{} cm".format, st.integers(1, 999), st.integers(1, 999), st.integers(1, 999)),
)


@given(st.one_of(PRICES, QUANTITIES), st.sampled_from(["{}", "({})", "• {}", "{}.", "– {}"]), st.booleans())
def test_price_or_quantity_is_no_name(value: str, around: str, large: bool) -> None:
    words = around.format(value.upper() if large else value)
    text = Text(1, (0, 0, 100, 10), (words,), 10, False)
    assert not may_be_name(text, product_name(text)), words


@given(QUANTITIES)
def test_quantity_with_another_word_is_no_bare_value(value: str) -> None:
    assert not is_bare_value(f"Alder {value}")
    assert not is_bare_value(f"{value} Alder")


def test_words_of_all_languages_are_known() -> None:
    for part in ("units", "pieces"):
        for word in {word for words in WORDS[part].values() for word in words}:
            assert len(word) == 1 or (is_bare_value(f"12 {word}") and is_bare_value(f"12 {word.upper()}")), word


def test_bare_values_are_told_from_names_and_codes() -> None:
    check_rows(__file__, "is_bare_value", is_bare_value)


def test_value_set_like_a_name_is_no_product() -> None:
    document = layouts.card_grid()
    cards = {page.number: [b for b in page.blocks if _is_name(b)] for page in document.pages[1:-1]}
    replaced = {number: names[number % 4] for number, names in cards.items()}  # not one place: that is a running text

    def with_value(page: Page) -> Page:
        name = replaced.get(page.number)
        blocks = (
            layouts.text(*b.bbox[:2], f"1{page.number - 2} pcs", NAME_SIZE) if b is name else b for b in page.blocks
        )
        return page.model_copy(update={"blocks": tuple(blocks)})

    found = found_in(document._replace(pages=[*map(with_value, document.pages)]))
    left = [p for p in document.products if p.name != replaced[p.first].lines[0].text]
    assert [p.name for p in found.products] == [p.name for p in left]


def _is_name(block: Block) -> bool:
    return block.lines[0].spans[0].size == NAME_SIZE
