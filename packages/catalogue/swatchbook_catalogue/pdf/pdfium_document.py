"""Read PDFs with PDFium (pypdfium2), as `page_contract.py` defines it; the module of the child process.

docs/pdf-readers.md lists what is lost, because PDFium does not give it.
"""

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pypdfium2 as library
import pypdfium2.raw as pdfium

from swatchbook_base.errors import EncryptedDocument
from swatchbook_base.geometry import Box, bounding_box, pixel_frame
from swatchbook_catalogue.pdf.page_contract import LEAST_ALPHA, Painted, Painting, ReadText
from swatchbook_catalogue.pdf.page_text import blocks_of, limit_lines
from swatchbook_catalogue.pdf.parser_child import broken_document, end_of, serve_pdfs
from swatchbook_catalogue.pdf.pdfium_objects import (
    AS_DRAWN,
    Drawn,
    alpha_of,
    is_light,
    list_objects,
    to_gradient,
    to_picture,
)
from swatchbook_catalogue.pdf.pdfium_text import MOST_CHARS, Char, read_chars, to_blocks, warn_of_drawn
from swatchbook_catalogue.pdf.transforms import Transform
from swatchbook_catalogue.pdf.unseen_text import Grounds, find_unseen

if TYPE_CHECKING:  # reading starts without them
    from PIL.Image import Image

    from swatchbook_base.image_limits import ImageLimits
    from swatchbook_catalogue.pdf.picture_format import PictureFile

log = logging.getLogger(__name__)

MOST_ENTRIES = 10_000  # entries of an outline
VEIL = 0x30  # of 255: more than `visible_pictures.FAINT`
GREY, LIGHTER = 0x80, 0xFF  # of a picture in flat colour, and of one in a channel
NO_TABLES = "The reader pdfium reads no tables: its rows are read as lines."


@contextmanager
def open_document(path: str) -> Iterator["PdfiumDocument"]:
    try:
        document = library.PdfDocument(Path(path))
    except library.PdfiumError as error:
        if error.err_code == pdfium.FPDF_ERR_PASSWORD:
            raise EncryptedDocument(
                "The PDF needs a password.", advice="Save it without one and ingest that."
            ) from None
        log.warning("a PDF does not open", exc_info=error)
        raise broken_document(path) from None
    opened = PdfiumDocument(document, path)
    try:
        yield opened
    finally:
        opened.close()


def has_sound_end(path: str) -> bool:
    """Return whether a file ends with the place of its table of objects; else PDFium has searched it for objects."""
    found = re.findall(rb"startxref\s+(\d+)\s+%%EOF", end_of(path))
    if not found or len(found[-1]) > 18:
        return False
    with Path(path).open("rb") as file:
        file.seek(int(found[-1]))
        return bool(re.match(rb"\s*(xref\b|\d+\s+\d+\s+obj\b)", file.read(64)))


class PdfiumDocument:
    """A document of PDFium, and a second one in which pictures are painted over."""

    def __init__(self, document: Any, path: str) -> None:
        self.library = document
        self.path = path
        self.page_count = len(document)
        self.title: str | None = document.get_metadata_value("Title")
        self.is_repaired = not has_sound_end(path)
        self._flat: Any = None
        self._notes: list[str] = []
        self._page: PdfiumPage | None = None

    def page(self, number: int) -> "PdfiumPage":
        """Return a page, which is open until another one is asked for."""
        if self._page is None or self._page.number != number:
            self._close_page()
            self._page = PdfiumPage(self, self.library[number - 1], number)
        return self._page

    def _close_page(self) -> None:
        if self._page:
            self._page.close()
            self._page = None

    def flat_page(self, number: int) -> Any:
        """Return a second copy of a page, to paint its pictures over."""
        self._flat = self._flat or library.PdfDocument(Path(self.path))
        return self._flat[number - 1]

    def outline(self) -> list[tuple[int, str, int]]:
        entries = []
        for bookmark, _ in zip(self.library.get_toc(), range(MOST_ENTRIES), strict=False):
            to = bookmark.get_dest()
            page = to.get_index() if to else None
            if page is not None:
                entries.append((bookmark.level + 1, bookmark.get_title(), page + 1))
        return entries

    def warnings(self) -> list[str]:
        """Return what was noted since the last call: PDFium itself gives no warnings."""
        noted, self._notes = self._notes, []
        return noted

    def note(self, warning: str) -> None:
        """Keep a warning for the page in progress, once."""
        if warning not in self._notes:
            self._notes.append(warning)

    def is_damage(self, error: Exception) -> bool:
        return isinstance(error, library.PdfiumError)

    def free(self) -> None:
        self._close_page()
        if self._flat:
            self._flat.close()
            self._flat = None

    def close(self) -> None:
        self.free()
        self.library.close()


