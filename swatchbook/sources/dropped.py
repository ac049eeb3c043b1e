"""Folders of pictures and batch files that a browser sends file by file: where they are kept, under the home, and
which names of files are taken. Files wait in a sent folder until it is started; then they move to the dropped folder of
the same id, of its owner and its name, so that one that is dropped again gets what is new. That is a folder or scraped
batch like any other, and its files go with the last of its documents.
"""

import shutil
from collections.abc import Collection, Iterator
from pathlib import Path

from swatchbook.errors import InvalidReference, UnsupportedFormat
from swatchbook.sources.batch_file import SUFFIX_OF, describe_unknown, has_batch_suffix, kind_of_file
from swatchbook.sources.folder import is_picture

MOST_PARTS = 20
"""Folders in each other, with the file."""

MOST_BYTES = 200
"""Of the name of a file or folder; file systems take 255."""


def dropped_folder(home: Path, id: str, name: str) -> Path:
    """Return where a dropped folder is kept. Raises InvalidReference if no folder can have this name."""
    return home / "dropped" / id / _checked(name)


def sent_folder(home: Path, id: str, name: str) -> Path:
    """Return where the files of a folder wait until it is started. Raises InvalidReference as `dropped_folder`."""
    return home / "sent" / id / _checked(name)


def list_sent(home: Path) -> Iterator[tuple[str, Path]]:
    """Yield (id, folder) of the folders that wait, in the order of their names."""
    folders = (home / "sent").glob("*/*")
    yield from sorted(((folder.parent.name, folder) for folder in folders), key=lambda each: each[1].name)


def keep_dropped(file: Path, folder: Path, path: str, suffixes: Collection[str]) -> None:
    """Move a file into a dropped folder, whole, in place of one of the same path (`/` between its parts).

    Raises InvalidReference for a path that leads elsewhere, and UnsupportedFormat for no picture and no batch file.
    """
    parts = [_checked(part) for part in path.split("/")]
    target = folder.joinpath(*parts)
    if len(parts) > MOST_PARTS:
        raise InvalidReference(f"More than {MOST_PARTS} folders in each other.", advice="Move it up.")
    if not is_picture(target.name, suffixes) and not has_batch_suffix(target.name):
        if (kind := kind_of_file(file)) is None:
            unknown = describe_unknown(file)
            raise UnsupportedFormat(unknown.message.replace(file.name, target.name), advice=unknown.advice)
        target = target.with_name(target.name + SUFFIX_OF[kind.format])  # the name under which it is found in a folder
    _move(file, target, path)


def take_in(sent: Path, dropped: Path) -> None:
    """Move the files of a sent folder to its dropped folder, each whole, in place of one of the same path.

    Raises InvalidReference for a file that has the name of a folder there; it and those behind it stay.
    """
    for file in sorted(path for path in sent.rglob("*") if path.is_file()):
        place = file.relative_to(sent)
        _move(file, dropped / place, str(place))
    forget_sent(sent)


def forget_sent(sent: Path) -> None:
    """Remove a sent folder with all its files."""
    shutil.rmtree(sent.parent, ignore_errors=True)


def dropped_roots(home: Path) -> list[Path]:
    """Return the folders that each hold all of a dropped folder, or of one that waits."""
    roots = ((home / name).resolve() for name in ("dropped", "sent"))
    return [folder for root in roots if root.is_dir() for folder in sorted(root.iterdir())]


def root_of(home: Path, content: str) -> Path | None:
    """Return the folder that holds all of a dropped folder in which a source is, None of another source."""
    root = (home / "dropped").resolve()
    path = Path(content)
    return root / path.relative_to(root).parts[0] if path != root and path.is_relative_to(root) else None


def _move(file: Path, target: Path, path: str) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        file.replace(target)
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise InvalidReference(f"{path}: a file and a folder have the same name.", advice="Rename one.") from error


def _checked(part: str) -> str:
    """Return the name of a file or folder, if it can be one and nothing else."""
    if not part or part.startswith(".") or not part.isprintable() or "/" in part or "\\" in part:
        raise InvalidReference(f"{part!r} cannot be the name of a file here.", advice="Rename it.")
    if len(part.encode()) > MOST_BYTES:
        raise InvalidReference("The name of a file is too long.", advice="Rename it.")
    return part
