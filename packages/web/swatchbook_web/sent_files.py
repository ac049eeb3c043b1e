"""Keep folders of pictures and batch files that a browser sends file by file, under the home.

Files wait in a sent folder until it is started; then they move to the dropped folder with the same id (of owner and
name), so that a folder that is dropped again gets the new files. A dropped folder is a folder or scraped batch like any
other; the core removes its files with the last of its documents (`swatchbook/ingest/sources/dropped.py`). Also here:
which names of files are taken.
"""

import shutil
from collections.abc import Collection, Iterator
from pathlib import Path

from swatchbook.domain.errors import InvalidReference, UnsupportedFormat
from swatchbook.ingest.sources.folder import is_picture
from swatchbook.ingest.sources.item_files import has_item_suffix, kind_of_file
from swatchbook.ingest.sources.unknown_file import describe_unknown

MOST_PARTS = 20
"""The most parts of a path: nested folders, and the file."""

MOST_BYTES = 200
"""The most bytes of the name of a file or folder; file systems take 255."""


def dropped_folder(home: Path, id: str, name: str) -> Path:
    """Return the place of a dropped folder. Raises InvalidReference if no folder can have this name."""
    return home / "dropped" / id / _checked(name)


def sent_folder(home: Path, id: str, name: str) -> Path:
    """Return the place where a folder's files wait until it is started. Raises InvalidReference as `dropped_folder`."""
    return home / "sent" / id / _checked(name)


def list_sent(home: Path) -> Iterator[tuple[str, Path]]:
    """Yield (id, folder) of the folders that wait, in the order of their names."""
    folders = (home / "sent").glob("*/*")
    yield from sorted(((folder.parent.name, folder) for folder in folders), key=lambda each: each[1].name)


def keep_dropped(file: Path, folder: Path, path: str, suffixes: Collection[str]) -> None:
    """Move a file into a dropped folder, whole, in place of one with the same path (`/` between its parts).

    Raises InvalidReference for a path that leads elsewhere, and UnsupportedFormat for a file that is neither a picture
    nor a batch file.
    """
    target = place_in(folder, path)
    if not is_picture(target.name, suffixes) and not has_item_suffix(target.name):
        if (kind := kind_of_file(file)) is None:
            unknown = describe_unknown(file)
            raise UnsupportedFormat(unknown.message.replace(file.name, target.name), advice=unknown.advice)
        target = target.with_name(target.name + kind.suffix)  # the name under which it is found in a folder
    _move(file, target, path)


def place_in(folder: Path, path: str) -> Path:
    """Return the place of a path (`/` between its parts) in a folder, without asking the file system.

    Raises InvalidReference for a path that leads elsewhere, such as an absolute one.
    """
    parts = [_checked(part) for part in path.split("/")]
    if len(parts) > MOST_PARTS:
        raise InvalidReference(f"More than {MOST_PARTS} folders in each other.", advice="Move it up.")
    return folder.joinpath(*parts)


def take_in(sent: Path, dropped: Path) -> None:
    """Move the files of a sent folder to its dropped folder, each whole, in place of one with the same path.

    Raises InvalidReference for a file that has the name of a folder there; it and the files after it stay.
    """
    for file in sorted(path for path in sent.rglob("*") if path.is_file()):
        place = file.relative_to(sent)
        _move(file, dropped / place, str(place))
    forget_sent(sent)


def forget_sent(sent: Path) -> None:
    """Remove a sent folder with all its files."""
    shutil.rmtree(sent.parent, ignore_errors=True)


def _move(file: Path, target: Path, path: str) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        file.replace(target)
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise InvalidReference(f"{path}: a file and a folder have the same name.", advice="Rename one.") from error


def _checked(part: str) -> str:
    """Return the name of a file or folder. Raises InvalidReference if it cannot be one."""
    if not part or part.startswith(".") or not part.isprintable() or "/" in part or "\\" in part:
        raise InvalidReference(f"{part!r} cannot be the name of a file here.", advice="Rename it.")
    if len(part.encode()) > MOST_BYTES:
        raise InvalidReference("The name of a file is too long.", advice="Rename it.")
    return part
