"""Check the size of a document's file (SWATCHBOOK_MAX_DOCUMENT_MB); also holds the longest URL.

It is checked on upload, on download, at registration and before reading. Limit of pages: `pdf/check_file.py`.
"""

from swatchbook.errors import TooLarge

URL_CHARACTERS = 8_192
"""The most characters of a URL: pre-signed URLs are long."""


def check_size(size: int, max_bytes: int, *, name: str = "The file") -> None:
    """Check the size of a file, or of the part of it that has arrived, in bytes. Raises TooLarge."""
    if size > max_bytes:
        raise TooLarge(
            f"{name} is larger than the limit of {max_bytes >> 20} MiB.",
            advice="Split it, or raise SWATCHBOOK_MAX_DOCUMENT_MB.",
        )
