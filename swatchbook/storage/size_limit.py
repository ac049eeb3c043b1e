"""The limit of the size of a document's file (SWATCHBOOK_MAX_DOCUMENT_MB), checked on upload, on download, at
registration and before reading. Limit of its pages: `pdf/limits.py`. Also the length of URLs.
"""

from swatchbook.errors import TooLarge

URL_CHARACTERS = 8_192
"""Pre-signed URLs are long."""


def check_size(size: int, max_bytes: int, *, name: str = "The file") -> None:
    """Check the size of a file, or of the part of it that has arrived, in bytes. Raises TooLarge."""
    if size > max_bytes:
        raise TooLarge(
            f"{name} is larger than the limit of {max_bytes >> 20} MiB.",
            advice="Split it, or raise SWATCHBOOK_MAX_DOCUMENT_MB.",
        )
