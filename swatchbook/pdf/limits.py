"""Check that a file is a PDF ("%PDF-" in the first kilobyte) with at most SWATCHBOOK_MAX_PAGES pages.

Both are checked on upload, at registration and before reading. Limits of file size: `storage/size_limit.py`; of a
picture: `images/limits.py`.
"""

from typing import BinaryIO

from swatchbook.errors import TooLarge, UnreadableDocument, UnsupportedFormat
from swatchbook.settings import Settings
from swatchbook.storage.size_limit import check_size

HEAD_BYTES = 1024  # PDF readers accept "%PDF-" anywhere in the first kilobyte


def is_pdf(head: bytes) -> bool:
    """Return whether the first HEAD_BYTES of a file have a PDF header."""
    return b"%PDF-" in head[:HEAD_BYTES]


def check_pdf(file: BinaryIO, size: int, settings: Settings, *, name: str = "The file") -> None:
    """Check the size of a document's file, and its first bytes.

    Raises TooLarge, UnreadableDocument if it is empty, and UnsupportedFormat.
    """
    if size == 0:
        raise UnreadableDocument(f"{name} is empty.", advice="Export or download it again.")
    check_size(size, settings.max_document_mb << 20, name=name)
    if not is_pdf(file.read(HEAD_BYTES)):
        raise UnsupportedFormat(f"{name} is not a PDF.", advice="Swatchbook reads product catalogues as PDF files.")


def check_pages(count: int, settings: Settings) -> None:
    """Check the number of a document's pages. Raises TooLarge."""
    if count > settings.max_pages:
        raise TooLarge(
            f"The document has {count} pages; {settings.max_pages} are allowed.",
            advice="Split it, or raise SWATCHBOOK_MAX_PAGES.",
        )
