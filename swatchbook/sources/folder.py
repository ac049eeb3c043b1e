"""The pictures of a folder and its subfolders, in the order of their names: which files are taken, what their items are
named, and which are refused: links out of the folder, what is no file, folders that may not be read. Names that begin
with a dot are left out. Nothing is opened. Limits of size: `images/limits.py`.
"""

import os
from collections.abc import Collection, Iterator
from pathlib import Path
from urllib.parse import quote

from swatchbook.errors import Failure, InvalidReference, UnsupportedFormat
from swatchbook.sources.listed import ListedItem, find_picture, storable, title_of


def list_folder(folder: Path, suffixes: Collection[str]) -> Iterator[ListedItem]:
    """Yield the pictures of a folder (absolute), each as an item. A subfolder that cannot be read is a failed item.

    Raises InvalidReference if the folder itself cannot be read.
    """
    root = Path(folder).resolve()
    waiting = [""]
    while waiting:
        relative = waiting.pop()
        try:
            with os.scandir(root / relative) as entries:
                listed = sorted((e for e in entries if not e.name.startswith(".")), key=lambda e: os.fsencode(e.name))
        except OSError as error:
            failure = InvalidReference(f"The folder cannot be read: {error.strerror}.", advice="Check its permissions.")
            if not relative:
                raise InvalidReference(f"{folder}: {failure.message}", advice=failure.advice) from error
            yield _failed(f"{relative}/", failure, hides=storable(f"{relative}/"))
            continue
        subfolders = []
        for entry in listed:
            path = f"{relative}/{entry.name}" if relative else entry.name
            if entry.is_dir(follow_symlinks=False):
                subfolders.append(path)
            elif _is_picture(entry.name, suffixes) or (entry.is_symlink() and entry.is_dir()):
                item = _list_file(root, path, entry)
                if item:
                    yield item
        waiting += reversed(subfolders)


def count_pictures(folder: Path, suffixes: Collection[str]) -> int:
    """Return about how many pictures a folder and its subfolders hold, to show progress."""
    return sum(_is_picture(name, suffixes) for _, _, names in os.walk(folder) for name in names)


def _is_picture(name: str, suffixes: Collection[str]) -> bool:
    stem, _, suffix = name.rpartition(".")
    return bool(stem) and not name.startswith(".") and suffix.lower() in suffixes


def _list_file(root: Path, path: str, entry: "os.DirEntry[str]") -> ListedItem | None:
    """Return the item of one file; None for a link to a folder within the root: its files are found at their place."""
    try:
        picture = find_picture(root, Path(entry.path), may_be_link=entry.is_symlink())
    except Failure as failure:
        is_within = isinstance(failure, UnsupportedFormat) and entry.is_symlink() and entry.is_dir()
        return None if is_within else _failed(path, failure)
    url = f"{root.as_uri()}/{quote(os.fsencode(path))}"
    metadata = {"price": "0", "url": url}
    return ListedItem(item=picture.path, title=title_of(path), metadata=metadata, pictures=(picture,))


def _failed(path: str, failure: Failure, *, hides: str | None = None) -> ListedItem:
    return ListedItem(item=storable(path), title=title_of(path), metadata={}, pictures=(), failure=failure, hides=hides)
