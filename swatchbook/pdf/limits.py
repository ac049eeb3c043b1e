"""The limit of a document's pages (SWATCHBOOK_MAX_PAGES), and what counts as a PDF ("%PDF-" in the first kilobyte),
checked on upload, at registration and before reading. The limit of its file's size: `storage/size_limit.py`; limits of
a picture: `images/limits.py`.
"""

from swatchbook.errors import TooLarge
from swatchbook.settings import Settings

HEAD_BYTES = 1024  # PDF readers accept "%PDF-" anywhere in the first kilobyte


def is_pdf(head: bytes) -> bool:
    """Return whether the first HEAD_BYTES of a file have a PDF header."""
    return b"%PDF-" in head[:HEAD_BYTES]


def check_pages(count: int, settings: Settings) -> None:
    """Check the number of a document's pages. Raises TooLarge."""
    if count > settings.max_pages:
        raise TooLarge(
            f"The document has {count} pages; {settings.max_pages} are allowed.",
            advice="Split it, or raise SWATCHBOOK_MAX_PAGES.",
        )
