"""Read the text of a page with MuPDF, without what is not visible (in the child process)."""

from collections.abc import Sequence
from typing import Any

import pymupdf

from swatchbook_base.geometry import Box, area, covers
from swatchbook_catalogue.pdf.mupdf_grounds import paint_grey
from swatchbook_catalogue.pdf.page_text import blocks_of, is_letter_spaced, join_letters, limit_lines, text_of_line
from swatchbook_catalogue.pdf.transforms import Transform, transform_box
from swatchbook_catalogue.pdf.unmapped_fonts import has_glyph_numbers, read_glyph_numbers
from swatchbook_catalogue.pdf.unseen_text import Grounds, find_unseen

TEXT = pymupdf.TEXT_CLIP | pymupdf.TEXT_PRESERVE_WHITESPACE | pymupdf.TEXT_CID_FOR_UNKNOWN_UNICODE
DRAWN = "Type3"  # how MuPDF calls fonts whose letters are drawings
LEAST_DRAWN = 0.2  # of a letter's box that its picture takes
LETTERS_WITHOUT_PLACE = (
    "The place of each letter cannot be told; fonts without letters and spaced words stay as they are."
)


def read_blocks(page: Any, grounds: Grounds, pictures: Sequence[Box]) -> tuple[list[Any], tuple[str, ...]]:
    """Return the blocks of a page as JSON objects (`records.Block`), and warnings: fonts without letters, lines cut.

    `pictures` are the boxes of the page's pictures as shown.
    """
    found = page.get_text("dict", flags=TEXT)["blocks"]
    try:
        warnings = _read_glyph_numbers(page, found)
        if any(is_letter_spaced(text_of_line(line)) for block in found for line in block["lines"]):
            join_letters(found, page.get_text("rawdict", flags=TEXT)["blocks"])
    except SystemError:  # raised by the library, which mirrors signs such as U+FD3E to none of Unicode's
        warnings = (LETTERS_WITHOUT_PLACE,)
    as_shown: Transform = tuple(page.rotation_matrix)
    spans = [span for block in found for line in block["lines"] for span in line["spans"]]
    for span in spans:
        span["bbox"] = transform_box(span["bbox"], as_shown)
    for n in find_unseen(
        spans, grounds, pictures, tuple(page.rect), lambda pixel, text: paint_grey(page, pixel, with_text=text)
    ):
        spans[n]["text"] = ""
    for span in spans:
        if span["font"].startswith(DRAWN) and any(_is_picture(span["bbox"], box) for box in pictures):
            span["text"] = ""
    blocks, cut = limit_lines(list(blocks_of(found, as_shown)))
    return blocks, (*warnings, *cut)


def _is_picture(letter: Box, picture: Box) -> bool:
    return covers(letter, picture) and area(picture) > LEAST_DRAWN * area(letter)


def _read_glyph_numbers(page: Any, found: list[Any]) -> tuple[str, ...]:
    if not any(has_glyph_numbers(text_of_line(line)) for block in found for line in block["lines"]):
        return ()
    without_numbers = TEXT & ~pymupdf.TEXT_CID_FOR_UNKNOWN_UNICODE
    return read_glyph_numbers(
        found, lambda numbers: page.get_text("rawdict", flags=TEXT if numbers else without_numbers)["blocks"]
    )
