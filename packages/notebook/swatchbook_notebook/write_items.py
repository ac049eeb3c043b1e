"""Write the items of a program as a scraped batch.

An item's pictures may be paths, URLs, bytes or Pillow images, which are kept in the batch's folder by their hashes. An
item replaces the one with its id.
"""

import hashlib
import io
import json
import math
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from filelock import FileLock

from swatchbook.domain.errors import DiskFull, InvalidReference, as_failure, reason_of
from swatchbook.ingest.sources.field_words import LOCAL_PATHS, flat, is_picture_field
from swatchbook.ingest.sources.item_files import any_shape

FILE, PICTURES = "swatchbook-items.jsonl", "pictures"
"""The names of the batch file and of the folder with its pictures, in the given folder."""

_PNG_MODES = frozenset({"1", "L", "LA", "P", "RGB", "RGBA", "I", "I;16"})


def write_items(items: Iterable[Mapping[str, Any]], folder: Path) -> list[str]:
    """Put items into the batch of a folder, which is created if it is not there; return their ids.

    The fields are those of a batch; pictures are copied into the folder. The items are read one by one, and an error in
    one of them leaves the batch as it was. Raises InvalidReference for an item without an id or with a value that
    cannot be written, and DiskFull.
    """
    file = folder / FILE
    try:
        (folder / PICTURES).mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / f".{FILE}.lock")
        lock.acquire()
    except OSError as error:
        raise InvalidReference(f"{folder}: {reason_of(error)}.", advice="Name a folder that can be written.") from error
    new = folder / f".{FILE}.{uuid4().hex}"  # names with a dot are no part of the batch
    ids = dict[str, None]()
    try:
        with new.open("x", encoding="ascii") as lines:
            for number, item in enumerate(items, 1):
                name, line = _written(item, number, folder)
                ids[name] = None
                lines.write(line)
            lines.writelines(line for name, line in _lines(file) if name not in ids)
        new.replace(file)
    except OSError as error:
        if isinstance(failure := as_failure(error), DiskFull):
            raise failure from error
        raise  # an error of the program that makes the items
    finally:
        new.unlink(missing_ok=True)
        lock.release()
    return list(ids)


def _lines(file: Path) -> Iterator[tuple[str | None, str]]:
    """Yield (id, line) for the items that the batch already has."""
    if file.exists():
        with file.open(encoding="ascii") as lines:
            for line in lines:
                yield any_shape().read_record(json.loads(line)).id, line


def _written(item: Any, number: int, folder: Path) -> tuple[str, str]:
    """Return the id and the line of an item, whose pictures are kept in the folder."""
    if not isinstance(item, Mapping):
        raise InvalidReference(f"Item {number} is no dict.", advice="Give dicts with the fields of docs/folders.md.")
    record = {name: value for name, value in item.items() if not (isinstance(value, float) and math.isnan(value))}
    for name in record:
        if not (is_picture_field(str(name)) or flat(str(name)) in LOCAL_PATHS):
            continue
        value = record[name]
        pictures = value if isinstance(value, list | tuple) else [value]
        record[name] = [_keep(picture, folder) for picture in pictures if picture is not None]
    try:
        line = json.dumps(record, allow_nan=False, default=str)
        name = any_shape().read_record(json.loads(line)).id
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidReference(
            f"Item {number} cannot be written as JSON.",
            advice="Give texts, finite numbers, lists and dicts whose keys are texts; nothing that contains itself.",
        ) from error
    if name is None:
        raise InvalidReference(f"Item {number} has no id, url or sku.", advice="Give each item an id.")
    return name, f"{line}\n"


def _keep(picture: Any, folder: Path) -> str:
    """Return a picture's place in the folder, or its URL; the ingest reports one that cannot be read."""
    if isinstance(picture, str) and "://" in picture:
        return picture
    if isinstance(picture, str | os.PathLike):
        path = Path(os.fspath(picture))
        try:
            with path.open("rb") as file:
                name = f"{PICTURES}/{hashlib.file_digest(file, 'sha256').hexdigest()}{path.suffix.lower()}"
        except OSError:
            return f"{PICTURES}/{path.name}"
        _put(folder / name, lambda temporary: shutil.copyfile(path, temporary))
        return name
    data = picture if isinstance(picture, bytes) else _encoded(picture)
    name = f"{PICTURES}/{hashlib.sha256(data).hexdigest()}"
    _put(folder / name, lambda temporary: temporary.write_bytes(data))
    return name


def _put(file: Path, write: Callable[[Path], object]) -> None:
    """Write a file as a whole, unless it exists, so that it is not read again."""
    if not file.exists():
        temporary = file.with_name(f".{uuid4().hex}")
        try:
            write(temporary)
            temporary.replace(file)
        finally:
            temporary.unlink(missing_ok=True)


def _encoded(picture: Any) -> bytes:
    """Return a Pillow image as PNG; one in a mode that PNG does not have is converted to RGB."""
    from PIL import Image

    if not isinstance(picture, Image.Image):
        raise InvalidReference(
            f"A picture cannot be a {type(picture).__name__}.", advice="Give paths, URLs, bytes or Pillow images."
        )
    out = io.BytesIO()
    (picture if picture.mode in _PNG_MODES else picture.convert("RGB")).save(out, "PNG")
    return out.getvalue()
