"""The contract of what reads files of items: the plain reader of the core, and those of installed packages.

A package declares a class derived from `ItemFiles` as an entry point of the group `swatchbook.item_files`. Readers of
packages are asked before the plain one whether a file is theirs; the first that takes it reads it.
"""

import codecs
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, NamedTuple

from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.plugins import BUILT_IN, Kind, Plugin, installed
from swatchbook.domain.records import NO_MAPPING, BatchMapping, BatchPlan, Variant

ID, TITLE, IMAGES, CODE = "id", "title", "images", "code"
METADATA = (
    "price", "currency", "regular_price", "brand", "category", "size", "condition", "material", "color", "description",
    "url", "gtin", "availability",
)  # fmt: skip
"""Fields that are kept as metadata of the product."""

SHOP_ATTRIBUTES = "shop_attributes"
"""The metadata with the attributes of a product in its shop, as JSON: it is for exports, and not for people."""

MAX_NAMED = 10_000
"""The most pictures that one record may name: an item with more is refused."""

NEEDS_PACKAGE = "Install the package that reads files of shops and scrapers: pip install swatchbook-shops"


class FileKind(NamedTuple):
    """The format of a file for people, such as "JSON lines", and the suffix by which it is found in a folder."""

    format: str
    suffix: str


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A record of a file of items and its place from 1, with a Failure in place of a broken record.

    `of_table`: it is made of rows. `own_names` maps those of its fields that have an English name to the names of their
    columns in the file.
    """

    place: int
    record: Any
    of_table: bool = False
    own_names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NamedPicture:
    """A picture as a record names it: its places, of which the first readable one counts, and its caption.

    `certain`: if it cannot be read, a picture is missing. A single word may say something else about pictures.
    `of_variant`: the shop shows it for variants, and not with the product.
    """

    places: tuple[str, ...]
    caption: str | None = None
    certain: bool = True
    of_variant: bool = False


@dataclass(frozen=True, slots=True)
class ReadRecord:
    """The fields of an item in a record. `pictures` are alternatives; the first with a readable picture counts.

    `id` is None without an id, a URL and a SKU; a hash of the content is the id then. `more` are pictures that are
    always taken. `metadata` has the facts, too. `columns` maps names of ours to the fields from which they were read.
    `unknown` are fields with a value that was not used.
    """

    id: str | None
    code: str | None
    title: str | None
    metadata: Mapping[str, str]
    variants: tuple[Variant, ...]
    pictures: tuple[tuple[NamedPicture, ...], ...]
    more: tuple[NamedPicture, ...]
    columns: Mapping[str, Sequence[str]]
    unknown: tuple[str, ...]


class ColumnCheck:
    """What an ingest tells of the columns of tables: nothing. `look` is called with each row that is an item."""

    def look(self, place: int, record: Any, mapping: BatchMapping) -> None:
        """Look at the item at a place (from 1) of its file."""

    def warnings(self) -> tuple[str, ...]:
        """Return what to report, most harmful first."""
        return ()


class ItemFiles:
    """A reader of files of items. `suffixes`: of its files in a folder.

    `reads_any_shape`: it also reads records that have no file of items: of sidecars, tables and programs. Only then
    these are asked for: `sure_suffixes` of files that are read as items though their content does not look so,
    `formats` that it reads and what an unknown file is `lacking`, both for people.
    """

    suffixes: ClassVar[tuple[str, ...]] = ()
    reads_any_shape: ClassVar[bool] = False
    sure_suffixes: ClassVar[tuple[str, ...]] = ()
    formats: ClassVar[str] = ""
    lacking: ClassVar[str] = ""

    def kind_of(self, file: Path) -> FileKind | None:
        """Return the kind of a file by its content, None if this reader does not read it. Raises OSError."""
        raise NotImplementedError

    def read(self, file: Path, max_bytes: int) -> Iterator[FileRecord]:
        """Yield the records of a file, one by one. Raises a Failure for a problem of the whole file."""
        raise NotImplementedError

    def settle(self, read: Callable[[], Iterator[FileRecord]], mapping: BatchMapping) -> Iterator[FileRecord]:
        """Yield what `read` yields from the first record on, with the rows of one product as one record."""
        return read()

    def read_record(self, record: Mapping[str, Any], mapping: BatchMapping = NO_MAPPING) -> ReadRecord:
        """Return the fields of a record's item. Raises UnreadableDocument."""
        raise NotImplementedError

    def plan(
        self,
        path: Path,
        given: BatchMapping,
        *,
        max_bytes: int,
        folders: Sequence[Path],
        judge: int,
    ) -> BatchPlan:
        """Return how a file or folder would be read, of which the first `judge` items are judged."""
        raise NotImplementedError

    def read_mapping(self, file: Path) -> BatchMapping:
        """Return the mapping in a person's file. Raises InvalidReference."""
        raise InvalidReference(f"{file}: files of items are read without a mapping.", advice=NEEDS_PACKAGE)

    def check_mapping_fits(self, path: Path, mapping: BatchMapping, *, max_bytes: int) -> tuple[str, ...]:
        """Return what to tell of a mapping's fields that no item has. Raises InvalidReference for refused ones."""
        return ()

    def check_columns(self) -> ColumnCheck:
        """Return what looks at the rows of tables, to tell what was not understood."""
        return ColumnCheck()

    def open_text(self, file: Path) -> BinaryIO:
        """Open a text file, whose bytes are UTF-8 then. Raises OSError."""
        opened = file.open("rb")
        opened.seek(len(codecs.BOM_UTF8) if opened.read(3) == codecs.BOM_UTF8 else 0)
        return opened

    def doubts_of(self, file: Path, name: str, *, also_guesses: bool = False) -> list[str]:
        """Return what to check of the letters of a text file with this name."""
        return []


