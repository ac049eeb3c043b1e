"""The pictures of a folder and its subfolders, in the order of their names: which files are taken, what their items are
named, and which are refused: links out of the folder, what is no file, folders that may not be read. Names that begin
with a dot are left out. Nothing is opened. Limits of size: `images/limits.py`.
"""

import os
import stat
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from swatchbook.display_name import display_name
from swatchbook.errors import Failure, FileMissing, InvalidReference, UnsupportedFormat
from swatchbook.records import sha256


@dataclass(frozen=True, slots=True)
class ListedPicture:
    """A picture file as a folder lists it. `path`: its place in the source, `file`: where it is opened.

    `size` is in bytes, `mtime_ns` nanoseconds since 1970.
    """

    path: str
    file: Path
    size: int
    mtime_ns: int
    inode: int


@dataclass(frozen=True, slots=True)
class ListedItem:
    """An item of a source: its id there, its title, and what else is told of it. `failure`: why it has no picture."""

    item: str
    title: str
    metadata: Mapping[str, str]
    pictures: tuple[ListedPicture, ...]
    failure: Failure | None = None


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
            yield _failed(f"{relative}/", failure)
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
        file = Path(entry.path)
        if entry.is_symlink():
            file = file.resolve()
            if not file.is_relative_to(root):
                return _failed(path, InvalidReference("It is a link to a place outside the folder."))
            if entry.is_dir():
                return None
        found = entry.stat()
    except OSError as error:
        return _failed(path, FileMissing(f"The file cannot be found: {error.strerror}."))
    if not stat.S_ISREG(found.st_mode):
        return _failed(path, UnsupportedFormat("It is not a file."))
    name = storable(path)
    picture = ListedPicture(path=name, file=file, size=found.st_size, mtime_ns=found.st_mtime_ns, inode=found.st_ino)
    url = f"{root.as_uri()}/{quote(os.fsencode(path))}"
    return ListedItem(item=name, title=_title(path), metadata={"price": "0", "url": url}, pictures=(picture,))


def _failed(path: str, failure: Failure) -> ListedItem:
    return ListedItem(item=storable(path), title=_title(path), metadata={}, pictures=(), failure=failure)


def _title(path: str) -> str:
    return display_name(os.fsencode(path).decode(errors="replace"))


def storable(path: str) -> str:
    """Return a path as text that every database stores. One that is not UTF-8 gets a hash, so that it stays unique."""
    data = os.fsencode(path)
    try:
        return data.decode()
    except UnicodeDecodeError:
        return f"{data.decode(errors='replace')} ({sha256(data)[:8]})"
