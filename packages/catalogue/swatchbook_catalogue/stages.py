"""The stages of reading a catalogue, as Swatchbook runs them; what each does is in its own module.

Swatchbook finds this module by its entry point, and declares what it calls in `swatchbook/catalogue_reader.py`. A stage
reads the pages of a reading from its file: those of a long document are too many for memory.
"""

import sys
import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Final

from swatchbook_base.chat import PaidChat
from swatchbook_base.child_process import Child
from swatchbook_base.reading import FileStore, Progress, ReadSettings, iter_pages
from swatchbook_base.records import (
    Chunks,
    Description,
    Discovery,
    Extraction,
    FoundProduct,
    Link,
    Plan,
    Product,
    Reading,
    Scans,
    Tables,
    Unassigned,
)
from swatchbook_catalogue import chunk as chunks
from swatchbook_catalogue import describe as descriptions
from swatchbook_catalogue import discover as discovery
from swatchbook_catalogue import link, plan
from swatchbook_catalogue.extract import extract as extract
from swatchbook_catalogue.extract import extract_boxes as extract_boxes
from swatchbook_catalogue.link_features import PagePlaces
from swatchbook_catalogue.llm import discover_with_model as by_model
from swatchbook_catalogue.llm.discover_with_model import ask_all as ask_all
from swatchbook_catalogue.llm.discover_with_model import asks_about as asks_about
from swatchbook_catalogue.llm.discover_with_model import discover_with_model as discover_with_model
from swatchbook_catalogue.llm.prompts import RECIPES as RECIPES
from swatchbook_catalogue.llm.scans import with_scans
from swatchbook_catalogue.pdf import reader
from swatchbook_catalogue.pdf.ocr_engine import Recogniser
from swatchbook_catalogue.pdf.ocr_languages import check_languages, chosen_languages
from swatchbook_catalogue.pdf.ocr_pages import READABLE
from swatchbook_catalogue.pdf.reader import draw_page as draw_page
from swatchbook_catalogue.pdf.reader import look as look
from swatchbook_catalogue.pdf.reader import read as read
from swatchbook_catalogue.pdf.reader import render_page as render_page

SMALLEST_PDF: Final = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 72 72]>>endobj\nxref\n0 4\n0000000000 65535 f \n"
    b"0000000009 00000 n \n0000000052 00000 n \n0000000101 00000 n \ntrailer<</Size 4/Root 1 0 R>>\n"
    b"startxref\n163\n%%EOF\n"
)

Certain = Callable[[Sequence[PagePlaces]], Mapping[str, str]]


def load() -> ModuleType:
    """Return this module, which the entry point names."""
    return sys.modules[__name__]


def check(settings: ReadSettings) -> str:
    """Read a PDF of one empty page, and return what reads it. Raises what `read` raises."""
    languages = chosen_languages(settings.ocr_languages)
    if settings.ocr != "off":
        check_languages(languages)
    with tempfile.TemporaryDirectory(prefix="swatchbook-") as folder:
        file = Path(folder) / "probe.pdf"
        file.write_bytes(SMALLEST_PDF)
        with Child(reader.reader_module(settings), memory_mb=settings.child_memory_mb) as child:
            child.ask({"do": "open", "path": str(file)}, seconds=settings.page_seconds)
    reads = "off" if settings.ocr == "off" else f"reads {', '.join([READABLE, *languages])}"
    _, package = reader.MODULES.get(settings.pdf_reader, ("", ""))
    library = f"{package} {version(package)}" if package else settings.pdf_reader
    return f"{library} in a child process, OCR {reads}"


def read_tables(path: Path, reading: Reading, settings: ReadSettings, *, progress: Progress | None = None) -> Tables:
    """Read the tables of all pages that have any; pages that fail are listed in `lost`."""
    return reader.tables(path, reading.table_pages, settings, progress=progress)


def discover(reading: Reading, files: FileStore) -> Discovery:
    """Find product names and page ranges by the layout rules."""
    return discovery.discover(reading, iter_pages(files, reading))


def describe(reading: Reading, files: FileStore, found: Discovery, tables: Tables) -> list[Description]:
    """Read the metadata of every product from the text of its pages by the layout rules, in the discovery's order."""
    pages = with_scans(iter_pages(files, reading), found.scans)
    return descriptions.describe_all(found, pages, tables.tables)


def describe_with_model(
    reading: Reading,
    files: FileStore,
    scanned: Scans,
    product: FoundProduct,
    by_layout: Description,
    chat: PaidChat,
    *,
    last_try: bool,
) -> Description:
    """Ask the language model for the metadata of one product; if it fails on the last try, return `by_layout`."""
    pages = with_scans(iter_pages(files, reading, pages=product.pages), scanned)
    return by_model.describe_with_model(chat, product, pages, by_layout, last_try=last_try)


def plan_pages(reading: Reading, files: FileStore, found: Discovery, *, focus: bool, taken: Collection[int]) -> Plan:
    """Classify each page as product, entity or skipped, with the reason."""
    return plan.make_plan(reading, iter_pages(files, reading), found, focus, taken=taken)


def cut_chunks(document: str, reading: Reading, files: FileStore, planned: Plan, tables: Tables) -> Chunks:
    """Cut the text into hierarchical chunks with their pages, headings and tables."""
    return chunks.chunk(document, reading, iter_pages(files, reading), planned, tables.tables)


def assemble(
    document: str,
    reading: Reading,
    files: FileStore,
    found: Discovery,
    described: Sequence[Description],
    planned: Plan,
    extraction: Extraction,
    cut: Chunks,
    *,
    certain: Certain | None,
) -> tuple[tuple[Product, ...], tuple[Link, ...], tuple[Unassigned, ...]]:
    """Return the products, their links to pictures and texts, and what is on no product.

    `certain`: returns placement -> product of those pictures of which a person has shown whose they are.
    """
    products = descriptions.assemble_products(document, found, described)
    pages, placements = iter_pages(files, reading, pages=planned.shown), extraction.placements
    links = link.link(products, found, placements, cut.chunks, pages, extraction.pictures, certain=certain)
    read_again = iter_pages(files, reading, pages=planned.shown)
    return products, links, link.find_unassigned(products, placements, links, read_again)


def print_reader() -> Recogniser:
    """Load what reads printed text from pixels: 0.7 s, 300 MB."""
    return Recogniser()
