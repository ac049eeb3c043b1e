"""What counts as a PDF ("%PDF-" in the first kilobyte), checked on upload, at registration and before reading."""

HEAD_BYTES = 1024  # PDF readers accept "%PDF-" anywhere in the first kilobyte


def is_pdf(head: bytes) -> bool:
    """Return whether the first HEAD_BYTES of a file have a PDF header."""
    return b"%PDF-" in head[:HEAD_BYTES]