class PdfiumPage:
    """A page of PDFium."""

    def __init__(self, document: PdfiumDocument, page: Any, number: int) -> None:
        self.document = document
        self.number = number
        self.rotation = int(page.get_rotation())
        self._page = page
        self._flat: FlatPage | None = None
        self._digests: dict[int, bytes] = {}  # name of a picture -> SHA-256 of what it shows
        self._masks: dict[int, Image | None] = {}  # address of a picture -> its mask
        left, bottom, right, top = page.get_bbox()
        width, height = right - left, top - bottom
        self.to_page: Transform = {
            0: (1.0, 0.0, 0.0, -1.0, -left, top),
            90: (0.0, 1.0, 1.0, 0.0, -bottom, -left),
            180: (-1.0, 0.0, 0.0, 1.0, right, -bottom),
            270: (0.0, -1.0, -1.0, 0.0, top, right),
        }[self.rotation]
        self.box: Box = (0.0, 0.0, height, width) if self.rotation % 180 else (0.0, 0.0, width, height)

    @property
    def label(self) -> str:
        return str(self.document.library.get_page_label(self.number - 1) or "")

    def close(self) -> None:
        if self._flat:
            self._flat.close()
        self._page.close()

    @cached_property
    def _objects(self) -> list[Drawn]:
        return list(list_objects(self._page, self.to_page))

    @cached_property
    def _chars(self) -> list[Char]:
        text_page = self._page.get_textpage()
        try:
            count = pdfium.FPDFText_CountChars(text_page.raw)
            if count > MOST_CHARS:
                self.document.note(f"Its text has {count} characters; the first {MOST_CHARS} are read.")
            chars, warnings = read_chars(text_page, self.to_page, self.box)
        finally:
            text_page.close()
        for warning in warnings:
            self.document.note(warning)
        return chars

    def read_text(self) -> ReadText:
        painting = self.trace()
        found = to_blocks(self._chars)
        spans = [span for block in found for line in block["lines"] for span in line["spans"]]
        pictures = [picture.bbox for picture in painting.pictures if not picture.gradient]
        grounds = Grounds()
        for each in self._objects:
            if each.kind == pdfium.FPDF_PAGEOBJ_TEXT:
                grounds.add_text(each.box)
            elif each.kind == pdfium.FPDF_PAGEOBJ_PATH:
                grounds.add_paint(each.box, alpha_of(each.raw), light=is_light(each.raw))
            else:
                grounds.add_paint(each.box, alpha_of(each.raw))
        for n in find_unseen(spans, grounds, pictures, self.box, self._paint_grey):
            spans[n]["text"] = ""
        blocks, cut = limit_lines(list(blocks_of(found, AS_DRAWN)))
        return ReadText(blocks, painting, (*cut, *warn_of_drawn(self._chars)))

    def word_boxes(self) -> list[Box]:
        lines = [line for block in to_blocks(self._chars) for line in block["lines"]]
        chars = [[char for span in line["spans"] for char in span["chars"]] for line in lines]
        return [
            bounding_box(char["bbox"] for char in word)
            for line in chars
            for blank, word in groupby(line, lambda char: char["c"].isspace())
            if not blank
        ]

    @cached_property
    def _painting(self) -> Painting:
        painting = Painting()
        for each in self._objects:
            if each.kind == pdfium.FPDF_PAGEOBJ_PATH:
                painting.paths += 1
            elif picture := _to_painted(each, self._page, self.box):
                painting.pictures.append(picture)
        return painting

    def trace(self) -> Painting:
        return self._painting

    def render(self, box: Box, scale: float) -> "Image":
        return _render(self._page, self.box, pixel_frame(box, scale), scale)

    def render_whole(self, scale: float) -> "Image":
        return self.render(self.box, scale)

    def encode_whole(self, scale: float, form: str, quality: int) -> bytes:
        import io

        file = io.BytesIO()
        self.render_whole(scale).save(file, form.upper(), **({"quality": quality} if form == "jpeg" else {}))
        return file.getvalue()

    def paint_flat(self, pixel: float, channels: Sequence[Sequence[int]]) -> "Image":
        return self._flat_page().paint(pixel, channels)

    def _paint_grey(self, pixel: float, with_text: bool) -> "Image":
        return self._flat_page().paint(pixel, (), with_text=with_text)

    def _flat_page(self) -> "FlatPage":
        self._flat = self._flat or FlatPage(self, self.document.flat_page(self.number))
        return self._flat

    def find_drawings(self, pictures: Sequence[Box]) -> list[Box]:
        from swatchbook_catalogue.pdf.drawings import drawing_boxes
        from swatchbook_catalogue.pdf.pdfium_paths import to_paths

        return drawing_boxes(to_paths(self._objects), self.box, pictures)

    def name_pictures(self, painted: Sequence[Painted]) -> list[int]:
        return [0 if picture.gradient else self._name(picture) for picture in painted]

    def _name(self, picture: Painted) -> int:
        """Return a number of what a picture shows: of its bytes, its size, and its mask."""
        import hashlib

        from swatchbook_catalogue.pdf.pdfium_pictures import stored_bytes

        hashed = hashlib.sha256(stored_bytes(picture.image))
        hashed.update(repr((picture.width, picture.height, picture.space)).encode())
        if mask := self.mask_of(picture):
            hashed.update(mask.tobytes())
        name = int.from_bytes(hashed.digest()[:6]) | 1
        self._digests[name] = hashed.digest()
        return name

    def stored_bytes(self, name: int) -> bytes:
        return self._digests[name]

    def mask_of(self, picture: Painted) -> "Image | None":
        """Return a picture's mask in few pixels (mode L); None if it has none.

        One that cannot be decoded, and paints nothing, is a faint veil: it counts as seen, and hides no other.
        """
        import ctypes

        from PIL import Image

        from swatchbook_base.errors import UnreadableImage
        from swatchbook_catalogue.pdf.pdfium_pictures import probe

        address = ctypes.addressof(picture.image.contents)
        if address not in self._masks:
            try:
                seen = probe(self._page, picture)
            except UnreadableImage:
                self._masks[address] = Image.new("L", (1, 1), VEIL)
            else:
                self._masks[address] = seen.getchannel("A") if seen.mode == "RGBA" else None
        return self._masks[address]

    def kept_jpeg(self, picture: Painted, name: int, limits: "ImageLimits") -> "PictureFile | None":
        from swatchbook_catalogue.pdf import pdfium_pictures

        return pdfium_pictures.kept_jpeg(self._page, picture, limits)

    def pixels(self, picture: Painted, name: int, limits: "ImageLimits") -> "Image":
        from swatchbook_catalogue.pdf import pdfium_pictures

        if pdfium_pictures.is_cut(picture):
            self.document.note("A picture has fewer bytes than pixels; the rest of it is black.")
        return pdfium_pictures.pixels(self._page, picture, limits)

    def read_tables(self) -> tuple[list[tuple[Box, Any]], list[str]]:
        return [], [NO_TABLES]

    def draw(self, scale: float, drawing: Mapping[str, Any]) -> bytes:
        from swatchbook_catalogue.pdf.pdfium_drawing import draw

        return draw(self.render_whole(scale), scale, drawing)


