"""Read PDFs with PyMuPDF and pymupdf4llm, as `page_contract.py` defines it; the module of the child process."""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import pymupdf

from swatchbook_base.errors import EncryptedDocument
from swatchbook_base.geometry import Box, pixel_frame
from swatchbook_base.truncate import truncate
from swatchbook_catalogue.pdf.mupdf_grounds import trace_text
from swatchbook_catalogue.pdf.mupdf_painting import paint_page, trace_painting
from swatchbook_catalogue.pdf.mupdf_text import read_blocks
from swatchbook_catalogue.pdf.page_contract import Painted, Painting, ReadText
from swatchbook_catalogue.pdf.page_text import strip_control_characters
from swatchbook_catalogue.pdf.parser_child import broken_document, serve_pdfs
from swatchbook_catalogue.pdf.transforms import Transform, transform_box

if TYPE_CHECKING:  # reading starts without them
    from PIL.Image import Image

    from swatchbook_base.image_limits import ImageLimits
    from swatchbook_catalogue.pdf.picture_format import PictureFile

log = logging.getLogger(__name__)

WARNINGS = 5  # the most that are kept for each page
FALLBACK_WARNING = (
    "the layout reader (pymupdf4llm) failed on its tables (see the log); PyMuPDF's find_tables read them."
)


@contextmanager
def open_document(path: str) -> Iterator["MupdfDocument"]:
    try:
        document = pymupdf.open(path, filetype="pdf")
        page_count = 0 if document.needs_pass else document.page_count  # raises if the page tree is wrong
    except (RuntimeError, ValueError, pymupdf.mupdf.FzErrorBase) as error:
        log.warning("a PDF does not open", exc_info=error)
        _warnings()  # else they count for what is read next
        raise broken_document(path) from None
    with document:
        if document.needs_pass:
            raise EncryptedDocument("The PDF needs a password.", advice="Save it without one and ingest that.")
        if page_count == 0:
            _warnings()
            raise broken_document(path, "it has no pages")
        yield MupdfDocument(document)


class MupdfDocument:
    """A document of PyMuPDF."""

    def __init__(self, document: Any) -> None:
        self.library = document
        self.title: str | None = (document.metadata or {}).get("title")

    @property
    def page_count(self) -> int:
        """Return how many pages there are now: fewer where a page tree is broken further on."""
        return int(self.library.page_count)

    @property
    def is_repaired(self) -> bool:
        return bool(self.library.is_repaired)

    def page(self, number: int) -> "MupdfPage":
        return MupdfPage(self, self.library[number - 1], number)

    def outline(self) -> list[tuple[int, str, int]]:
        entries: list[tuple[int, str, int]] = self.library.get_toc(simple=True)
        return entries

    def warnings(self) -> list[str]:
        return _warnings()

    def is_damage(self, error: Exception) -> bool:
        return isinstance(error, pymupdf.mupdf.FzErrorBase)

    def free(self) -> None:
        pymupdf.TOOLS.store_shrink(100)  # else 256 MiB of decoded pictures stay


