"""Read a catalogue in one call: `read_catalogue("catalogue.pdf")`."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from swatchbook_base.errors import FileMissing, InvalidReference
from swatchbook_base.reading import iter_pages
from swatchbook_base.records import (
    Chunk,
    Discovery,
    FailedPage,
    Link,
    LostPicture,
    Page,
    Picture,
    Placement,
    Product,
    Record,
    Table,
    Unreadable,
    sha256,
)
from swatchbook_catalogue import stages

AnyPath = str | os.PathLike[str]


@dataclass(frozen=True)
class ReadingOptions:
    """How a catalogue is read, and the limits. In Swatchbook these are settings: SWATCHBOOK_MAX_PAGES is `max_pages`.

    `pdf_reader`: mupdf or pdfium; `ocr`: auto, always or off; `ocr_languages`: of Tesseract, None for all that this
    machine has. `page_seconds`: of the processor for a page; `child_memory_mb`: of the process that opens the file.
    """

    pdf_reader: str = "mupdf"
    ocr: str = "auto"
    ocr_languages: Sequence[str] | None = None
    page_seconds: float = 60.0
    child_memory_mb: int = 4_096
    max_pages: int = 2_000
    max_document_mb: int = 200
    max_image_mb: int = 25
    max_image_megapixels: int = 50
    max_image_side: int = 16_384
    temporary_folder: Path = field(default_factory=lambda: Path(tempfile.gettempdir()))


class Catalogue(Record):
    """What a catalogue shows. Pages that could not be read, whole or in part, are in `lost`, each with its reason."""

    pages: tuple[Page, ...]
    tables: tuple[Table, ...]
    products: tuple[Product, ...]
    pictures: tuple[Picture, ...]
    placements: tuple[Placement, ...]  # where pictures are, shown or not
    unreadable: tuple[Unreadable, ...]  # pictures that cannot be decoded
    lost_pictures: tuple[LostPicture, ...]  # parts that look like pictures and are in no placement
    links: tuple[Link, ...]  # placement to product, and to the texts about it
    texts: tuple[Chunk, ...]
    discovery: Discovery  # names that were rejected, pages that are unsure, and how sure the whole is
    lost: tuple[FailedPage, ...]
    warnings: tuple[str, ...]


class Folder:
    """A folder of files named by the SHA-256 of their content: a `FileStore`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def put_bytes(self, data: bytes, suffix: str = "") -> str:
        key = sha256(data) + suffix
        (self.path / key).write_bytes(data)
        return key

    def put_file(self, path: Path, suffix: str | None = None) -> str:
        key = sha256(path.read_bytes()) + (path.suffix if suffix is None else suffix)
        shutil.copyfile(path, self.path / key)
        return key

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        if not (path := self.path / key).is_file():
            raise FileMissing(f"There is no file {key}.")
        yield path


def read_catalogue(
    path: AnyPath, *, pictures: AnyPath | None = None, options: ReadingOptions | None = None
) -> Catalogue:
    """Read a PDF's pages, texts, tables and pictures, and find its products with their facts. No model is asked.

    `pictures` is a folder for the picture files, named by `Picture.file`; without it they are measured and not kept.
    The file is opened in a child process only. A page or picture that fails is in `lost`, and the rest is read.
    Raises UnreadableDocument, EncryptedDocument, TooLarge, TooSlow, FileMissing, InvalidReference, DiskFull;
    CrashedWorker or ProviderTimeout if no page could be read but a later attempt may succeed.
    """
    settings, file = options or ReadingOptions(), Path(path)
    if not file.is_file():
        raise (InvalidReference if file.exists() else FileMissing)(f"{file} is not a file.", advice="Check the path.")
    with tempfile.TemporaryDirectory(prefix="swatchbook-catalogue-") as temporary:
        files = Folder(Path(temporary))
        reading = stages.read(file, files, settings)
        found = stages.discover(reading, files)
        tables = stages.read_tables(file, reading, settings)
        planned = stages.plan_pages(reading, files, found, focus=True, taken=())
        extraction = stages.extract(file, reading.content, reading, planned, files, settings)
        cut = stages.cut_chunks(reading.content, reading, files, planned, tables)
        described = stages.describe(reading, files, found, tables)
        products, links, _ = stages.assemble(
            reading.content, reading, files, found, described, planned, extraction, cut, certain=None
        )
        pages = tuple(iter_pages(files, reading))
        if pictures is not None:  # at the end: a reading that fails leaves nothing there
            folder = Path(pictures)
            folder.mkdir(parents=True, exist_ok=True)
            for picture in extraction.pictures:
                shutil.move(files.path / picture.file, folder / picture.file)
    return Catalogue(
        pages=pages,
        tables=tables.tables,
        products=products,
        pictures=extraction.pictures,
        placements=extraction.placements,
        unreadable=extraction.unreadable,
        lost_pictures=extraction.lost_pictures,
        links=links,
        texts=cut.chunks,
        discovery=found,
        lost=(*reading.lost, *tables.lost, *extraction.lost),
        warnings=(*reading.warnings, *reading.doubts, *tables.warnings, *extraction.warnings),
    )
