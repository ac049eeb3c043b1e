"""The pictures of a folder and its subfolders, in the order of their names, or a single picture: which files are taken,
what their items are named, and which are refused: links out of the folder, what is no file, folders that may not be
read. Names that begin with a dot are left out, and subfolders that are scraped batches. Nothing is opened. Limits of
size: `images/limits.py`.
"""

import os
from collections.abc import Collection, Iterator
from pathlib import Path
from urllib.parse import quote

from swatchbook.errors import Failure, InvalidReference, UnsupportedFormat
from swatchbook.sources.listed import ListedItem, find_picture, storable, title_of


def list_folder(folder: Path, suffixes: Collection[str], *, apart: Collection[Path] = ()) -> Iterator[ListedItem]:
    """Yield the pictures of a folder (absolute), each as an item; of a picture file itself.

    A subfolder that cannot be read is a failed item; those in `apart` (absolute) are left out. Raises InvalidReference
    if the folder itself cannot be read.
    """
    root = Path(folder).resolve()
    if root.is_file():
        yield _list_file(root.parent, root.name, root, is_link=False)
        return
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
                if root / path not in apart:
                    subfolders.append(path)
            elif is_picture(entry.name, suffixes) or (entry.is_symlink() and entry.is_dir()):
                item = _list_file(root, path, Path(entry.path), is_link=entry.is_symlink())
                if not _is_link_within(entry, item):
                    yield item
        waiting += reversed(subfolders)


def count_pictures(folder: Path, suffixes: Collection[str]) -> int:
    """Return about how many pictures a folder and its subfolders hold, to show progress."""
    return sum(is_picture(name, suffixes) for _, _, names in os.walk(folder) for name in names)


def is_picture(name: str, suffixes: Collection[str]) -> bool:
    """Return whether the name of a file is that of a picture, and not hidden."""
    stem, _, suffix = name.rpartition(".")
    return bool(stem) and not name.startswith(".") and suffix.lower() in suffixes


def _list_file(root: Path, path: str, file: Path, *, is_link: bool) -> ListedItem:
    try:
        picture = find_picture(root, file, may_be_link=is_link)
    except Failure as failure:
        return _failed(path, failure)
    url = f"{root.as_uri()}/{quote(os.fsencode(path))}"
    metadata = {"price": "0", "url": url}
    return ListedItem(item=picture.path, title=title_of(path), metadata=metadata, pictures=(picture,))


def _is_link_within(entry: "os.DirEntry[str]", item: ListedItem) -> bool:
    """Return whether it is a link to a folder within the root: its files are found at their place."""
    return isinstance(item.failure, UnsupportedFormat) and entry.is_symlink() and entry.is_dir()


def _failed(path: str, failure: Failure, *, hides: str | None = None) -> ListedItem:
    return ListedItem(item=storable(path), title=title_of(path), metadata={}, pictures=(), failure=failure, hides=hides)