class MupdfPage:
    """A page of PyMuPDF."""

    def __init__(self, document: MupdfDocument, page: Any, number: int) -> None:
        self.document = document
        self.number = number
        self.box: Box = tuple(page.rect)
        self.rotation = int(page.rotation)
        self._page = page

    @property
    def label(self) -> str:
        return str(self._page.get_label() or "")

    def read_text(self) -> ReadText:
        painting, grounds = trace_text(self._page)
        pictures = [picture.bbox for picture in painting.pictures if not picture.gradient]
        blocks, warnings = read_blocks(self._page, grounds, pictures)
        return ReadText(blocks, painting, warnings)

    def word_boxes(self) -> list[Box]:
        as_shown: Transform = tuple(self._page.rotation_matrix)
        return [transform_box(word[:4], as_shown) for word in self._page.get_text("words")]

    def trace(self) -> Painting:
        return trace_painting(self._page)

    def render(self, box: Box, scale: float) -> "Image":
        return paint_page(self._page, pixel_frame(box, scale), scale)

    def render_whole(self, scale: float) -> "Image":
        from PIL import Image

        pixmap = self._pixmap(scale)
        return Image.frombytes("RGB", (pixmap.width, pixmap.height), pixmap.samples)

    def encode_whole(self, scale: float, form: str, quality: int) -> bytes:
        encoded: bytes = self._pixmap(scale).tobytes(form, jpg_quality=quality)
        return encoded

    def _pixmap(self, scale: float) -> Any:
        return self._page.get_pixmap(matrix=pymupdf.Matrix(scale, scale), colorspace=pymupdf.csRGB, alpha=False)

    def paint_flat(self, pixel: float, channels: Sequence[Sequence[int]]) -> "Image":
        from swatchbook_catalogue.pdf.mupdf_flat import paint_flat

        return paint_flat(self._page, pixel, channels)

    def find_drawings(self, pictures: Sequence[Box]) -> list[Box]:
        from swatchbook_catalogue.pdf.drawings import drawing_boxes

        as_shown, as_drawn = tuple(self._page.rotation_matrix), tuple(self._page.derotation_matrix)
        frame = transform_box(self.box, as_drawn)
        boxes = drawing_boxes(self._page.get_cdrawings(), frame, [transform_box(box, as_drawn) for box in pictures])
        return [transform_box(box, as_shown) for box in boxes]

    def name_pictures(self, painted: Sequence[Painted]) -> list[int]:
        from swatchbook_catalogue.pdf.mupdf_pictures import match_xrefs

        return match_xrefs(self._page, painted)

    def stored_bytes(self, name: int) -> bytes:
        document = self._page.parent
        described: str = document.xref_object(name, compressed=True)
        return (document.xref_stream_raw(name) or b"") + described.encode()

    def kept_jpeg(self, picture: Painted, name: int, limits: "ImageLimits") -> "PictureFile | None":
        from swatchbook_catalogue.pdf import mupdf_pictures

        return mupdf_pictures.kept_jpeg(self._page.parent, name, picture, limits) if name else None

    def pixels(self, picture: Painted, name: int, limits: "ImageLimits") -> "Image":
        from swatchbook_catalogue.pdf import mupdf_pictures

        if not name:
            return mupdf_pictures.inline_picture(picture.image)
        return mupdf_pictures.embedded_picture(self._page.parent, name, limits)

    def read_tables(self) -> tuple[list[tuple[Box, Any]], list[str]]:
        """Read the tables by the layout reader, which keeps spaces in cells; if it fails, by `find_tables`."""
        warnings = list[str]()
        try:
            _use_one_thread()
            import pymupdf4llm  # 0.7 s and 200 MB: only where there are tables

            parsed = json.loads(pymupdf4llm.to_json(self._page.parent, pages=[self.number - 1], use_ocr=False))
            boxes = [
                box
                for parsed_page in parsed["pages"]
                for box in parsed_page["boxes"]
                if box["boxclass"] == "table" and box["table"]
            ]
            found = [(box["table"]["bbox"], box["table"]["extract"]) for box in boxes]
        except Exception as error:
            log.warning("pymupdf4llm failed on page %d", self.number, exc_info=error)
            warnings.append(FALLBACK_WARNING)
            found = [(table.bbox, table.extract()) for table in self._page.find_tables(use_layout=False).tables]
        as_shown: Transform = tuple(self._page.rotation_matrix)
        return [(transform_box(box, as_shown), rows) for box, rows in found], warnings

    def draw(self, scale: float, drawing: Mapping[str, Any]) -> bytes:
        from swatchbook_catalogue.pdf.mupdf_drawing import draw

        return draw(self._pixmap(scale), scale, drawing)


@cache
def _use_one_thread() -> None:
    """Let the models of pymupdf4llm, which has no setting for it, run in one thread each.

    Their threads, one for each core, wait for each other by spinning: reading tables took half as much processor time
    again, and longer on a busy machine.
    """
    import onnxruntime

    class OneThread(onnxruntime.SessionOptions):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.intra_op_num_threads = self.inter_op_num_threads = 1

    onnxruntime.SessionOptions = OneThread


def _warnings() -> list[str]:
    """Return MuPDF's warnings since the last call, each once, at most `WARNINGS`."""
    lines = dict.fromkeys(
        strip_control_characters(line).strip() for line in pymupdf.TOOLS.mupdf_warnings().splitlines()
    )
    return list(truncate([line for line in lines if line], WARNINGS))


if __name__ == "__main__":
    pymupdf.TOOLS.mupdf_display_errors(False)
    pymupdf.TOOLS.mupdf_display_warnings(False)
    serve_pdfs(open_document)
