"""Page numbers on the command line."""

import pytest
import typer

from swatchbook.doors.cli.shared_arguments import parse_pages


def test_pages_are_read_in_order_each_once() -> None:
    for text, pages in (
        ("", ()),
        ("3", (3,)),
        ("3,5-7", (3, 5, 6, 7)),
        (" 7 - 9 , 8,3", (3, 7, 8, 9)),
        ("5–6,", (5, 6)),
    ):
        assert parse_pages(text) == pages
    for text in ["x", "3-", "-3", "7-5", "0", "0-2", "1-2-3", "1.5", "1-999999999999"]:
        with pytest.raises(typer.BadParameter):
            parse_pages(text)
