"""List the items of scraped batches: a file of items that some reader of `item_files.py` takes, or a folder of such.

An item's pictures are URLs, or files within the batch's folder or a folder that the settings or the command name. Items
without a record or a picture, or with an id that occurred before, are refused.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

from swatchbook.domain.errors import Failure, FileMissing, InvalidReference, UnreadableDocument, reason_of
from swatchbook.domain.records import BatchMapping, sha256
from swatchbook.ingest.sources.field_words import flat, is_picture_field
from swatchbook.ingest.sources.folder import is_hidden, is_picture
from swatchbook.ingest.sources.item_files import (
    IMAGES,
    MAX_NAMED,
    FileRecord,
    ItemFiles,
    NamedPicture,
    ReadRecord,
    SourceNotes,
    any_shape,
    has_item_suffix,
    is_empty,
    is_written_here,
    kind_of_file,
    reader_of,
)
from swatchbook.ingest.sources.listed import (
    SHOWN_REASONS,
    ListedItem,
    ListedPicture,
    ListedUrl,
    MissingPicture,
    find_picture,
    spellings,
    storable,
    tell_missing,
)
from swatchbook.ingest.sources.sidecar import sidecars_among, text_of
from swatchbook.store.files.urls import URL_CHARACTERS
from swatchbook_base.one_line import one_line, shorten

MAX_PICTURES = 1_000
"""The most pictures of one item; further ones are named as missing."""

_SHOWN_FIELDS = 12
"""The most fields that the failure of an item without a picture names."""


def is_batch(path: Path) -> bool:
    """Return whether a path is a batch file by its content, or a folder with such files in it by their names."""
    if path.is_dir():
        with os.scandir(path) as entries:
            names = [entry.name for entry in entries]
        found = [*filter(_is_batch_name, names)]
        return len(found) > len(sidecars_among(path, found, [*filter(is_picture, names)]))
    return not is_hidden(path.name) and kind_of_file(path) is not None


def list_batch(
    path: Path,
    mapping: BatchMapping,
    *,
    max_bytes: int,
    folders: Sequence[Path] = (),
    notes: SourceNotes | None = None,
) -> Iterator[ListedItem]:
    """Yield the items of a batch file or of a folder of them, in the order of their names.

    Paths of pictures are relative to the folder of their file, or to one of `folders`, which may be elsewhere. They may
    not leave the batch's folder and these. A JSON file has at most `max_bytes`; all others are read item by item.
    `notes` gets what a person should know. Raises InvalidReference if the batch cannot be read.
    """
    path = Path(path).resolve()
    root = path if path.is_dir() else path.parent
    places = [folder.resolve() for folder in (*([mapping.root] if mapping.root else []), *folders)]
    ids = dict[str, int]()
    files = files_of(path)
    if notes:
        notes.doubts += (doubt for file in files for doubt in any_shape().doubts_of(file, name_in(root, file)))
    for reader, file, place, found in records_of(files, root, max_bytes, mapping):
        if notes and found.of_table:
            notes.columns.look(found.place, found.record, mapping)
        yield read_item(root, file, place, found.record, mapping, ids, places, found.own_names, reader)


def records_of(
    files: Sequence[Path], root: Path, max_bytes: int, mapping: BatchMapping
) -> Iterator[tuple[ItemFiles, Path, str, FileRecord]]:
    """Yield (reader, file, place in the batch, record) of a batch's files in `root`; of one that cannot be read its
    failure.
    """
    for file in files:
        name, reader = name_in(root, file), reader_of(file)
        try:
            for found in reader.settle(partial(reader.read, file, max_bytes), mapping):
                yield reader, file, f"{name}#{found.place}", found
        except Failure as failure:
            yield reader, file, name, FileRecord(0, failure)


def name_in(root: Path, file: Path) -> str:
    """Return the name of a file within a batch in `root`."""
    return storable(str(file.relative_to(root)))


def content_id(record: Mapping[str, Any]) -> str:
    """Return an id for a record that has none: a hash of its content."""
    return sha256(json.dumps(record, sort_keys=True, default=str).encode(errors="replace"))[:24]


def _is_batch_name(name: str) -> bool:
    return has_item_suffix(name) and not is_hidden(name)


def files_of(path: Path) -> list[Path]:
    """Return the files of a batch in the order of their names. Raises InvalidReference."""
    if not path.is_dir():
        return [path]
    try:
        return sorted(file for file in path.rglob("*") if _is_batch_name(file.name) and file.is_file())
    except OSError as error:
        raise InvalidReference(
            f"{path} cannot be read: {reason_of(error)}.", advice="Check its permissions."
        ) from error


def read_item(
    root: Path,
    file: Path,
    place: str,
    record: Any,
    mapping: BatchMapping,
    ids: dict[str, int],
    folders: Sequence[Path] = (),
    own_names: Mapping[str, str] = {},
    reader: ItemFiles | None = None,
) -> ListedItem:
    """Return the item of a record at a place of a batch file in `root`.

    `ids` counts the occurrences of each id. The pictures may also be in `folders` (resolved). `own_names`: FileRecord.
    `reader`: that of the file; None for a record that is in no file of items.
    """
    if isinstance(record, Failure):
        return _refused(place, record, hides=True)
    if not isinstance(record, dict):
        return _refused(place, UnreadableDocument("It is not an object with fields."))
    try:
        read = (reader or any_shape()).read_record(record, mapping)
    except UnreadableDocument as failure:
        return _refused(place, failure)
    pictures, missing, bare = _pictures(root, file, read, folders)
    if not (read.id or read.title or pictures):
        nameless = UnreadableDocument("It has no id, no title and no picture.")
        return _refused(place, tell_missing(missing, "None of its") if missing else nameless)
    item = read.id or content_id(record)
    ids[item] = ids.get(item, 0) + 1
    if ids[item] > 1:
        return _refused(
            f"{item} ({ids[item]})",
            InvalidReference(
                f"The id {item} occurs once more: {place}.",
                advice="Name a field whose values differ as id: --mapping.",
            ),
        )
    if bare is not None and not read.pictures and not read.more:
        bare = _without_picture(record, mapping, own_names)
    return ListedItem(
        item=item,
        title=read.title or shorten(item, 300),
        metadata=read.metadata,
        pictures=pictures,
        bare=bare,
        code=read.code or (item if read.columns.get("id") else None),
        text=text_of(read.metadata, read.variants, code=read.code),
        variants=read.variants,
        missing=missing,
    )


def _without_picture(
    record: Mapping[str, Any], mapping: BatchMapping, own_names: Mapping[str, str]
) -> InvalidReference:
    """Return why an item names no picture: the fields for it are empty, or it has none that is known."""
    names = [str(name) for name in record]
    pictured = mapping.names.get(IMAGES) or filter(is_picture_field, names)
    if empty := [name for name in pictured if name in record and is_empty(record[name])]:
        shown = ", ".join(own_names.get(name, name) for name in empty[:SHOWN_REASONS])
        which = f"{shown} {'is' if len(empty) == 1 else 'are'}"
        return InvalidReference(f"It names no picture: {which} empty.")
    advice = f"Its fields are {', '.join(names[:_SHOWN_FIELDS])}. A mapping says which of them names pictures."
    is_sidecar = any(flat(name) == "filename" for name in names)
    return InvalidReference(
        "It names no picture.",
        advice=f"{advice} If it describes the pictures of its folder, name the table metadata."
        if is_sidecar
        else advice,
    )


def _refused(item: str, failure: Failure, *, hides: bool = False) -> ListedItem:
    """Return a failed item. `hides`: because of the failure, items with any ids may be missing."""
    return ListedItem(
        item=item, title=one_line(item), metadata={}, pictures=(), failure=failure, hides="" if hides else None
    )


def _pictures(
    root: Path, file: Path, read: ReadRecord, folders: Sequence[Path]
) -> tuple[tuple[ListedPicture | ListedUrl, ...], tuple[MissingPicture, ...], Failure | None]:
    """Return the pictures of the first alternative with a readable one, and further ones; those that cannot be read of
    the same alternative, or of all if none can; and the reason if it names none.
    """
    if sum(map(len, (*read.pictures, read.more))) > MAX_NAMED:
        return (), (), InvalidReference(f"It names more than {MAX_NAMED:,} pictures.")
    found, unread = dict[str, ListedPicture | ListedUrl](), list[_Unread]()
    for group in read.pictures:
        unread_of_group = _take(root, file, group, folders, found)
        if found:
            unread = unread_of_group
            break
        unread += unread_of_group
    unread += _take(root, file, read.more, folders, found)
    if found:
        taken = list(found.values())
        beyond = InvalidReference(f"Only the first {MAX_PICTURES:,} pictures of an item are read.")
        missing = [_missing(root, file, *each) for each in unread if each[0].certain]
        missing += [MissingPicture(each.path, beyond, each.caption) for each in taken[MAX_PICTURES:]]
        return tuple(taken[:MAX_PICTURES]), tuple({each.path: each for each in missing}.values()), None
    if not unread:
        return (), (), InvalidReference("It names no picture.")
    return (), tuple({each.path: each for each in (_missing(root, file, *one) for one in unread)}.values()), None


_Unread = tuple[NamedPicture, Failure]
"""A picture that cannot be read, and why not at the first of its places."""


def _take(
    root: Path,
    file: Path,
    named: Sequence[NamedPicture],
    folders: Sequence[Path],
    found: dict[str, ListedPicture | ListedUrl],
) -> list[_Unread]:
    """Add the pictures that can be read, each from the first of its places that has it; return the others."""
    unread = list[_Unread]()
    for picture in named:
        failures = list[Failure]()
        for place in picture.places:
            try:
                taken = _picture(root, file, place, picture.caption, folders)
            except Failure as failure:
                failures.append(failure)
                continue
            if failures and isinstance(taken, ListedUrl):
                taken = replace(taken, as_file=f"{one_line(picture.places[0])[:200]}: {failures[0].message}")
            found.setdefault(taken.path, replace(taken, of_variant=True) if picture.of_variant else taken)
            break
        else:
            unread.append((picture, failures[0]))
    return unread


def _missing(root: Path, file: Path, picture: NamedPicture, failure: Failure) -> MissingPicture:
    """Return a picture that cannot be read, with the place at which it would be found."""
    place = one_line(picture.places[0])
    path = (
        place if "://" in place or is_written_here(place) else os.path.normpath(file.parent.relative_to(root) / place)
    )
    return MissingPicture(storable(path[:URL_CHARACTERS]), failure, picture.caption)


def _picture(
    root: Path, file: Path, place: str, caption: str | None, folders: Sequence[Path]
) -> ListedPicture | ListedUrl:
    if is_written_here(place):
        raise InvalidReference("The picture itself is written in the record: only files and URLs are read.")
    if "://" in place:
        return _url(place.strip(), caption)
    problem: Failure | None = None
    for folder, name in product((None, *folders), spellings(place)):
        try:
            sibling = file.parent / name
            picture = _file(root, sibling, caption) if folder is None else _elsewhere(folder, name, sibling, caption)
        except Failure as failure:
            # that a file is missing from one folder tells more than that it is outside another one
            problem = failure if problem is None or isinstance(problem, InvalidReference) else problem
            continue
        if not os.access(picture.file, os.R_OK):
            raise FileMissing("The file cannot be opened: Permission denied.")
        return picture
    raise problem or FileMissing("The file cannot be found.")


def _file(root: Path, file: Path, caption: str | None) -> ListedPicture:
    found = find_picture(root, file)
    return ListedPicture(found.path, found.file, found.size, found.mtime_ns, found.inode, caption) if caption else found


def _elsewhere(folder: Path, place: str, sibling: Path, caption: str | None) -> ListedPicture:
    """Return a picture within a folder that the settings or the command name; its place is its absolute name.

    Its name is relative to that folder, or leads into it from the batch file: `sibling`.
    """
    try:
        found = find_picture(folder, folder / place)
    except Failure:
        found = find_picture(folder, sibling)
    return ListedPicture(storable(found.file), found.file, found.size, found.mtime_ns, found.inode, caption)


def _url(url: str, caption: str | None) -> ListedUrl:
    """Return a picture to fetch. Raises InvalidReference for text that cannot be a URL; others fail when fetched."""
    if not url.lower().startswith(("https://", "http://")):
        raise InvalidReference("It is neither a path nor an https URL.")
    if len(url) > URL_CHARACTERS or not url.isprintable():
        raise InvalidReference("The URL is malformed.")
    return ListedUrl(path=url, caption=caption)
