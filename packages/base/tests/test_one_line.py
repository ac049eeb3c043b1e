"""Texts from outside as one short, harmless line."""

import pytest

from swatchbook_base.one_line import one_line, shorten


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Nordvik Oak", "Nordvik Oak"),
        (" two\r\nlines\tand\u2028more ", "two lines and more"),
        ("a\x00b\x1b[31mc\x9b", "a b [31mc"),
        ("invoice\u202efdp\u200b", "invoicefdp"),
        ("lone \ud800 surrogate", "lone surrogate"),
        ("\x00\u200b", ""),
    ],
)
def test_what_hides_or_reorders_text_is_taken_out(text: str, line: str) -> None:
    assert one_line(text) == line


@pytest.mark.parametrize(
    ("text", "line"), [("oak  board", "oak board"), ("oak boards", "oak boards"), ("oak  boards,  wide", "oak board…")]
)
def test_a_long_text_ends_with_an_ellipsis_within_the_length(text: str, line: str) -> None:
    assert shorten(text, 10) == line


def test_no_space_stands_before_the_ellipsis() -> None:
    assert shorten("oak board long", 5) == "oak…"