class FlatPage:
    """A second copy of a page, whose pictures are painted over and whose text may be left out."""

    def __init__(self, page: PdfiumPage, copy: Any) -> None:
        self._page, self._copy = page, copy
        objects = list(list_objects(copy, page.to_page))
        self._text = [each.raw for each in objects if each.kind == pdfium.FPDF_PAGEOBJ_TEXT]
        self._has_text = True
        numbered = enumerate(each.raw for each in objects if _to_painted(each, copy, page.box))
        painted = page.trace().pictures
        self._pictures = {n: raw for n, raw in numbered if not painted[n].gradient}
        self._names = page.name_pictures([painted[n] for n in self._pictures])
        self._colors: dict[int, tuple[int, int, int]] = {}

    def close(self) -> None:
        self._copy.close()

    def paint(self, pixel: float, channels: Sequence[Sequence[int]], *, with_text: bool = True) -> "Image":
        """Return the page with each picture in grey, and those of each channel lighter in it."""
        from swatchbook_catalogue.pdf.pdfium_pictures import paint_over

        if with_text != self._has_text:
            for raw in self._text:
                pdfium.FPDFPageObj_SetIsActive(raw, with_text)
            self._has_text = with_text
        painted = self._page.trace().pictures
        lighter = dict[int, set[int]]()  # what shows one object changes together
        for n, name in zip(self._pictures, self._names, strict=True):
            lighter.setdefault(name, set()).update(c for c, numbers in enumerate(channels) if n in numbers)
        for (n, raw), name in zip(self._pictures.items(), self._names, strict=True):
            red, green, blue = (LIGHTER if c in lighter[name] else GREY for c in range(3))
            if self._colors.get(n) != (red, green, blue):
                paint_over(self._copy, raw, self._page.mask_of(painted[n]), (red, green, blue))
                self._colors[n] = red, green, blue
        width, height = self._page.box[2:]
        return _render(self._copy, self._page.box, (0, 0, int(width / pixel) + 1, int(height / pixel) + 1), 1 / pixel)


