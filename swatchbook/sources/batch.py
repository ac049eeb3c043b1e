"""Scraped batches: a JSON or JSONL file of items, or a folder of such files. Which field of an item is what
(SWATCHBOOK_ITEM_FIELDS), which of its pictures are taken: those of the first field that names a file that can be read,
or a URL; and which items are refused: no object, no id, an id that occurred before, no URL and no picture within the
batch's folder.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from swatchbook.errors import Failure, FileMissing, InvalidReference, TooLarge, UnreadableDocument, reason_of
from swatchbook.one_line import one_line, shorten
from swatchbook.sources.folder import is_hidden
from swatchbook.sources.listed import ListedItem, ListedPicture, ListedUrl, find_picture, storable
from swatchbook.storage.size_limit import URL_CHARACTERS

LINES, WHOLE = ".jsonl", ".json"
"""Suffixes of batch files: an item on each line; all items in one list."""

ID, TITLE, IMAGES = "id", "title", "images"
METADATA = ("price", "currency", "brand", "category", "size", "condition", "material", "color", "description", "url")
"""Fields that are kept as they are, as metadata of the product."""

DEFAULT_FIELDS: Mapping[str, tuple[str, ...]] = {
    ID: ("id", "item_id"),
    TITLE: ("title", "name"),
    IMAGES: (
        "compressed_path", "original_path", "file_path", "local_image_paths", "images", "image_urls", "image_url",
    ),
    **{name: (name,) for name in METADATA},
}  # fmt: skip
"""What a field is called in a batch, the first that is there."""

_IN_TEXT = ("brand", "category", "size", "condition", "material", "color", "description")
"""Metadata that keyword search reads, beside the title."""

_MAX_TEXT = 2_000  # characters of a value
_MAX_PICTURES = 1_000  # of one item
_LISTS = ("items", "products")
"""Where a JSON file keeps its items if it is an object."""


def is_batch(path: Path) -> bool:
    """Return whether a path is a batch file, or a folder with batch files directly in it."""
    if path.is_dir():
        with os.scandir(path) as entries:
            return any(_is_batch_file(entry.name) for entry in entries)
    return _is_batch_file(path.name)


def list_batch(path: Path, fields: Mapping[str, Sequence[str]], *, max_bytes: int) -> Iterator[ListedItem]:
    """Yield the items of a batch file or of a folder of them, in the order of their names.

    Paths of pictures are relative to the folder of their file, and may not leave the batch's folder. Only JSON lines
    are read one by one: a JSON file has at most `max_bytes`. Raises InvalidReference if the batch cannot be read.
    """
    path = Path(path).resolve()
    root = path if path.is_dir() else path.parent
    known = with_defaults(fields)
    ids = dict[str, int]()
    for file in _files(path):
        name = storable(str(file.relative_to(root)))
        try:
            for place, record in _records(file, max_bytes):
                yield read_item(root, file, f"{name}#{place}", record, known, ids)
        except Failure as failure:
            yield _refused(name, failure, hides=True)


def with_defaults(fields: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Return what every field is called: as given (SWATCHBOOK_ITEM_FIELDS), else by default."""
    return dict(DEFAULT_FIELDS) | {name: tuple(given) for name, given in fields.items()}


def id_of(record: Mapping[str, Any], fields: Mapping[str, Sequence[str]]) -> str | None:
    """Return the id of an item, None if it has none. `fields`: with their defaults."""
    return _text(_value(record, fields[ID]))


def _is_batch_file(name: str) -> bool:
    return name.lower().endswith((LINES, WHOLE)) and not is_hidden(name)


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    try:
        return sorted(file for file in path.rglob("*") if _is_batch_file(file.name) and file.is_file())
    except OSError as error:
        raise InvalidReference(
            f"{path} cannot be read: {reason_of(error)}.", advice="Check its permissions."
        ) from error


def _records(file: Path, max_bytes: int) -> Iterator[tuple[int, Any]]:
    """Yield (place from 1, record) of a batch file; a line that is no JSON is a failure instead of a record."""
    try:
        if file.suffix.lower() == LINES:
            with file.open("rb") as lines:
                for place in count(1):
                    line = lines.readline(max_bytes)
                    if not line:
                        return
                    if line.strip():
                        yield place, _parsed(line)
            return
        if file.stat().st_size > max_bytes:
            raise TooLarge(
                f"The file has more than {max_bytes >> 20} MiB.",
                advice="Write JSON lines (.jsonl), which are read one by one, or raise SWATCHBOOK_MAX_DOCUMENT_MB.",
            )
        content = _parsed(file.read_bytes())
    except OSError as error:
        raise FileMissing(f"The file cannot be opened: {reason_of(error)}.") from error
    if isinstance(content, Failure):
        raise content
    if isinstance(content, dict):
        content = next((content[name] for name in _LISTS if isinstance(content.get(name), list)), [content])
    yield from enumerate(content if isinstance(content, list) else [content], 1)


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return UnreadableDocument("It is not JSON.", advice="Check how it was written.")


