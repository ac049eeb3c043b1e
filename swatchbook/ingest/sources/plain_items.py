"""Read files of items in one plain shape: JSON lines and CSV with Swatchbook's own fields.

These are the fields that `swatchbook export` writes.

A record has an `id` and a `title` (or `name`) or pictures, and may have a code, metadata, and variants: the rows that
follow with its id as `parent`. A record with any other field is refused, and nothing is guessed; packages
read other shapes. Texts are UTF-8.
"""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

from swatchbook.domain.csv_cells import unprotected
from swatchbook.domain.errors import FileMissing, InvalidReference, UnreadableDocument, reason_of
from swatchbook.domain.records import NO_MAPPING, BatchMapping, BatchPlan, Variant
from swatchbook.ingest.sources.batch_plan import judge_items
from swatchbook.ingest.sources.item_files import (
    CODE,
    ID,
    IMAGES,
    METADATA,
    NEEDS_PACKAGE,
    TITLE,
    FileKind,
    FileRecord,
    ItemFiles,
    NamedPicture,
    ReadRecord,
    is_empty,
    plain_cell,
)
from swatchbook.ingest.sources.unknown_file import describe_unknown
from swatchbook_base.one_line import one_line, shorten

_TITLES, _PICTURES = (TITLE, "name"), (IMAGES, "pictures")
_PATHS = ("compressed_path", "original_path", "file_path")
"""Fields of imported tables: the first that names a readable picture counts."""

_OF_METADATA = "metadata"
_NOT_READ = (
    "document_id", "document", "owner", "pages", "grain", "parent", "family", "confidence", "price_to", "captions",
    "variant_pictures", "options", "variants",
)  # fmt: skip
"""Further fields of an export: what describes pictures and variants, and where a product was found."""

_FIELDS = frozenset((ID, CODE, *_TITLES, *_PICTURES, *_PATHS, *METADATA, _OF_METADATA, *_NOT_READ))
_LISTS = frozenset((*_PICTURES, "captions", "variant_pictures", "variants"))
_BETWEEN = "|"
_HEAD = 1 << 16  # bytes by which a file is recognised
_MOST_TEXT, _MOST_TITLE = 2_000, 300  # characters
_PLAIN = FileKind("JSON lines", ".jsonl"), FileKind("CSV", ".csv")


class PlainItems(ItemFiles):
    """JSON lines and CSV with Swatchbook's own fields."""

    suffixes = (".jsonl", ".csv")
    formats = "JSON lines or CSV with Swatchbook's own fields (docs/batches.md). For any other file of items: " + (
        NEEDS_PACKAGE.removeprefix("Install ")
    )
    lacking = "it is not JSON lines or CSV with Swatchbook's own fields, as `swatchbook export` writes them"

    def kind_of(self, file: Path) -> FileKind | None:
        with self.open_text(file) as opened:
            head = opened.read(_HEAD)
        try:
            first = head.lstrip().partition(b"\n")[0].decode()
        except UnicodeDecodeError:
            return None
        if first.startswith("{"):
            try:
                names = json.loads(first).keys()
            except (ValueError, RecursionError):
                return None
        else:
            names = dict.fromkeys(next(csv.reader([first]), []))
        return _PLAIN[not first.startswith("{")] if _is_plain(names) else None

    def read(self, file: Path, max_bytes: int) -> Iterator[FileRecord]:
        try:
            with self.open_text(file) as opened:
                if file.suffix.lower() == ".json":  # a sidecar
                    content = _parsed(opened.read(max_bytes))
                    records: Iterator[Any] = iter(content if isinstance(content, list) else [content])
                elif file.suffix.lower() == ".jsonl" or opened.peek(1)[:1] == b"{":  # type: ignore[attr-defined]
                    records = (_parsed(line) for line in iter(lambda: opened.readline(max_bytes), b"") if line.strip())
                elif self.kind_of(file) is None:
                    raise describe_unknown(file)
                else:
                    records = _rows(io.TextIOWrapper(opened, "utf-8", newline=""))
                yield from (FileRecord(place, record) for place, record in enumerate(records, 1))
        except OSError as error:
            raise FileMissing(f"The file cannot be opened: {reason_of(error)}.") from error
        except (UnicodeDecodeError, csv.Error) as error:
            raise UnreadableDocument("It is not CSV in UTF-8.", advice=NEEDS_PACKAGE) from error

    def settle(self, read: Callable[[], Iterator[FileRecord]], mapping: BatchMapping) -> Iterator[FileRecord]:
        """Yield each product with the rows of its variants, which follow it."""
        product: FileRecord | None = None
        for found in read():
            row, of = found.record, product.record if product else {}
            if product and isinstance(row, dict) and (parent := row.get("parent")) and parent == of.get(ID):
                rows = [each for each in _listed(of, "variants") if isinstance(each, dict)]
                product = replace(product, record={**of, "variants": [*rows, row]})
                continue
            if product:
                yield product
            product = found if isinstance(row, dict) else None
            if not product:
                yield found
        if product:
            yield product

    def read_record(self, record: Mapping[str, Any], mapping: BatchMapping = NO_MAPPING) -> ReadRecord:
        if mapping.model_copy(update={"root": None}) != NO_MAPPING:
            raise InvalidReference("Files of items are read without a mapping.", advice=NEEDS_PACKAGE)
        if not is_empty(record.get("parent")):
            raise UnreadableDocument("It is a variant of a product that is not above it.", advice=_ADVICE)
        if unknown := [name for name in record if name not in _FIELDS]:
            raise UnreadableDocument(f"It has the field {one_line(str(unknown[0]))[:60]}.", advice=_ADVICE)
        title = next(filter(None, (_text(record, name) for name in _TITLES)), None)
        used = [name for name in (ID, CODE, *METADATA) if not is_empty(record.get(name))]
        used += [TITLE] if title else []
        used += [IMAGES] if any(record.get(name) for name in (*_PICTURES, *_PATHS)) else []
        return ReadRecord(
            id=_text(record, ID),
            code=_text(record, CODE),
            title=shorten(title, _MOST_TITLE) if title else None,
            metadata=_metadata(record),
            variants=tuple(_variant(each) for each in _listed(record, "variants")),
            pictures=tuple(filter(None, map(tuple, _pictures(record)))),
            more=(),
            columns={name: (name,) for name in used},
            unknown=(),
        )

    def plan(
        self,
        path: Path,
        given: BatchMapping,
        *,
        max_bytes: int,
        folders: Sequence[Path],
        judge: int,
    ) -> BatchPlan:
        path, used = Path(path).resolve(), dict[str, tuple[str, ...]]()

        def look(_: int, found: FileRecord) -> None:
            if isinstance(found.record, dict):
                used.update((name, (name,)) for name in found.record if name in _FIELDS)

        plan = judge_items(path, given, max_bytes=max_bytes, folders=folders, judge=judge, look=look)
        kind = self.kind_of(path) if path.is_file() else None
        return plan.model_copy(update={"format": kind.format if kind else None, "fields": used})