def _to_painted(each: Drawn, page: Any, frame: Box) -> Painted | None:
    """Return a picture or gradient; None for another object, and for one that is too faint."""
    if each.kind not in (pdfium.FPDF_PAGEOBJ_IMAGE, pdfium.FPDF_PAGEOBJ_SHADING) or alpha_of(each.raw) < LEAST_ALPHA:
        return None
    return to_picture(each, page, frame) if each.kind == pdfium.FPDF_PAGEOBJ_IMAGE else to_gradient(each, frame)


def _render(page: Any, box: Box, frame: tuple[int, int, int, int], scale: float) -> "Image":
    """Return a part of a page (mode RGB, white ground); `frame` in pixels, `scale` in pixels a point."""
    width, height = frame[2] - frame[0], frame[3] - frame[1]
    bitmap = library.PdfBitmap.new_native(width, height, pdfium.FPDFBitmap_BGR, rev_byteorder=True)
    bitmap.fill_rect((255, 255, 255, 255), 0, 0, width, height)
    # PDFium takes the page as many whole points large
    across, down = (scale * side / max(1, int(side)) for side in box[2:])
    matrix = pdfium.FS_MATRIX(across, 0, 0, down, -frame[0], -frame[1])
    around = pdfium.FS_RECTF(0, 0, width, height)
    flags = pdfium.FPDF_ANNOT | pdfium.FPDF_REVERSE_BYTE_ORDER
    pdfium.FPDF_RenderPageBitmapWithMatrix(bitmap.raw, page.raw, matrix, around, flags)
    image: Image = bitmap.to_pil()  # a copy
    return image


if __name__ == "__main__":
    serve_pdfs(open_document)
