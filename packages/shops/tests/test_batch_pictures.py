"""The shapes in which scrapers and shops write pictures into one cell or field."""

from typing import Any

from swatchbook_shops.items.batch_pictures import pictures_in
from tests.tables import check_rows


def test_pictures_of_a_cell_are_found_however_written() -> None:
    def found(value: Any) -> list[list[str]]:
        return [[*picture.places, *filter(None, [picture.caption])] for picture in pictures_in(value, None)]

    check_rows(__file__, "cells", found)