@cache
def readers() -> tuple[ItemFiles, ...]:
    """Return the readers of installed packages, by name, and the plain one. Raises Configuration."""
    built_in = [Plugin(Kind.ITEM_FILES, name, target) for name, target in BUILT_IN[Kind.ITEM_FILES].items()]
    return tuple(plugin.load()() for plugin in (*installed(Kind.ITEM_FILES), *built_in))


@cache
def any_shape() -> ItemFiles:
    """Return the reader of records and texts that are in no file of items, by default the plain one."""
    return next((reader for reader in readers() if reader.reads_any_shape), readers()[-1])


@cache
def suffixes() -> tuple[str, ...]:
    """Return the suffixes of files of items in a folder; a file that a person names may have any, or none."""
    return tuple(dict.fromkeys(suffix for reader in readers() for suffix in reader.suffixes))


def has_item_suffix(name: str) -> bool:
    """Return whether a file in a folder may have items by its name."""
    return name.lower().endswith(suffixes())


def kind_of_file(file: Path) -> FileKind | None:
    """Return the kind of a file by its content, None if it has no items. Raises OSError."""
    return next((kind for reader in readers() if (kind := reader.kind_of(file))), None)


def reader_of(file: Path) -> ItemFiles:
    """Return the reader that takes a file; for one that none takes, or that cannot be opened, the one that says why."""
    try:
        return next((reader for reader in readers() if reader.kind_of(file)), any_shape())
    except OSError:
        return any_shape()


def plain_cell(cell: Any) -> Any:
    """Return a cell as in JSON; a number that a table has as 12.0 is 12, and ="012", as Excel keeps digits, is 012."""
    if isinstance(cell, str):
        text = cell.strip()
        return text[2:-1].replace('""', '"').strip() if text[:2] == '="' and text[2:].endswith('"') else text
    if isinstance(cell, float) and cell.is_integer():
        return int(cell)
    return cell if cell is None or isinstance(cell, int | float | bool) else str(cell)


def is_empty(value: Any) -> bool:
    """Return whether a value is missing: null, blank text, an empty list or object, NaN."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or value == [] or value == {} or value != value


def is_written_here(text: str) -> bool:
    """Return whether a place is no place but the picture itself: a URL of `data:`."""
    return text.lstrip()[:5].casefold() == "data:"


@dataclass(slots=True)
class SourceNotes:
    """What a person should know of the files of a source.

    `absent`: table of a folder -> the files that it names and that are not there. `doubts`: what to check of letters,
    and of pictures that may be several products. `columns` looks at the rows of tables of items.
    """

    absent: dict[str, list[str]] = field(default_factory=dict)
    doubts: list[str] = field(default_factory=list)
    columns: ColumnCheck = field(default_factory=lambda: any_shape().check_columns())
