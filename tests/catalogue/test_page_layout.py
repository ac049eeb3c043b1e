"""Rows of a table are texts of their own, though no rule is drawn and little beside them is a number; so are lines of a
list that begin alike."""

from collections.abc import Iterable

import pytest

from swatchbook.catalogue.page_layout import join_paragraphs
from swatchbook.records import Block
from tests.catalogue.layouts import text

STEP = 14


def texts(blocks: Iterable[Block]) -> list[str]:
    return [t.text for t in join_paragraphs(1, [line for block in blocks for line in block.lines])]


def column(x: float, *words: str) -> list[Block]:
    return [text(x, 100 + n * STEP, each) for n, each in enumerate(words)]


NAMES = ("Яйцо куриное отб.", "Кукуруза", "Зеленый горошек")


@pytest.mark.parametrize("values", [("10 шт.", "340 г", "30 шт."), ("6/10 OZ", "24CT", "6/2CT"), ("€ 2", "€ 3", "€ 4")])
def test_names_with_one_value_beside_each_are_rows(values: tuple[str, ...]) -> None:
    found = texts([*column(60, *NAMES), *column(300, *values)])
    assert found == [*NAMES, *values]


def test_columns_that_end_at_one_place_are_rows() -> None:
    values = [text(300 - 5 * len(each), 100 + n * STEP, each) for n, each in enumerate(("5 kg", "250 g", "1500 g"))]
    assert texts([*column(60, *NAMES), *values])[:3] == list(NAMES)


def test_places_that_differ_as_print_that_is_read_from_pixels_are_rows() -> None:
    values = [
        text(300 + x, 100 + n * STEP, each) for n, (x, each) in enumerate(((0, "1 kg"), (2.5, "2 kg"), (1, "3 kg")))
    ]
    assert texts([*column(60, *NAMES), *values])[:3] == list(NAMES)


def test_lines_without_a_value_beside_them_go_on() -> None:
    assert texts([*column(60, *NAMES), *column(300, "in jars", "in tins", "in bags")])[0] == " ".join(NAMES)
    assert texts([*column(60, "Wheat flour", "Rye flour"), *column(300, "1 kg", "2 kg")])[0] == (
        "Wheat flour Rye flour"
    )


def test_prose_in_two_columns_is_no_table() -> None:
    left = (
        "We make floors of oak, ash and beech",
        "in our own works, which were founded",
        "in the hills above the river. Each is",
    )
    right = (
        "treated with oil of linseed and wax, so",
        "that it can be mended. Since the year",
        "1923 nothing has been changed in it.",
    )
    assert texts([*column(60, *left), *column(320, *right)]) == [" ".join(left), " ".join(right)]


def test_codes_of_cards_side_by_side_are_no_values() -> None:
    cards = [
        *column(60, "LTM1050-3.1", "LTM1060-4.1", "LTM1090-4.2"),
        *column(300, "LRT1100", "LRT1200", "LRT1300"),
    ]
    assert texts(cards) == ["LTM1050-3.1 LTM1060-4.1 LTM1090-4.2", "LRT1100 LRT1200 LRT1300"]


def test_short_lines_that_begin_with_the_same_word_are_texts_of_their_own() -> None:
    assert texts(column(60, "Controller PWM 10A", "Controller PWM 20A")) == ["Controller PWM 10A", "Controller PWM 20A"]
    assert texts(column(60, "Rice, round", "Rice, long", "for soups")) == ["Rice, round", "Rice, long for soups"]


@pytest.mark.parametrize(
    "lines",
    [
        ("In the morning it is", "in the evening"),  # no word of three letters
        ("Oak", "Oak"),  # one word each
        ("The table stands where others would fall down", "the chair too"),  # prose
    ],
)
def test_other_lines_that_begin_with_the_same_word_go_on(lines: tuple[str, str]) -> None:
    assert texts(column(60, *lines)) == [" ".join(lines)]
