"""Find the sources at a path and below it, each of which becomes one document.

- A PDF is a catalogue.
- A folder with files of items directly in it is a scraped batch, with all its subfolders.
- All other pictures below a folder are one folder of pictures.
- A file that is named by itself is a batch if its content is that of items, whatever its name is; a picture file is a
  folder of pictures.

Names that begin with a dot are left out, and links to folders are not followed.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from swatchbook.domain.errors import InvalidReference, UnsupportedFormat, reason_of
from swatchbook.domain.records import Record
from swatchbook.ingest.sources.batch import is_batch
from swatchbook.ingest.sources.folder import is_hidden, is_picture
from swatchbook.ingest.sources.item_files import has_item_suffix
from swatchbook.ingest.sources.unknown_file import describe_unknown
from swatchbook.store.ledger.stored_documents import BATCH, FOLDER, PDF

_PDF_HEAD = 1_024
"""Bytes within which a PDF's version is."""


class Source(Record):
    """The source of one document: its path, and the kind of document."""

    path: Path
    kind: str


def find_sources(path: Path) -> list[Source]:
    """Return the sources at a path and below it, a folder of pictures last: it leaves out what batches hold.

    Of a folder no file is opened. Raises InvalidReference for a path that does not exist or
    cannot be read, UnsupportedFormat for a file of another kind; a subfolder that cannot be read is left to its source.
    """
    kind = kind_of(path)
    if not path.is_dir():
        return [Source(path=path, kind=kind)]
    found = list(_walk(path))
    return [source for source in found if source.kind != FOLDER] + [s for s in found if s.kind == FOLDER][:1]


def kind_of(path: Path) -> str:
    """Return the kind of document that a file is by its content, or a folder as one source.

    A file of no known kind is a damaged PDF if its name is that of one. Raises InvalidReference, UnsupportedFormat.
    """
    try:
        if not path.exists():
            raise InvalidReference(f"{path}: no such file or folder.", advice="Check the path.")
        if path.is_dir():
            return BATCH if is_batch(path) else FOLDER
        if is_picture(path.name):
            return FOLDER
        if _is_pdf(path):
            return PDF
        if is_batch(path) or has_item_suffix(path.name):
            return BATCH
        raise describe_unknown(path)
    except OSError as error:  # no permission, a name too long, a share that is gone
        raise InvalidReference(f"{path}: {reason_of(error)}.", advice="Check the path and its permissions.") from error


def nothing_in(folder: Path) -> UnsupportedFormat:
    """Return why a folder is refused that has no source in it."""
    return UnsupportedFormat(
        f"{folder}: there is no PDF, picture or file of items in this folder.",
        advice="Name files, or a folder that contains some. docs/folders.md says what counts as a picture.",
    )


def _is_pdf(path: Path) -> bool:
    """Return whether a file is a PDF by its name or content, or no file at all, which the registration refuses."""
    if path.name.lower().endswith(".pdf") or not path.is_file():
        return True
    with path.open("rb") as file:
        return b"%PDF-" in file.read(_PDF_HEAD)


def _walk(top: Path) -> Iterator[Source]:
    """Yield the catalogues and batches below a folder, and the folder itself for the pictures that are in no batch."""
    waiting = [(top, False)]
    while waiting:
        folder, is_in_batch = waiting.pop()
        pdfs, subfolders, has_pictures = list[Path](), list[Path](), False
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if is_hidden(entry.name):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        subfolders.append(folder / entry.name)
                    elif entry.name.lower().endswith(".pdf") and entry.is_file():
                        pdfs.append(folder / entry.name)
                    has_pictures = has_pictures or is_picture(entry.name)
            if not is_in_batch and is_batch(folder):
                is_in_batch = True
                yield Source(path=folder, kind=BATCH)
        except OSError:
            if not is_in_batch:
                yield Source(path=top, kind=FOLDER)  # which names the subfolder as failed
            continue
        yield from (Source(path=path, kind=PDF) for path in sorted(pdfs, key=os.fsencode))
        if has_pictures and not is_in_batch:
            yield Source(path=top, kind=FOLDER)
        waiting += ((subfolder, is_in_batch) for subfolder in sorted(subfolders, key=os.fsencode, reverse=True))
