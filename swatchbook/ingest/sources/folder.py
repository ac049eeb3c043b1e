"""List the pictures of a folder and its subfolders, in the order of their names, or a single picture.

A folder whose pictures are named after views of one product (`view_names.py`) is one item, all others are one each.
Links out of the folder, entries that are no files, and folders that may not be read are refused. Names that begin with
a dot, and subfolders that are scraped batches, are left out. No picture is opened. The limits of size are in
`swatchbook_base/image_limits.py`.
"""

import os
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias
from urllib.parse import quote, unquote

from swatchbook.domain.errors import Failure, InvalidReference, UnsupportedFormat, reason_of
from swatchbook.ingest.sources.field_words import split_words
from swatchbook.ingest.sources.item_files import SourceNotes, any_shape
from swatchbook.ingest.sources.listed import (
    ListedItem,
    ListedPicture,
    category_of,
    find_picture,
    picture_at,
    spellings,
    storable,
    title_of,
    title_of_folder,
)
from swatchbook.ingest.sources.sidecar import (
    SidecarData,
    is_table,
    may_be_sidecar,
    of_picture,
    read_sidecar,
    read_table,
    sidecars_among,
    text_of,
)
from swatchbook.ingest.sources.view_names import are_counted, best_first, is_one_product, names_product

PICTURES = split_words("jpg jpeg jfif png webp gif avif heic heif tif tiff bmp jp2")
"""Suffixes of the files that are read as pictures."""

_UNREAD = split_words("jxl svg psd psb ai eps raw dng cr2 cr3 nef arw orf rw2 raf tga exr hdr xcf")
"""Suffixes of other pictures."""

MAX_BYTES = 100 << 20
"""The most bytes of a sidecar, if the settings have no limit."""

_MOST_VIEWS = 500
"""More pictures are no views of one product: an item may have 1,000."""

_COUNTED_ONLY = (
    "{}/: its {} pictures have numbers for names and count as one product. If they show several, name each file after "
    "its product."
)

_Found: TypeAlias = ListedPicture | ListedItem | tuple[ListedPicture, ...]
"""A picture, a failure, or the pictures of a folder that is one product."""


def list_folder(
    folder: Path,
    *,
    apart: Collection[Path] = (),
    categories: bool = True,
    max_bytes: int = MAX_BYTES,
    notes: SourceNotes | None = None,
) -> Iterator[ListedItem]:
    """Yield the products of a folder (absolute) as items, or the one of a picture file.

    A subfolder that cannot be read is a failed item; those in `apart` (absolute) are left out. With `categories` each
    subfolder is a category. A sidecar has at most `max_bytes`. `notes` gets what a person should know. Raises
    InvalidReference if the folder cannot be read.
    """
    below = f"{_root_of(folder).as_uri()}/"
    for path, found, data in list_files(folder, apart=apart, max_bytes=max_bytes, notes=notes):
        yield _item_of(path, found, data, below, categories=categories)


def list_briefly(
    folder: Path,
    *,
    apart: Collection[Path] = (),
    categories: bool = True,
    max_bytes: int = MAX_BYTES,
) -> Iterator[ListedItem | ListedPicture]:
    """Yield the items of `list_folder`, but only the pictures of items that have no sidecar."""
    below = f"{_root_of(folder).as_uri()}/"
    for path, found, data in list_files(folder, apart=apart, max_bytes=max_bytes):
        brief = data is None and isinstance(found, ListedPicture)
        yield found if brief else _item_of(path, found, data, below, categories=categories)  # type: ignore[misc]


