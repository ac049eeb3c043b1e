"""Rows of a table are texts of their own, though no rule is drawn and little beside them is a number; so are lines of a
list that begin alike."""

from collections.abc import Iterable

import pytest

from swatchbook.domain.records import Block
from swatchbook_catalogue.page_layout import join_paragraphs
from tests.catalogue.layouts import text

STEP = 14


def texts(blocks: Iterable[Block]) -> list[str]:
    return [t.text for t in join_paragraphs(1, [line for block in blocks for line in block.lines])]


def column(x: float, *words: str) -> list[Block]:
    return [text(x, 100 + n * STEP, each) for n, each in enumerate(words)]


NAMES = ("Яйцо куриное отб.", "Кукуруза", "Зеленый горошек")


@pytest.mark.parametrize("values", [("10 шт.", "340 г", "30 шт."), ("6/10 OZ", "24CT", "6/2CT"), ("€ 2", "€ 3", "€ 4")])
def test_names_with_one_value_beside_each_are_rows(values: tuple[str, ...]) -> None:
    assert texts([*column(60, *NAMES), *column(300, *values)]) == [*NAMES, *values]


def test_roughly_aligned_columns_make_rows() -> None:
    at_right = [(300 - 5 * len(each), each) for each in ("5 kg", "250 g", "1500 g")]
    read_from_pixels = [(300.0, "1 kg"), (302.5, "2 kg"), (301.0, "3 kg")]
    for values in (at_right, read_from_pixels):
        beside = [text(x, 100 + n * STEP, each) for n, (x, each) in enumerate(values)]
        assert texts([*column(60, *NAMES), *beside])[:3] == list(NAMES)


def test_lines_without_a_value_beside_them_go_on() -> None:
    assert texts([*column(60, *NAMES), *column(300, "in jars", "in tins", "in bags")])[0] == " ".join(NAMES)
    assert texts([*column(60, "Wheat flour", "Rye flour"), *column(300, "1 kg", "2 kg")])[0] == (
        "Wheat flour Rye flour"
    )


def test_prose_or_codes_in_columns_are_no_table() -> None:
    left = "We make floors of oak, ash and beech|in our own works, which were founded|in the hills above it. Each is"
    right = "treated with oil of linseed and wax, so|that it can be mended. Since the year|1923 no one has changed it."
    for one, other in ((left, right), ("LTM1050-3.1|LTM1060-4.1|LTM1090-4.2", "LRT1100|LRT1200|LRT1300")):
        blocks = [*column(60, *one.split("|")), *column(320, *other.split("|"))]
        assert texts(blocks) == [one.replace("|", " "), other.replace("|", " ")]


def test_short_lines_with_equal_beginnings_are_separate_texts() -> None:
    assert texts(column(60, "Controller PWM 10A", "Controller PWM 20A")) == ["Controller PWM 10A", "Controller PWM 20A"]
    assert texts(column(60, "Rice, round", "Rice, long", "for soups")) == ["Rice, round", "Rice, long for soups"]


def test_other_lines_that_begin_alike_go_on() -> None:
    prose = ("The table stands where others would fall down", "the chair too")
    for lines in (("In the morning it is", "in the evening"), ("Oak", "Oak"), prose):
        assert texts(column(60, *lines)) == [" ".join(lines)]
