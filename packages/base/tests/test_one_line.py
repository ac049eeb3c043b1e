"""Texts from outside as one short, harmless line."""

from swatchbook_base.one_line import one_line, shorten
from tests.tables import check_rows


def test_what_hides_or_reorders_text_is_taken_out() -> None:
    check_rows(__file__, "lines", one_line)
    assert one_line("lone \ud800 surrogate") == "lone surrogate"


def test_long_text_ends_with_ellipsis_within_the_length() -> None:
    check_rows(__file__, "shortened", shorten)
