"""Page numbers on the command line."""

import pytest
import typer

from swatchbook.doors.cli.shared_arguments import parse_pages


@pytest.mark.parametrize(
    ("text", "pages"),
    [("", ()), ("3", (3,)), ("3,5-7", (3, 5, 6, 7)), (" 7 - 9 , 8,3", (3, 7, 8, 9)), ("5–6,", (5, 6))],
)
def test_pages_and_ranges_are_read_in_order_and_each_once(text: str, pages: tuple[int, ...]) -> None:
    assert parse_pages(text) == pages


@pytest.mark.parametrize("text", ["x", "3-", "-3", "7-5", "0", "0-2", "1-2-3", "1.5", "1-999999999999"])
def test_what_is_no_page_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        parse_pages(text)
