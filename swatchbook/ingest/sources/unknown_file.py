"""Say what a file looks like that is no list of items."""

import re
from pathlib import Path

from swatchbook.domain.errors import UnsupportedFormat, reason_of
from swatchbook.ingest.sources.item_files import any_shape


def describe_unknown(file: Path) -> UnsupportedFormat:
    """Return the failure of a file without items; of a text it has the beginning, apart from its message."""
    try:
        with file.open("rb") as opened:
            head = opened.read(2_000)
    except OSError as error:
        return UnsupportedFormat(f"{file.name}: {reason_of(error)}.")
    advice = f"Give a PDF, a picture, a folder, or items as {any_shape().formats}."
    if not head.strip():
        return UnsupportedFormat(f"{file.name} is empty.", advice=advice)
    what = next((words for magic, words in _KNOWN.items() if head.startswith(magic)), None)
    if what:
        return UnsupportedFormat(f"{file.name} is {what}.", advice=advice)
    if re.match(rb"(?is)\s*(?:<!doctype\s+html|<html)", head):
        return UnsupportedFormat(f"{file.name} is a web page, not a list of items.", advice=advice)
    if b"\x00" in head:
        return UnsupportedFormat(f"{file.name} is neither a PDF, a picture nor a list of items.", advice=advice)
    begins = " ".join("".join(c if c.isprintable() else " " for c in head.decode(errors="replace")).split())
    return UnsupportedFormat(
        f"{file.name} is no list of items that is known: {any_shape().lacking}.",
        advice=advice,
        begins=begins[:120],
    )


_KNOWN = {
    b"\xd0\xcf\x11\xe0": "an old Excel or Word file: save it as .xlsx or CSV",
    b"\x1f\x8b": "packed with gzip: unpack it first",
    b"PK\x03\x04": "a zip archive: unpack it first",
    b"Rar!": "a RAR archive: unpack it first",
    b"7z\xbc\xaf": "a 7-Zip archive: unpack it first",
    **dict.fromkeys((b"GIF8", b"\xff\xd8\xff", b"\x89PNG"), "a picture whose name has not the suffix of one"),
    b"PAR1": "a Parquet file, which `swatchbook import` takes",
    b"SQLite format 3": "a SQLite database, which `swatchbook import` takes",
}  # fmt: skip
