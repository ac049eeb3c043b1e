"""Small catalogues to teach: below each picture a loud line that is no name, then the name. Without it the layout rules
find no product.
"""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from benchmarks import bare_ingest
from swatchbook.domain.records import Box
from swatchbook.domain.settings import load_settings
from swatchbook.resources import Resources, open_resources
from swatchbook.store.ledger.queries.document import read_products
from swatchbook.store.ledger.stored_documents import Document, list_documents
from tests.fixtures import make_once
from tests.pdf.making import Paper, photo, png

NAMES = (("Alder", "Birke"), ("Cedro", "Dune"), ("Esche", "Fjord"))
NEXT = (("Garn", "Holm"), ("Ilex", "Juno"))
LEFT, RIGHT = 40, 220


def make(path: Path, names: Sequence[tuple[str, str]] = NAMES, *, font: str = "hebo", size: float = 9.0) -> Path:
    """A catalogue with a page for each pair of names."""
    paper = Paper()
    for number, (page, (left, right)) in enumerate(zip(paper.pages(len(names)), names, strict=True)):
        page.insert_text((40, 50), f"Season {number + 1}", fontsize=22, fontname=font)
        for x, name, seed in ((LEFT, left, number), (RIGHT, right, number + 50)):
            page.insert_image((x, 100, x + 140, 220), stream=png(photo(seed)))
            page.insert_text((x, 240), "Wall tile", fontsize=size + 2, fontname=font)
            page.insert_text((x, 254), name, fontsize=size, fontname=font)
            page.insert_text((x, 268), f"A fine surface called {name.lower()}, for walls.", fontsize=7)
    return paper.save(path)


def ingest(resources: Resources, path: Path) -> Document:
    """Ingest a catalogue without a flow, and return its document."""
    bare_ingest.main(path)
    (document,) = list_documents(resources.ledger, name=path.name)
    return document


def make_home(*catalogues: Path) -> Path:
    """Return a home beside catalogues, which has them ingested; `open_copy` opens copies of it."""
    home = catalogues[0].with_name("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SWATCHBOOK_HOME", str(home))
        for catalogue in catalogues:
            bare_ingest.main(catalogue)
    return home


@pytest.fixture(scope="session")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with `first.pdf` and `second.pdf`, which are beside it; copy it, do not change it."""

    def make_both(folder: Path) -> None:
        make_home(make(folder / "first.pdf"), make(folder / "second.pdf", NEXT))

    return make_once(tmp_path_factory, "taught", make_both) / "home"


@contextmanager
def open_copy(ingested: Path, home: Path) -> Iterator[Resources]:
    shutil.copytree(ingested, home)
    with open_resources(load_settings()) as resources:
        yield resources


@pytest.fixture
def resources(home: Path, ingested: Path) -> Iterator[Resources]:
    with open_copy(ingested, home) as tools:
        yield tools


def names_of(resources: Resources, document: Document) -> list[str]:
    return [product.name for product in read_products(resources.ledger, document.id)]


SHEET: Box = (40.0, 90.0, 340.0, 570.0)
"""Where the picture with all products of a page is."""
COLUMNS, ROWS = 3, 4
PITCH, CELL = (100.0, 120.0), (100.0, 96.0)
"""Points from one product to the next, and of the picture of one."""
LOGO: Box = (290.0, 20.0, 380.0, 65.0)
FIRST_LOGO: Box = (190.0, 20.0, 280.0, 65.0)
"""Where it is on the first page: in one place of all pages, it would be decoration anyway."""
EMPTY = 2
"""Parts of the last page's picture that show nothing."""
WORDS = ("Alder", "Birke", "Cedro", "Dune", "Esche", "Fjord", "Ginko", "Holm", "Iroko", "Jade", "Kiefer", "Larix")


def cell_at(column: int, row: int) -> Box:
    """The box of one product's picture on the page."""
    x, y = SHEET[0] + column * PITCH[0], SHEET[1] + row * PITCH[1]
    return x, y, x + CELL[0], y + CELL[1]


def make_sheets(path: Path, pages: int = 3) -> Path:
    """A catalogue whose pages each have one picture of twelve products, with their names below each, and a logo."""
    paper = Paper()
    for number, page in enumerate(paper.pages(pages)):
        page.insert_text((40, 50), f"Season {number + 1}", fontsize=22, fontname="hebo")
        page.insert_image(LOGO if number else FIRST_LOGO, stream=png(_logo(180 if number else 240)))
        sheet = Image.new("RGB", (600, 960), "white")
        shown = COLUMNS * ROWS - (EMPTY if number == pages - 1 else 0)
        for n in range(shown):
            row, column = divmod(n, COLUMNS)
            cell = photo(100 * number + n).resize((200, 192))
            sheet.paste(cell, (200 * column, 240 * row))
            x0, _, _, y1 = cell_at(column, row)
            page.insert_text((x0 + 4, y1 + 14), f"{WORDS[n]} {number + 1}", fontsize=9, fontname="hebo")
        page.insert_image(SHEET, stream=png(sheet), keep_proportion=False, overlay=False)
    return paper.save(path)


@pytest.fixture(scope="session")
def ingested_sheets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with `make_sheets`, whose file is beside it; copy it, do not change it."""
    return make_once(tmp_path_factory, "sheets", lambda folder: make_home(make_sheets(folder / "sheets.pdf"))) / "home"


def _logo(width: int) -> Image.Image:
    """A sign of a maker, in some width."""
    sign = Image.new("RGB", (120, 60), "navy")
    drawing = ImageDraw.Draw(sign)
    drawing.ellipse((10, 8, 54, 52), fill="gold")
    drawing.polygon([(66, 52), (88, 8), (112, 52)], fill="white")
    return sign.resize((width, width // 2), Image.Resampling.LANCZOS)
