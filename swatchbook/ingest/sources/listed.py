"""The items that every source lists, with the picture files or URLs that they name.

A file is taken if it is a regular file within its source, also behind links. Nothing is opened. `store/files/fetch.py`
decides which URLs are fetched. Also here: the words in the name of a file or folder, without extension, with `_`, `-`
and `.` as spaces.
"""

import os
import re
import stat
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from swatchbook.domain.display_name import display_name
from swatchbook.domain.errors import Failure, FileMissing, InvalidReference, UnsupportedFormat, reason_of
from swatchbook.domain.records import GivenVector, Variant, sha256
from swatchbook_base.one_line import shorten
from swatchbook_base.truncate import truncate

MOST_IN_CATEGORY = 300
"""The most characters of a category that is made of subfolders."""

SHOWN_REASONS = 5
"""The most pictures that the failure of an item names; the account has all that are missing, among others."""

_EXTENSION = re.compile(r"[A-Za-z][A-Za-z0-9]{0,7}|jp2")
_BETWEEN_WORDS = re.compile(r"_|(?<!\d)\.|\.(?!\d)")
_SEPARATORS = re.compile(rf"[-–]|{_BETWEEN_WORDS.pattern}")


@dataclass(frozen=True, slots=True)
class ListedPicture:
    """A picture file as a source lists it. `path` is its place in the source, `file` the name by which it is opened.

    `size` is in bytes, `mtime_ns` in nanoseconds since 1970, `caption` a text of the source about it. `of_variant`: the
    source shows it for variants, and not with the product.
    """

    path: str
    file: str
    size: int
    mtime_ns: int
    inode: int
    caption: str | None = None
    of_variant: bool = False


@dataclass(frozen=True, slots=True)
class ListedUrl:
    """A picture that is fetched from a URL, which is its `path`. `caption` is a text of the source about it.

    `as_file`: why it cannot be read as the file that the item names, which would go before the URL. `of_variant`: as
    that of a ListedPicture.
    """

    path: str
    caption: str | None = None
    of_variant: bool = False
    as_file: str | None = None


@dataclass(frozen=True, slots=True)
class MissingPicture:
    """A picture that an item names and that cannot be read, with the reason. `path`: its place in the source."""

    path: str
    failure: Failure
    caption: str | None = None


@dataclass(frozen=True, slots=True)
class ListedItem:
    """An item of a source with its id there, its title and its metadata. `failure` is the reason if it cannot be read.

    `bare` is the reason if it names no picture. `missing` are those of its pictures that cannot be read.

    `hides` is the beginning of the ids of items that may exist but could not be listed because of the failure. `code`
    is an id that people know, `text` is for keyword search. `vector` is one that the source already has of its only
    picture. `described`: the item has a sidecar.
    """

    item: str
    title: str
    metadata: Mapping[str, str]
    pictures: tuple[ListedPicture | ListedUrl, ...]
    failure: Failure | None = None
    bare: Failure | None = None
    hides: str | None = None
    code: str | None = None
    text: str | None = None
    vector: GivenVector | None = None
    described: bool = False
    variants: tuple[Variant, ...] = ()
    missing: tuple[MissingPicture, ...] = ()

    @property
    def problem(self) -> Failure | None:
        """Return what the item lacks before any picture is opened: its failure, or what of its pictures is missing."""
        if self.failure or self.bare or not self.missing:
            return self.failure or self.bare
        return tell_missing(self.missing, "Not all of its" if self.pictures else "None of its")


def tell_missing(missing: Iterable[MissingPicture], which: str) -> FileMissing:
    """Return the failure that names pictures which cannot be read."""
    reasons = [f"{each.path}: {each.failure.message}" for each in missing]
    return FileMissing(f"{which} pictures can be read. {' '.join(truncate(reasons, SHOWN_REASONS))}")


def find_picture(root: Path, file: Path) -> ListedPicture:
    """Return a file within `root` (resolved) as it is now; a link within the root is the file to which it leads.

    Raises InvalidReference for a file outside, FileMissing, and UnsupportedFormat for anything but a regular file.
    """
    try:
        real = Path(os.path.realpath(file))
    except ValueError as error:  # a NUL in its name
        raise InvalidReference("It is not the name of a file.") from error
    if not real.is_relative_to(root):
        raise InvalidReference("It is outside the folder.")
    named = file if file.is_relative_to(root) and ".." not in file.parts else real
    return picture_at(str(named.relative_to(root)), str(real))


def spellings(path: str) -> Iterator[str]:
    """Yield the ways in which the name of one file may be written: as given, with "/" for each backslash, in NFC, NFD.

    Windows and macOS write names in these ways, which are different files for Linux.
    """
    slashed = path.replace("\\", "/")
    yield from dict.fromkeys((path, slashed, *(unicodedata.normalize(form, slashed) for form in ("NFC", "NFD"))))


def picture_at(path: str, file: str) -> ListedPicture:
    """Return the file with this name, which is no link, as it is now. `path` is its place in the source.

    Raises FileMissing, and UnsupportedFormat for anything but a regular file.
    """
    try:
        found = os.stat(file)  # noqa: PTH116 - making a Path takes longer, and there may be 100,000
    except OSError as error:
        raise FileMissing(f"The file cannot be found: {reason_of(error)}.") from error
    if not stat.S_ISREG(found.st_mode):
        raise UnsupportedFormat("It is not a file.")
    return ListedPicture(
        path=storable(path),
        file=file,
        size=found.st_size,
        mtime_ns=found.st_mtime_ns,
        inode=found.st_ino,
    )


def title_of(path: str) -> str:
    """Return the words of a file's name as a title, without its extension."""
    name = _shown(path)
    stem, dot, suffix = name.rpartition(".")
    return words_of(stem if dot and stem and _EXTENSION.fullmatch(suffix) else name)


def title_of_folder(path: str) -> str:
    """Return the words of a folder's name as a title."""
    return words_of(_shown(path))


def category_of(folder: str) -> str | None:
    """Return the category of a subfolder, None for the folder itself: "tiles/dark_blue" is "tiles > dark blue"."""
    return shorten(" > ".join(title_of_folder(part) for part in folder.split("/") if part), MOST_IN_CATEGORY) or None


def words_of(name: str) -> str:
    """Return a name with its separators as spaces, or the name itself if it has only separators.

    In a name with spaces, a hyphen belongs to a word.
    """
    separators = _BETWEEN_WORDS if " " in name else _SEPARATORS
    return " ".join(separators.sub(" ", name).split()) or name.strip()


def _shown(path: str) -> str:
    return display_name(os.fsencode(path).decode(errors="replace"))


def storable(path: str) -> str:
    """Return a path as text that every database can store; one that is not UTF-8 gets a hash, to stay unique."""
    data = os.fsencode(path)
    try:
        return data.decode()
    except UnicodeDecodeError:
        return f"{data.decode(errors='replace')} ({sha256(data)[:8]})"