_ADVICE = f"Write only the fields of docs/batches.md, others below metadata. {NEEDS_PACKAGE}"


def _is_plain(names: Any) -> bool:
    """Return whether these are the fields of a plain record: an id, a title or pictures, and no others than ours."""
    known = {name for name in names if name in _FIELDS or name.startswith(f"{_OF_METADATA}.")}
    return ID in known and not known.isdisjoint((*_TITLES, *_PICTURES)) and len(known) == len(names)


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return UnreadableDocument("It is not JSON.", advice="Check how it was written.")


def _rows(lines: io.TextIOWrapper) -> Iterator[Any]:
    """Yield the rows of a CSV file as records. Cells of lists have `|` between their values."""
    csv.field_size_limit(1 << 22)  # characters; it applies to this process
    rows = csv.reader(lines)
    head = next(rows)
    for row in filter(None, rows):
        if len(row) != len(head):
            yield UnreadableDocument(f"Its row has {len(row)} cells, and the first row {len(head)}.", advice=_ADVICE)
            continue
        record = dict[str, Any]()
        for name, cell in zip(head, row, strict=True):
            if not (text := str(plain_cell(unprotected(cell)))):
                continue
            kind, _, inner = name.partition(".")
            if inner:
                record.setdefault(kind, {})[inner] = text
            else:
                record[name] = text.split(_BETWEEN) if name in _LISTS else text
        yield record


def _text(record: Mapping[str, Any], name: str) -> str | None:
    """Return the text of a field, None without one. Raises UnreadableDocument for a list or an object."""
    value = record.get(name)
    if is_empty(value):
        return None
    if not isinstance(value, str | int | float):
        raise UnreadableDocument(f"Its field {name} is no text.", advice=_ADVICE)
    return shorten(one_line(str(plain_cell(value))), _MOST_TEXT) or None


def _metadata(record: Mapping[str, Any]) -> dict[str, str]:
    """Return the metadata of a record: its own fields, and those below `metadata`, which has a price as printed."""
    given = record.get(_OF_METADATA) or {}
    if not isinstance(given, Mapping):
        raise UnreadableDocument("Its metadata is no object with texts.", advice=_ADVICE)
    fields = [(name, record) for name in METADATA] + [(str(name), given) for name in given]
    return {name: text for name, of in fields if (text := _text(of, name))}


def _listed(record: Mapping[str, Any], name: str) -> Sequence[Any]:
    value = record.get(name)
    return () if is_empty(value) else value if isinstance(value, list) else (value,)


def _pictures(record: Mapping[str, Any]) -> Iterator[list[NamedPicture]]:
    """Yield the alternatives of pictures: the paths of a table, then the pictures of the record."""
    for name in _PATHS:
        yield [NamedPicture((str(place),)) for place in _listed(record, name)]
    captions, only = _listed(record, "captions"), _listed(record, "variant_pictures")
    places = [place for name in _PICTURES for place in _listed(record, name)]
    if not all(isinstance(place, str) for place in places):
        raise UnreadableDocument("Its pictures are no list of texts.", advice=_ADVICE)
    yield [
        NamedPicture((place,), str(caption or "") or None, of_variant=place in only)
        for place, caption in zip_longest(places, captions[: len(places)])
    ]


def _variant(given: Any) -> Variant:
    """Return a variant: a name alone, or a row as an export writes it."""
    row: Mapping[str, Any] = given if isinstance(given, Mapping) else {"name": str(given)}
    facts = _metadata(row)
    return Variant(
        grain="part" if row.get("grain") == "part" else "variant",
        name=_text(row, "name") or _text(row, TITLE) or "",
        code=_text(row, CODE),
        size=facts.pop("size", None),
        price=facts.pop("price", None),
        options=tuple((str(name), str(value)) for name, value in _listed(row, "options")),
        facts=tuple(facts.items()),
    )
