"""Choose the pages, and the rasters of pages with captions, that are read by their pixels (OCR), and have them read.

numpy, pydantic and the models are imported where a first page needs them: the child that reads pages starts without.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from swatchbook_base.errors import OutOfMemory
from swatchbook_base.geometry import Box, area, centre_inside, clip
from swatchbook_catalogue.pdf.library_failure import to_failure
from swatchbook_catalogue.pdf.unmapped_fonts import is_garbage

if TYPE_CHECKING:
    from swatchbook_catalogue.pdf.page_contract import PdfPage

READABLE = "Latin, Chinese and Japanese letters"
Ocr = Literal["auto", "off", "always"]
FEWEST_LETTERS = 25  # a page with fewer letters has no usable text
BIG_RASTER = 0.3  # share of the page
MOST_LINES_BESIDE = 2  # lines of the text layer, such as a title and a page number; with more, captions are among them


def wants_ocr(mode: Ocr, page: Mapping[str, Any]) -> bool:
    """Return whether a page, as JSON (`Page`), is read by its pixels.

    In mode `auto`: it paints something, and has no usable text or a big raster and too few lines to be its captions.
    """
    if mode != "auto":
        return mode == "always"
    if not page["drawn"] and not page["paths"]:
        return False
    text = " ".join(span["text"] for block in page["blocks"] for line in block["lines"] for span in line["spans"])
    if sum(map(str.isalnum, text)) < FEWEST_LETTERS or is_garbage(text):
        return True
    few_lines = len(_lines(page)) <= MOST_LINES_BESIDE
    return few_lines and bool(_big_rasters(page))


def bare_rasters(mode: Ocr, page: Mapping[str, Any]) -> list[Box]:
    """Return the big rasters of a page, as JSON (`Page`), with too few lines of its text layer to be captions."""
    if mode != "auto":
        return []
    lines = _lines(page)
    return [
        raster
        for raster in _big_rasters(page)
        if sum(centre_inside(line, raster) for line in lines) <= MOST_LINES_BESIDE
    ]


def _lines(page: Mapping[str, Any]) -> list[Box]:
    return [line["bbox"] for block in page["blocks"] for line in block["lines"]]


def _big_rasters(page: Mapping[str, Any]) -> list[Box]:
    seen = [clip(picture["bbox"], page["box"]) for picture in page["drawn"] if not picture["gradient"]]
    return [box for box in seen if area(box) >= BIG_RASTER * area(page["box"])]


class PrintedText:
    """Reads the printed text of the pages that want it; the models are loaded for the first of them (1 s, 300 MB)."""

    def __init__(self, mode: Ocr, languages: Sequence[str] = ()) -> None:
        self._mode, self._languages = mode, languages
        self._recogniser: Any = None
        self._turn = 0  # the turn of the page before

    def is_wanted(self, read: dict[str, Any]) -> bool:
        """Return whether a page, as JSON (`Page`), or a raster of it may be read by its pixels."""
        return wants_ocr(self._mode, read) or bool(bare_rasters(self._mode, read))

    def complete(self, read: dict[str, Any], page: "PdfPage") -> dict[str, Any]:
        """Return a page, as JSON (`Page`), with its printed text.

        A page that cannot be read by its pixels keeps its text layer and pictures, and gets a warning. Raises
        OutOfMemory: a later try may succeed.
        """
        try:
            return self._read(read, page)
        except Exception as error:
            failure = to_failure(
                error, f"OCR of page {read['number']}", "Its printed text could not be read (see the log)."
            )
            if isinstance(failure, OutOfMemory):
                self._recogniser = None  # its memory is free for the pages that need none
                raise failure from error
            return {**read, "warnings": [*read["warnings"], failure.message]}

    def _read(self, read: dict[str, Any], page: "PdfPage") -> dict[str, Any]:
        parts = [read["box"]]
        if not wants_ocr(self._mode, read):
            from swatchbook_catalogue.pdf.rasters import shows_several

            parts = [raster for raster in bare_rasters(self._mode, read) if shows_several(page, raster)]
        if not parts:
            return read
        import numpy as np

        from swatchbook_base.records import Page
        from swatchbook_catalogue.pdf.ocr_engine import Recogniser, fitting_dpi
        from swatchbook_catalogue.pdf.ocr_text import add_printed, known_lines, within

        self._recogniser = self._recogniser or Recogniser(self._languages)
        dpi = fitting_dpi(*page.box[2:])
        pixels = np.asarray(page.render(read["box"], dpi / 72))
        text_layer = Page.model_validate(read)
        printed = self._recogniser.read(pixels, dpi, known_lines(text_layer), turn=self._turn)
        self._turn = printed.turn
        return add_printed(text_layer, within(parts, printed)).model_dump(mode="json")
