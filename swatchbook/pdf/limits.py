"""The limits of a document: MB and pages (SWATCHBOOK_MAX_DOCUMENT_MB, …_MAX_PAGES); and what counts as a PDF ("%PDF-"
in the first kilobyte). They are checked on upload, at registration and before reading. Limits of a picture:
`images/limits.py`.
"""

from swatchbook.errors import TooLarge
from swatchbook.settings import Settings

HEAD_BYTES = 1024  # PDF readers accept "%PDF-" anywhere in the first kilobyte
_MIB = 1 << 20


def is_pdf(head: bytes) -> bool:
    """Return whether the first HEAD_BYTES of a file have a PDF header."""
    return b"%PDF-" in head[:HEAD_BYTES]


def check_bytes(size: int, settings: Settings, name: str = "The document") -> None:
    """Check the size of a document's file in bytes. Raises TooLarge."""
    if size > settings.max_document_mb * _MIB:
        raise TooLarge(
            f"{name} has {size / _MIB:.0f} MiB; {settings.max_document_mb} are allowed.",
            advice="Split it, or raise SWATCHBOOK_MAX_DOCUMENT_MB.",
        )


def check_pages(count: int, settings: Settings) -> None:
    """Check the number of a document's pages. Raises TooLarge."""
    if count > settings.max_pages:
        raise TooLarge(
            f"The document has {count} pages; {settings.max_pages} are allowed.",
            advice="Split it, or raise SWATCHBOOK_MAX_PAGES.",
        )
