"""What reading a catalogue is given: settings, a store of files, whom to tell how far it is; and the pages it leaves.

They are Protocols: the core's `Settings` and `Files` fit, and so does what the library of catalogues brings for itself.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from swatchbook_base.check_file import DocumentLimits
from swatchbook_base.image_limits import ImageSettings
from swatchbook_base.records.pages import Page, Reading

PRINT = "text in pictures"
"""Note of a run that reads the printed text of a page from its pixels."""


class ReadSettings(DocumentLimits, ImageSettings, Protocol):
    """How catalogues are read, and the limits of doing so."""

    @property
    def pdf_reader(self) -> str:
        """Return the library that reads PDFs: mupdf, pdfium, or the name of an entry point."""

    @property
    def ocr(self) -> str:
        """Return when printed text is read from pixels: auto, always or off."""

    @property
    def ocr_languages(self) -> Sequence[str] | None:
        """Return the languages of Tesseract that are read besides; None: those that this machine has."""

    @property
    def page_seconds(self) -> float:
        """Return how long a page may take."""

    @property
    def child_memory_mb(self) -> int:
        """Return how many MiB a child process may take."""

    @property
    def temporary_folder(self) -> Path:
        """Return where a reading is written until it is whole."""


class FileStore(Protocol):
    """Files by the hash of their content. Raises FileMissing and DiskFull."""

    def put_bytes(self, data: bytes, suffix: str = "") -> str:
        """Store bytes and return their key."""

    def put_file(self, path: Path, suffix: str | None = None) -> str:
        """Store a file and return its key."""

    def local(self, key: str) -> AbstractContextManager[Path]:
        """Return a path to the file of this key, which exists until the block ends."""


class Progress(Protocol):
    """Called with the number of pages done and of all pages.

    It is called at the beginning, after each page, picture and failure, and with the note PRINT when the pixels of the
    next page are read.
    """

    def __call__(self, done: int, total: int, note: str, /) -> None: ...


def iter_pages(files: FileStore, reading: Reading, *, pages: Collection[int] | None = None) -> Iterator[Page]:
    """Return the pages of a reading in order, one at a time; only those in `pages` if given. Raises FileMissing.

    Parsing takes about 0.2 ms a page: stages read pages again rather than keep thousands of them in memory.
    """
    with files.local(reading.pages_file) as path, path.open("rb") as lines:
        for number, line in zip(sorted(reading.page_boxes), lines, strict=True):  # a line for each page that was read
            if pages is None or number in pages:
                yield Page.model_validate_json(line)
