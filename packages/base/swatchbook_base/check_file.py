"""Check that a file is a PDF within the limits, on upload, at registration and before reading."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Protocol

from swatchbook_base.errors import (
    FileMissing,
    InvalidReference,
    TooLarge,
    UnreadableDocument,
    UnsupportedFormat,
    reason_of,
)

HEAD_BYTES = 1024  # PDF readers accept "%PDF-" anywhere in the first kilobyte


class DocumentLimits(Protocol):
    """The settings that limit a document."""

    @property
    def max_document_mb(self) -> int: ...
    @property
    def max_pages(self) -> int: ...


def check_size(size: int, max_bytes: int, *, name: str = "The file") -> None:
    """Check the size of a file, or of the part of it that has arrived, in bytes. Raises TooLarge."""
    if size > max_bytes:
        raise TooLarge(
            f"{name} is larger than the limit of {max_bytes >> 20} MiB.",
            advice="Split it, or raise SWATCHBOOK_MAX_DOCUMENT_MB.",
        )


def check_pdf(file: BinaryIO, size: int, settings: DocumentLimits, *, name: str = "The file") -> None:
    """Check a file's size and first bytes. Raises TooLarge, and what `check_head` raises."""
    check_size(size, settings.max_document_mb << 20, name=name)
    check_head(file.read(HEAD_BYTES), name=name)


def check_head(head: bytes, *, name: str = "The file") -> None:
    """Check a file's first HEAD_BYTES. Raises UnreadableDocument if there are none, and UnsupportedFormat."""
    if not head:
        raise UnreadableDocument(f"{name} is empty.", advice="Export or download it again.")
    if b"%PDF-" not in head[:HEAD_BYTES]:
        raise UnsupportedFormat(f"{name} is not a PDF.", advice="Swatchbook reads product catalogues as PDF files.")


def check_pages(count: int, settings: DocumentLimits) -> None:
    """Check the number of a document's pages. Raises TooLarge."""
    if count > settings.max_pages:
        raise TooLarge(
            f"The document has {count} pages; {settings.max_pages} are allowed.",
            advice="Split it, or raise SWATCHBOOK_MAX_PAGES.",
        )


def check_file(path: Path, settings: DocumentLimits, *, meanwhile: Callable[[], None] = lambda: None) -> str:
    """Return the SHA-256 of a file that is within the limits and begins like a PDF; nothing is parsed.

    `meanwhile` is called before the file is read whole, so that what it begins runs at the same time. Raises
    FileMissing, InvalidReference (no permission), and what `check_pdf` raises.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            check_pdf(file, size, settings)
            meanwhile()
            file.seek(0)
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise FileMissing(f"There is no file {path.name}.", advice="Check the path.") from None
    except (PermissionError, IsADirectoryError) as error:
        raise InvalidReference(f"{path.name} cannot be read: {reason_of(error)}.", advice="Check its rights.") from None
