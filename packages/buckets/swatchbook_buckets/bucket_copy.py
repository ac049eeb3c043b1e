"""Copy what can be ingested below a URL of an object store (s3://…, gs://…, az://…) into a folder of the home.

The copy has the same names. Each object is copied once for each ETag (or time) and size; an interrupted copy goes on
where it was, and what is gone from the bucket goes from the folder.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any
from uuid import uuid4

from filelock import FileLock, Timeout

from swatchbook.buckets import Copied
from swatchbook.domain.errors import Failure, FileMissing, FilesDown, InvalidReference
from swatchbook.domain.settings import Settings
from swatchbook.store.files.object_store import open_file_system, store_failure
from swatchbook_base.check_file import check_size

_VERSIONS = ("ETag", "etag", "md5Hash", "content_md5", "LastModified", "mtime", "last_modified", "created")
"""Where the file systems say which version of an object there is; the first that is there counts."""

_LONGEST_NAME = 255  # bytes of a file's name on a disk
_NOTES, _LOCK = "copied.jsonl", "copying.lock"  # next to the copies: which versions they are; who copies now
_BUSY_SECONDS = 5.0  # how long a single object waits for another process


def copy_bucket(
    settings: Settings,
    url: str,
    *,
    takes: Callable[[str], bool],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Copied:
    """Copy the objects below a URL whose names `takes` accepts, or the one object at it.

    `left_out`: objects whose keys are no names of files, or that are larger than documents may be. Raises MissingExtra,
    Configuration, Authentication, FilesDown, DiskFull, and InvalidReference if there is no such object.
    """
    system, root = open_file_system(url, "The source")
    into, notes = _places(settings, url, root)
    with _copying(notes, url, seconds=-1), _store_failures(url):
        notes.touch()  # so that `gc` knows when the copy was used
        objects, one = _list(system, root, url)
        wanted = {name: info for name, info in objects.items() if one or takes(name)}
        known = dict(_read(notes))
        named = {name: info for name, info in wanted.items() if _is_name(name)}
        left_out = [name for name in wanted if name not in named]
        copied = 0
        for done, (name, info) in enumerate(sorted(named.items())):
            progress(done, len(named))
            target, version = into.parent / name if one else into / name, _version(info)
            if known.get(name) == version and target.is_file() and target.stat().st_size == info["size"]:
                continue
            try:
                check_size(int(info["size"]), settings.max_document_mb << 20, name=name)
            except Failure:
                left_out.append(name)
                continue
            _copy(system, info["name"], target, settings.temporary_folder)
            _note(notes, name, version)
            copied += 1
        if not one:
            _remove_others(into, set(named) - set(left_out))
    return Copied(path=into, found=len(wanted), copied=copied, left_out=tuple(left_out))


def copied_folders(home: Path) -> list[Path]:
    """Return the folders with what was copied, one for each URL."""
    folder = home / "buckets"
    return [path for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []


def remove_unused(folder: Path, *, before: float) -> tuple[int, int]:
    """Delete what was copied from a URL if it was last used `before` (Unix seconds); return number and bytes of files.

    What a process copies to now stays. Raises OSError.
    """
    notes = folder / _NOTES
    if (notes if notes.exists() else folder).stat().st_mtime > before:
        return 0, 0
    try:
        with FileLock(folder / _LOCK, timeout=0):
            files = [path for path in folder.rglob("*") if path.is_file() and path.name != _LOCK]
            size = sum(path.stat().st_size for path in files)
            for path in [*folder.iterdir()]:
                if path.is_dir():
                    shutil.rmtree(path)
                elif path.name != _LOCK:
                    path.unlink()
    except Timeout:
        return 0, 0
    return len(files), size


class ObjectCopier:
    """Copies single objects below a URL to where `copy_bucket` copies them, to `folder`, the copy of the URL.

    Raises MissingExtra and Configuration.
    """

    def __init__(self, settings: Settings, url: str) -> None:
        self._settings, self._url = settings, url
        with _store_failures(url):
            self._system, self._root = open_file_system(url, "The source")  # takes half a second
        self.folder, self._notes = _places(settings, url, self._root)

    def copy(self, name: str) -> Path:
        """Copy the object `name` below the URL, and return its file.

        Raises as `copy_bucket`, TooLarge, FileMissing if there is no such object, InvalidReference if its key is no
        name of a file, and FilesDown while another process copies from the URL for longer than some seconds.
        """
        named = f"{self._url}/{name}"
        if not _is_name(name):
            raise InvalidReference(f"{named}: its key cannot be the name of a file.", advice="Rename the object.")
        with _copying(self._notes, self._url, seconds=_BUSY_SECONDS), _store_failures(named):
            try:
                info = self._system.info(f"{self._root}/{name}")
                if info["type"] != "file":
                    raise FileNotFoundError(name)
                check_size(int(info["size"]), self._settings.max_document_mb << 20, name=name)
                _copy(self._system, info["name"], self.folder / name, self._settings.temporary_folder)
            except FileNotFoundError as error:
                raise FileMissing(f"There is no object {named}.", advice="Put it there again.") from error
            _note(self._notes, name, _version(info))
        return self.folder / name


def _places(settings: Settings, url: str, root: str) -> tuple[Path, Path]:
    """Return the folder of the copies of a URL, and the file that says which versions they are."""
    folder = settings.home / "buckets" / hashlib.sha256(url.rstrip("/").encode()).hexdigest()[:16]
    return folder / PurePosixPath(root).name, folder / _NOTES


@contextmanager
def _copying(notes: Path, url: str, *, seconds: float) -> Iterator[None]:
    """Let no other process copy from the URL: it would delete what its list of objects does not have yet."""
    notes.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = FileLock(notes.with_name(_LOCK))
    try:
        lock.acquire(timeout=seconds)
    except Timeout as error:
        raise FilesDown(f"Another process copies from {url}.", advice="It goes on by itself.") from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _store_failures(named: str) -> Iterator[None]:
    """Raise the errors of the store's package as Failures."""
    try:
        yield
    except Failure:
        raise
    except Exception as error:
        raise store_failure(error, named, advice="Try again later.") from error


