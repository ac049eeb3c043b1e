"""What reads catalogues, a package that is found by its entry point: the core has the contract, and no PDF."""

from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, cast

from swatchbook.domain.extras import missing_package
from swatchbook.domain.plugins import Kind, installed

if TYPE_CHECKING:
    from swatchbook.domain.records import (
        Box,
        Chunks,
        Description,
        Discovery,
        Drawing,
        Extraction,
        FailedPage,
        FoundProduct,
        Line,
        Link,
        LostPicture,
        Placement,
        Plan,
        Product,
        Reading,
        Scans,
        SeenPage,
        Tables,
        Unassigned,
    )
    from swatchbook_base.arrays import Pixels
    from swatchbook_base.chat import PaidChat
    from swatchbook_base.reading import FileStore, Progress, ReadSettings

DISTRIBUTION: Final = "swatchbook-catalogue"

Mode = Literal["assist", "llm"]
"""Whether models are asked only for what the layout rules leave open, or for everything."""


class ReadPrint(Protocol):
    """What was read from pixels."""

    @property
    def lines(self) -> "Sequence[Line]": ...


class PrintReader(Protocol):
    """Reads printed text from pixels."""

    def read(self, pixels: "Pixels", *, dpi: float, most: float) -> ReadPrint:
        """Return the lines of a picture; `most`: heights of a line that are read."""


class CatalogueReader(Protocol):
    """The stages of a catalogue, all of them pure, and what people are shown of its pages.

    Each reads the pages of a reading from `files`. Failures are those of `swatchbook.domain.errors`.
    """

    RECIPES: Mapping[str, str]
    """Question to a language model -> the digest of its prompt and the shape of its answer."""

    def check(self, settings: "ReadSettings") -> str:
        """Read a PDF of one page, and return what reads it. Raises Configuration and MissingExtra."""

    def read(
        self, path: Path, files: "FileStore", settings: "ReadSettings", *, progress: "Progress | None" = None
    ) -> "Reading":
        """Read every page of a PDF once. Pages that cannot be read are in `lost`."""

    def read_tables(
        self, path: Path, reading: "Reading", settings: "ReadSettings", *, progress: "Progress | None" = None
    ) -> "Tables":
        """Read the tables of all pages that have any."""

    def discover(self, reading: "Reading", files: "FileStore") -> "Discovery":
        """Find product names and page ranges by the layout rules."""

    def discover_with_model(
        self,
        reading: "Reading",
        by_layout: "Discovery",
        files: "FileStore",
        file: str,
        settings: "ReadSettings",
        *,
        mode: Mode,
        llm: "Callable[[], PaidChat]",
        vision: "Callable[[], PaidChat]",
        last_try: bool,
    ) -> "Discovery":
        """Find products with the language model, in addition to those of the layout rules; `file` is the PDF's key."""

    def describe(
        self, reading: "Reading", files: "FileStore", found: "Discovery", tables: "Tables"
    ) -> "list[Description]":
        """Read the metadata of every product by the layout rules, in the discovery's order."""

    def asks_about(self, product: "FoundProduct", mode: Mode | Literal["layout"]) -> bool:
        """Return whether the language model is asked for a product's metadata."""

    def describe_with_model(
        self,
        reading: "Reading",
        files: "FileStore",
        scanned: "Scans",
        product: "FoundProduct",
        by_layout: "Description",
        chat: "PaidChat",
        *,
        last_try: bool,
    ) -> "Description":
        """Ask the language model for the metadata of one product; if it fails on the last try, return `by_layout`."""

    def ask_all(
        self,
        reading: "Reading",
        discovery: "Discovery",
        tables: "Tables",
        files: "FileStore",
        *,
        mode: Mode,
        llm: "PaidChat",
        describing: "PaidChat",
        vision: "PaidChat",
    ) -> None:
        """Ask every question that discovery and description would ask, for an estimate."""

    def plan_pages(
        self, reading: "Reading", files: "FileStore", found: "Discovery", *, focus: bool, taken: Collection[int]
    ) -> "Plan":
        """Classify each page as product, entity or skipped, with the reason."""

    def cut_chunks(
        self, document: str, reading: "Reading", files: "FileStore", planned: "Plan", tables: "Tables"
    ) -> "Chunks":
        """Cut the text into hierarchical chunks."""

    def extract(
        self,
        path: Path,
        document: str,
        reading: "Reading",
        plan: "Plan",
        files: "FileStore",
        settings: "ReadSettings",
        *,
        progress: "Progress | None" = None,
    ) -> "Extraction":
        """Extract the pictures of the planned pages with their placements."""

    def extract_boxes(
        self,
        path: Path,
        document: str,
        reading: "Reading",
        boxes: "Iterable[LostPicture]",
        files: "FileStore",
        settings: "ReadSettings",
        *,
        placed: "Sequence[Placement]" = (),
    ) -> "Extraction":
        """Extract the parts of pages that a person took in; what one of `placed` shows is left out."""

    def assemble(
        self,
        document: str,
        reading: "Reading",
        files: "FileStore",
        found: "Discovery",
        described: "Sequence[Description]",
        planned: "Plan",
        extraction: "Extraction",
        cut: "Chunks",
        *,
        certain: Callable[[Any], Mapping[str, str]] | None,
    ) -> "tuple[tuple[Product, ...], tuple[Link, ...], tuple[Unassigned, ...]]":
        """Return the products, their links to pictures and texts, and what is on no product."""

    def render_page(self, path: Path, number: int, settings: "ReadSettings", *, width: int) -> bytes:
        """Render one page as PNG, `width` pixels wide."""

    def draw_page(self, path: Path, number: int, drawing: "Drawing", settings: "ReadSettings", *, side: int) -> bytes:
        """Return a page as PNG, longest side `side`, with boxes over it and notes."""

    def look(
        self, path: Path, placed: "Mapping[int, Sequence[Box]]", settings: "ReadSettings", *, side: int = 0
    ) -> "Generator[SeenPage | FailedPage]":
        """Find what looks like a picture outside the boxes of pages, each with a JPEG of `side` pixels (0: without)."""

    def print_reader(self) -> PrintReader:
        """Load what reads printed text from pixels."""


@cache
def catalogue_reader() -> CatalogueReader:
    """Return the installed reader of catalogues. Raises MissingExtra where none is installed."""
    if not (found := installed(Kind.CATALOGUE)):
        raise missing_package("Reading catalogues", DISTRIBUTION)
    return cast(CatalogueReader, found[0].load()())


@cache
def reader_version() -> str:
    """Return the version of the reader of catalogues; empty where it is not installed."""
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return ""
