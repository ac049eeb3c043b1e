"""Small PDFs for tests, made page by page with the pictures that real catalogues hold."""

import io
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pymupdf
from PIL import Image

from swatchbook.domain.records import Box, Extraction, Page, Plan, PlannedPage, Reading
from swatchbook.domain.settings import Settings
from swatchbook.store.files.file_store import Files, open_files
from swatchbook_base.reading import iter_pages
from swatchbook_catalogue.extract import extract
from swatchbook_catalogue.pdf import reader


def gradient(width: int, height: int, mode: str = "RGB", seed: int = 0) -> Image.Image:
    """A picture without symmetry: all corners differ, so that a wrong turn is noticed."""
    across = Image.linear_gradient("L").rotate(90).resize((width, height))
    down = Image.linear_gradient("L").resize((width, height))
    flat = Image.new("L", (width, height), 40 + 37 * seed % 200)
    picture = Image.merge("RGB", (across, down, flat))
    return picture.convert(mode)


def jpeg(picture: Image.Image, **options: object) -> bytes:
    return saved(picture, "JPEG", quality=90, **options)


def png(picture: Image.Image) -> bytes:
    return saved(picture, "PNG")


def saved(picture: Image.Image, form: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


RAMP = (
    "<</ShadingType 2/ColorSpace/DeviceRGB/Coords[0 0 400 0]/Extend[true true]"
    "/Function<</FunctionType 2/Domain[0 1]/C0[1 0 0]/C1[0 0 1]/N 1>>>>"
)
"""A gradient from red to blue over a page."""


class Paper:
    """A PDF under construction; pages of 400 × 600 points."""

    def __init__(self) -> None:
        self.document = pymupdf.open()

    def page(self, text: str = "", rotation: int = 0) -> pymupdf.Page:
        page = self.document.new_page(width=400, height=600)
        if text:
            page.insert_text((40, 40), text, fontsize=12)
        page.set_rotation(rotation)
        return page

    def pages(self, count: int) -> list[pymupdf.Page]:
        """Several pages at once: a new page makes those handed out before it useless."""
        first = self.document.page_count
        for _ in range(count):
            self.page()
        return [self.document[first + n] for n in range(count)]

    def object(self, dictionary: str, stream: bytes) -> int:
        """A stream object with exactly this dictionary; the stream is stored as given."""
        xref = self.document.get_new_xref()
        self.document.update_object(xref, "<<>>")
        self.document.update_stream(xref, stream, compress=False)
        for key, value in pairs(dictionary):
            self.document.xref_set_key(xref, key, value)
        return xref

    def image(
        self, width: int, height: int, data: bytes, filters: str, space: str = "/DeviceRGB", more: str = ""
    ) -> int:
        words = f"Type /XObject|Subtype /Image|Width {width}|Height {height}|BitsPerComponent 8|ColorSpace {space}"
        return self.object(f"{words}|Filter {filters}" + (f"|{more}" if more else ""), data)

    def draw(self, page: pymupdf.Page, xref: int, matrix: tuple[float, ...]) -> None:
        """Paint an image object through a PDF matrix (origin bottom left, y up)."""
        self.resource(page, f"XObject/P{xref}", f"{xref} 0 R")
        self.paint(page, f"q {' '.join(map(str, matrix))} cm /P{xref} Do Q".encode())

    def put_inline(self, page: pymupdf.Page, picture: Image.Image, box: Box) -> None:
        """Paint an RGB picture that stands in the page's own stream, upright into a box (origin top left)."""
        x0, y0, x1, y1 = box
        head = f"q {x1 - x0} 0 0 {y1 - y0} {x0} {600 - y1} cm BI /W {picture.width} /H {picture.height} /CS /RGB /BPC 8"
        self.paint(page, head.encode() + b" ID " + picture.tobytes() + b" EI Q")

    def shade(self, page: pymupdf.Page, box: Box, state: str = "") -> None:
        """Fill a box (origin top left) with a gradient from red to blue; `state` goes before, as "/Faint gs"."""
        self.resource(page, "Shading/Ramp", RAMP)
        x0, y0, x1, y1 = box
        self.paint(page, f"q {state} {x0} {600 - y1} {x1 - x0} {y1 - y0} re W n /Ramp sh Q".encode())

    def resource(self, page: pymupdf.Page, name: str, value: str) -> None:
        kind, there = self.document.xref_get_key(page.xref, "Resources")
        if kind == "xref":
            self.document.xref_set_key(int(there.split()[0]), name, value)
        else:
            self.document.xref_set_key(page.xref, f"Resources/{name}", value)

    def put(self, page: pymupdf.Page, xref: int, box: Box) -> None:
        """Paint an image object upright into a box (origin top left)."""
        x0, y0, x1, y1 = box
        self.draw(page, xref, (x1 - x0, 0, 0, y1 - y0, x0, 600 - y1))

    def paint(self, page: pymupdf.Page, operators: bytes) -> None:
        """Append to a page's content."""
        xref = self.document.get_new_xref()
        self.document.update_object(xref, "<<>>")
        self.document.update_stream(xref, operators)
        there = " ".join(f"{old} 0 R" for old in page.get_contents())
        self.document.xref_set_key(page.xref, "Contents", f"[{there} {xref} 0 R]")

    def save(self, path: Path) -> Path:
        self.document.save(path)
        return path


def pairs(dictionary: str) -> list[tuple[str, str]]:
    """ "Width 3|Filter /DCTDecode" as keys and values."""
    return [(entry.split(" ", 1)[0], entry.split(" ", 1)[1]) for entry in dictionary.split("|")]


def deflated(picture: Image.Image) -> bytes:
    return zlib.compress(picture.tobytes())


def all_pages(count: int) -> Plan:
    return Plan(pages=tuple(PlannedPage(number=n, kind="product", reason="test") for n in range(1, count + 1)))


def write_drawn_glyph(paper: Paper, page: pymupdf.Page, glyph: bytes, objects: str, size: int) -> None:
    """Write the sign "a", 1 × 2/3 of its size, of a font whose glyphs are drawings (Type 3)."""
    drawing = paper.object("Type /Glyph", glyph)
    paper.resource(
        page,
        "Font/T3",
        "<</Type/Font/Subtype/Type3/FontBBox[0 0 1000 1000]/FontMatrix[.001 0 0 .001 0 0]/FirstChar 97/LastChar 97"
        f"/Widths[1000]/Encoding<</Type/Encoding/Differences[97/a]>>/CharProcs<</a {drawing} 0 R>>"
        f"/Resources<</XObject<<{objects}>>>>>>",
    )
    paper.paint(page, f"q BT /T3 {size} Tf 50 300 Td (a) Tj ET Q".encode())


def write_glyphs(paper: Paper, page: pymupdf.Page, numbers: Iterable[int], letters: Sequence[str] = "") -> None:
    """Write glyphs, by their numbers, in an embedded font that says nothing of letters, except of the first glyphs."""
    pairs = "".join(f"<{n:04x}> <{letter.encode('utf-16-be').hex()}>\n" for n, letter in enumerate(letters, 1))
    table = f"1 begincodespacerange\n<0000> <ffff>\nendcodespacerange\n{len(letters)} beginbfchar\n{pairs}endbfchar\n"
    names = "/CMapName /Some def /CMapType 2 def"
    name = "R" if letters else "S"
    cmap = paper.object("Type /CMap", f"begincmap {names}\n{table}endcmap".encode()) if letters else None
    program = paper.object("Subtype /CIDFontType0C", pymupdf.Font("helv").buffer)
    descriptor = "<</Type/FontDescriptor/FontName/Some/Flags 4/FontBBox[0 0 1000 1000]/ItalicAngle 0/Ascent 800"
    descriptor += f"/FontFile3 {program} 0 R>>"
    system = "<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>"
    cid = f"<</Type/Font/Subtype/CIDFontType0/BaseFont/S/CIDSystemInfo{system}/FontDescriptor{descriptor}/DW 700>>"
    font = f"<</Type/Font/Subtype/Type0/BaseFont/S/Encoding/Identity-H/DescendantFonts[{cid}]"
    paper.resource(page, f"Font/{name}", font + (f"/ToUnicode {cmap} 0 R>>" if cmap else ">>"))
    glyphs = "".join(f"{number:04x}" for number in numbers)
    paper.paint(page, f"q BT /{name} 12 Tf 20 400 Td <{glyphs}> Tj ET Q".encode())


def photo(seed: int = 0) -> Image.Image:
    """Waves of many colours with grain, as photographs have."""
    down, across = np.mgrid[0:100, 0:120]
    waves = np.stack([np.sin(across / w + seed) * np.cos(down / (w + 3)) for w in (7, 11, 17)], axis=2)
    grain = np.random.default_rng(seed).normal(0, 14, waves.shape)
    return Image.fromarray(np.clip(120 + 90 * waves + grain, 0, 255).astype(np.uint8))


class ReadPdf(NamedTuple):
    reading: Reading
    pages: list[Page]
    found: Extraction
    files: Files


def read_pdf(path: Path, **changed: object) -> ReadPdf:
    """Read all pages of a PDF and extract their pictures; what is stored is in a home beside it."""
    settings = Settings.model_validate({"home": path.parent / "home", "page_seconds": 80, **changed})
    files = open_files(settings.files)
    reading = reader.read(path, files, settings)
    found = extract(path, "document", reading, all_pages(reading.page_count), files, settings)
    return ReadPdf(reading, list(iter_pages(files, reading)), found, files)