def list_files(
    folder: Path,
    *,
    apart: Collection[Path] = (),
    max_bytes: int = MAX_BYTES,
    notes: SourceNotes | None = None,
) -> Iterator[tuple[str, _Found, SidecarData | None]]:
    """Yield (path, picture, data of its sidecar) for each item of `list_folder`, without metadata from the path.

    The path of a folder that is one product comes with all its pictures. Failures, also those of sidecars, are items
    instead of pictures. The names of one folder are in memory at a time,
    and tables of pictures until their folders are read.
    """
    root = _root_of(folder)
    if Path(folder).is_file():
        name = Path(folder).resolve().name
        yield name, _find_file(root, name), None
        return
    waiting: list[tuple[str, tuple[Mapping[str, SidecarData], ...]]] = [("", ())]
    while waiting:
        relative, tables = waiting.pop()
        try:
            names, links, subfolders, sidecars = _look_into(root / relative)
        except OSError as error:
            problem = f"The folder cannot be read: {reason_of(error)}."
            failure = InvalidReference(problem, advice="Check its permissions.")
            if not relative:
                raise InvalidReference(f"{folder}: {failure.message}", advice=failure.advice) from error
            yield relative, _failed(f"{relative}/", failure, hides=storable(f"{relative}/")), None
            continue
        prefix = f"{relative}/" if relative else ""
        for name in filter(is_table, sidecars):
            try:
                _require_inside(root, root / prefix / name)
                described = read_table(root / prefix / name, max_bytes)
                if notes:
                    if gone := [path for path in described if not _is_there(root / prefix, path)]:
                        notes.absent[prefix + name] = gone
                    notes.doubts += any_shape().doubts_of(root / prefix / name, prefix + name)
                tables = ({_name_of(prefix + path): data for path, data in described.items()}, *tables)
            except Failure as failure:
                yield prefix + name, _failed(prefix + name, failure), None
        is_apart = len(names) > _MOST_VIEWS or any(
            any(of_picture(name, sidecars)) or any(_name_of(prefix + name) in table for table in tables)
            for name in names
        )
        if not is_apart and (views := _views_of_product(root, relative, names, subfolders, apart)):
            found_views = [(path, _find_file(root, path, is_link=True)) for path in views]
            yield from ((path, found, None) for path, found in found_views if isinstance(found, ListedItem))
            if pictures := tuple(found for _, found in found_views if isinstance(found, ListedPicture)):
                yield relative, pictures, None
            if notes and are_counted(relative.rpartition("/")[2], [path for path, _ in found_views]):
                notes.doubts.append(_COUNTED_ONLY.format(relative, len(found_views)))
            names = []
        for name in names:
            found = _find_file(root, prefix + name, is_link=name in links)
            if name in links and _is_folder(root / prefix / name, found):
                continue
            path = _name_of(prefix + name)
            data = next((table[path] for table in tables if path in table), None)
            for sidecar in of_picture(name, sidecars):
                try:
                    _require_inside(root, root / prefix / sidecar)
                    data = read_sidecar(root / prefix / sidecar, max_bytes)
                    if notes:
                        notes.doubts += any_shape().doubts_of(root / prefix / sidecar, prefix + sidecar)
                except Failure as failure:
                    yield prefix + sidecar, _failed(prefix + sidecar, failure), None
                break
            yield prefix + name, found, data
        waiting += ((prefix + name, tables) for name in reversed(subfolders) if root / prefix / name not in apart)


def pictures_below(folder: Path, suffixes: Collection[str] = PICTURES) -> Iterator[str]:
    """Yield the picture files in a folder and its subfolders by their names; what cannot be read is left out."""
    for place, subfolders, names in os.walk(folder):
        subfolders[:] = [name for name in subfolders if not is_hidden(name)]
        yield from (f"{place}{os.sep}{name}" for name in names if is_picture(name, suffixes))


def unread_below(folder: Path) -> Counter[str]:
    """Return how many pictures in a folder and its subfolders are not read, by their suffixes."""
    return Counter(name.rpartition(".")[2].lower() for name in pictures_below(folder, _UNREAD))


def is_hidden(name: str) -> bool:
    """Return whether a file or folder with this name is left out."""
    return name.startswith(".")


def is_picture(name: str, suffixes: Collection[str] = PICTURES) -> bool:
    """Return whether a file is a picture by its name, and not hidden."""
    stem, _, suffix = name.rpartition(".")
    return bool(stem) and not is_hidden(name) and suffix.lower() in suffixes


def _look_into(folder: Path) -> tuple[list[str], set[str], list[str], list[str]]:
    """Return the names of pictures with links to folders, of those that are links, of subfolders and of sidecars.

    Lists are in order. Only names are read, because there may be 100,000. Raises OSError.
    """
    names, links, subfolders, others = list[str](), set[str](), list[str](), list[str]()
    with os.scandir(folder) as entries:
        for entry in entries:
            if is_hidden(entry.name):
                continue
            if entry.is_dir(follow_symlinks=False):
                subfolders.append(entry.name)
            elif is_picture(entry.name) or (entry.is_symlink() and entry.is_dir()):
                names.append(entry.name)
                if entry.is_symlink():
                    links.add(entry.name)
            elif may_be_sidecar(entry.name):
                others.append(entry.name)
    names.sort()
    subfolders.sort()
    return names, links, subfolders, sidecars_among(folder, others, names)