def read_item(
    root: Path, file: Path, place: str, record: Any, fields: Mapping[str, Sequence[str]], ids: dict[str, int]
) -> ListedItem:
    """Return the item of a record at a place of a batch file in `root`. `ids`: how often each id occurred."""
    if isinstance(record, Failure):
        return _refused(place, record, hides=True)
    if not isinstance(record, dict):
        return _refused(place, UnreadableDocument("It is not an object with fields."))
    item = id_of(record, fields)
    if item is None:
        wanted = " or ".join(fields[ID])
        return _refused(place, InvalidReference(f"It has no id ({wanted}).", advice="Set SWATCHBOOK_ITEM_FIELDS."))
    ids[item] = ids.get(item, 0) + 1
    if ids[item] > 1:
        return _refused(f"{item} ({ids[item]})", InvalidReference(f"The id {item} occurs once more: {place}."))
    metadata = {name: text for name in METADATA if (text := _text(_value(record, fields[name]))) is not None}
    pictures, failure = _pictures(root, file, record, fields[IMAGES])
    return ListedItem(
        item=item,
        title=shorten(_text(_value(record, fields[TITLE])) or item, 300),
        metadata=metadata,
        pictures=pictures,
        failure=failure,
        code=item,
        text=" · ".join(metadata[name] for name in _IN_TEXT if name in metadata) or None,
    )


def _refused(item: str, failure: Failure, *, hides: bool = False) -> ListedItem:
    """Return a failed item. `hides`: other items may be behind the failure, whatever their ids."""
    return ListedItem(
        item=item, title=one_line(item), metadata={}, pictures=(), failure=failure, hides="" if hides else None
    )


def _value(record: Mapping[str, Any], names: Sequence[str]) -> Any:
    """Return the first of these fields that is there; a dot leads into an inner object."""
    for name in names:
        value: Any = record
        for part in name.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if value not in (None, "", []):
            return value
    return None


def _text(value: Any) -> str | None:
    """Return a value as one line, None for none; of a list its parts."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, float):
        return f"{value:.2f}"
    if isinstance(value, list):
        return ", ".join(filter(None, map(_text, value))) or None
    if isinstance(value, dict):
        return None
    return shorten(one_line(str(value)), _MAX_TEXT) or None


def _pictures(
    root: Path, file: Path, record: Mapping[str, Any], names: Sequence[str]
) -> tuple[tuple[ListedPicture | ListedUrl, ...], Failure | None]:
    """Return the pictures of the first field that names a file that can be read or a URL, or why there are none."""
    reasons = list[str]()
    for name in names:
        value = _value(record, [name])
        found = dict[str, ListedPicture | ListedUrl]()
        for path in value if isinstance(value, list) else [value] if value else []:
            try:
                picture = _picture(root, file, path)
                found.setdefault(picture.path, picture)
            except Failure as failure:
                reasons.append(f"{one_line(str(path))[:200]}: {failure.message}")
        if found:
            return tuple(found.values())[:_MAX_PICTURES], None
    if not reasons:
        return (), InvalidReference("It names no picture.")
    return (), FileMissing(f"None of its pictures can be read. {reasons[0]}")


def _picture(root: Path, file: Path, path: Any) -> ListedPicture | ListedUrl:
    if not isinstance(path, str):
        raise InvalidReference("It is not a path.")
    if "://" in path:
        return _url(path.strip())
    picture = find_picture(root, file.parent / path)
    if not os.access(picture.file, os.R_OK):
        raise FileMissing("The file cannot be opened: Permission denied.")
    return picture


def _url(url: str) -> ListedUrl:
    """Return a picture to fetch. Raises InvalidReference for what cannot be a URL; the others are judged when asked."""
    if not url.lower().startswith(("https://", "http://")):
        raise InvalidReference("It is neither a path nor an https URL.")
    if len(url) > URL_CHARACTERS or not url.isprintable():
        raise InvalidReference("The URL is malformed.")
    return ListedUrl(path=url)