def _list(system: Any, root: str, url: str) -> tuple[dict[str, Mapping[str, Any]], bool]:
    """Return name, relative to the root -> the object; and whether the root is one itself."""
    found: Mapping[str, Mapping[str, Any]] = system.find(root, detail=True)
    if not found:
        raise InvalidReference(f"{url}: there is no object.", advice="Check the bucket and the prefix.")
    if set(found) == {root}:
        return {PurePosixPath(root).name: found[root]}, True
    below = {path.removeprefix(f"{root}/"): info for path, info in found.items() if path.startswith(f"{root}/")}
    return {name: info for name, info in below.items() if name and not name.endswith("/")}, False


def _is_name(name: str) -> bool:
    """Return whether a key is the name of a file below a folder."""
    parts = name.split("/")
    return name.isprintable() and not any(
        part in ("", ".", "..") or len(part.encode()) > _LONGEST_NAME for part in parts
    )


def _version(info: Mapping[str, Any]) -> str:
    return next((str(info[field]) for field in _VERSIONS if info.get(field) is not None), "")


def _copy(system: Any, path: str, target: Path, temporary_folder: Path) -> None:
    """Copy an object to a file, which is replaced only by all of it."""
    temporary_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = temporary_folder / f"object-{uuid4().hex}"
    try:
        system.get_file(path, str(temporary))
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _read(notes: Path) -> Iterator[tuple[str, str]]:
    """Yield name and version of each object that was copied, in order. A line that was cut short is left out."""
    for line in notes.read_text().splitlines() if notes.exists() else ():
        try:
            name, version = json.loads(line)
        except ValueError:
            continue
        yield name, version


def _note(notes: Path, name: str, version: str) -> None:
    with notes.open("a") as file:
        file.write(json.dumps([name, version]) + "\n")


def _remove_others(folder: Path, names: set[str]) -> None:
    for path in folder.rglob("*") if folder.is_dir() else ():
        if path.is_file() and path.relative_to(folder).as_posix() not in names:
            path.unlink()