def _views_of_product(
    root: Path,
    relative: str,
    names: Sequence[str],
    subfolders: list[str],
    apart: Collection[Path],
) -> list[str]:
    """Return the paths of the pictures in a folder that is one product, the best first; none if it is not.

    They may also be in subfolders such as "gallery", which are taken out of `subfolders`.
    """
    taken, paths = list[str](), list(names)
    for name in subfolders if relative else ():
        place = root / relative / name
        if names_product(name) or place in apart:
            continue
        try:
            within, _, deeper, sidecars = _look_into(place)
        except OSError:  # it is named as failed when it is its turn
            continue
        if within and not deeper and not sidecars:
            taken.append(name)
            paths += [f"{name}/{each}" for each in within]
    is_ours = all(is_picture(path.rpartition("/")[2]) for path in paths) and len(paths) <= _MOST_VIEWS
    if not is_ours or not is_one_product((root / relative).name, paths, is_root=not relative):
        return []
    subfolders[:] = [name for name in subfolders if name not in taken]
    return [f"{relative}/{path}" if relative else path for path in best_first(paths)]


def _require_inside(root: Path, file: Path) -> None:
    """Raise InvalidReference for a sidecar that is a link out of the folder."""
    if not Path(os.path.realpath(file)).is_relative_to(root):
        raise InvalidReference("It is outside the folder.")


def _root_of(folder: Path) -> Path:
    """Return the resolved folder to which names of items are relative; for a single picture, its folder."""
    root = Path(folder).resolve()
    return root.parent if root.is_file() else root


def _find_file(root: Path, path: str, *, is_link: bool = False) -> ListedPicture | ListedItem:
    """Return the picture at a place in `root`, or the failed item."""
    try:
        return find_picture(root, root / path) if is_link else picture_at(path, f"{root}/{path}")
    except Failure as failure:
        return _failed(path, failure)


def _item_of(path: str, found: _Found, data: SidecarData | None, below: str, *, categories: bool) -> ListedItem:
    """Return what is found at a path as an item."""
    if isinstance(found, ListedItem):
        return found
    if isinstance(found, ListedPicture):
        return _item_of_file(path, found, data, below, categories=categories)
    url = below + quote(os.fsencode(path))
    category = category_of(path.rpartition("/")[0]) if categories else None
    metadata = {"category": category, "url": url} if category else {"url": url}
    return ListedItem(
        item=storable(f"{path}/*" if path else "*"),
        title=title_of_folder(path or unquote(Path(below).name)),
        metadata=metadata,
        pictures=found,
        text=text_of(metadata),
        described=True,
    )


def _item_of_file(
    path: str, picture: ListedPicture, data: SidecarData | None, below: str, *, categories: bool
) -> ListedItem:
    """Return the item of a picture. `data` is that of its sidecar, which goes first; `below` is the root's URL with
    "/".
    """
    category = category_of(path.rpartition("/")[0]) if categories else None
    metadata = {"category": category} if category else {}
    metadata |= {"url": below + quote(os.fsencode(path))} | dict(data.metadata if data else {})
    return ListedItem(
        item=picture.path,
        title=(data and data.title) or title_of(path),
        metadata=metadata,
        pictures=(picture,),
        code=data.code if data else None,
        text=text_of(metadata),
        described=data is not None,
    )


def _is_there(folder: Path, path: str) -> bool:
    return any(os.path.lexists(folder / each) for each in spellings(path))


def _name_of(path: str) -> str:
    """Return a path as tables and folders are compared, whatever system wrote it."""
    return unicodedata.normalize("NFC", path)


def _is_folder(link: Path, found: ListedPicture | ListedItem) -> bool:
    """Return whether a link leads to a folder within the root: its files are found at their place."""
    return isinstance(found, ListedItem) and isinstance(found.failure, UnsupportedFormat) and link.is_dir()


def _failed(path: str, failure: Failure, *, hides: str | None = None) -> ListedItem:
    return ListedItem(item=storable(path), title=title_of(path), metadata={}, pictures=(), failure=failure, hides=hides)
