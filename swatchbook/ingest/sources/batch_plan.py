"""Show how a batch would be read, before it is read: the plan that its reader makes. No picture is opened."""

from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from pathlib import Path

from swatchbook.domain.errors import FileMissing
from swatchbook.domain.records import BatchMapping, Record
from swatchbook.ingest.sources.batch import files_of, read_item, records_of
from swatchbook.ingest.sources.item_files import FileRecord, any_shape, reader_of
from swatchbook.ingest.sources.listed import ListedItem

JUDGED = 20_000  # records that are looked at: a few seconds
_SHOWN_ITEMS = 5
_NAMED = 100  # incomplete items


class AbsentField(Record):
    """A field that a mapping names and none of the items has, as a sentence. `refused`: it is not read so."""

    problem: str
    refused: bool


class PlannedItem(Record):
    """An item as it would be read. `problem` is why it would fail; `lacks_files`: pictures of it are missing."""

    item: str
    title: str
    code: str | None
    metadata: dict[str, str]
    pictures: tuple[str, ...]
    problem: str | None
    lacks_files: bool


class IncompleteItem(Record):
    """An item that would fail or lack pictures, and why."""

    item: str
    problem: str


class UnknownField(Record):
    """A field that is not read, with the beginning of its value in one of the items."""

    name: str
    example: str


class BatchPlan(Record):
    """The way in which a batch would be read.

    `fields` maps names of ours to the fields from which they are read; `choices` are all its fields. `looked_at` is the
    number of items whose fields were read. Of the first `judged` items, all unless there are `more`, `failing` would
    fail and `lacking` have not all of their pictures, of which the first are named. `absent` are fields that the given
    mapping names and no item has. `mapping` is `fields` as the YAML file that `ingest --mapping` takes. `letters` are
    what to check of files that are not UTF-8.
    """

    name: str
    format: str | None = None
    looked_at: int
    judged: int
    more: bool
    failing: int
    lacking: int
    incomplete_items: tuple[IncompleteItem, ...]
    items: tuple[PlannedItem, ...]
    absent: tuple[AbsentField, ...] = ()
    letters: tuple[str, ...] = ()
    fields: Mapping[str, tuple[str, ...]] = {}
    unknown: tuple[UnknownField, ...] = ()
    choices: tuple[str, ...] = ()
    mapping: str = ""


def plan_batch(
    path: Path,
    given: BatchMapping,
    *,
    max_bytes: int,
    folders: Sequence[Path] = (),
    item_fields: Mapping[str, Sequence[str]] = {},
    judge: int = JUDGED,
) -> BatchPlan:
    """Return the plan for a batch file or folder, of which the first `judge` items are judged.

    `item_fields`: those of SWATCHBOOK_ITEM_FIELDS, which a batch need not have. Raises InvalidReference.
    """
    files = files_of(path)
    reader = reader_of(files[0]) if files else any_shape()
    return reader.plan(path, given, max_bytes=max_bytes, folders=folders, item_fields=item_fields, judge=judge)


def judge_items(
    path: Path,
    mapping: BatchMapping,
    *,
    max_bytes: int,
    folders: Sequence[Path],
    judge: int,
    look: Callable[[int, FileRecord], None],
) -> BatchPlan:
    """Return the plan of a batch (absolute) without its format and fields. `look` gets each record, with its number."""
    root = path if path.is_dir() else path.parent
    places = [folder.resolve() for folder in (*([mapping.root] if mapping.root else []), *folders)]
    items, ids, judged, failing, lacking = list[PlannedItem](), dict[str, int](), 0, 0, 0
    named = list[IncompleteItem]()
    records = records_of(files_of(path), root, max_bytes, mapping)
    for reader, file, place, found in islice(records, judge):
        judged += 1
        look(judged, found)
        listed = read_item(root, file, place, found.record, mapping, ids, places, found.own_names, reader)
        if listed.problem:
            failing += listed.failure is not None
            lacking += listed.failure is None
            named.append(IncompleteItem(item=listed.item, problem=str(listed.problem)))
        if len(items) < _SHOWN_ITEMS:
            items.append(_planned(listed))
    return BatchPlan(
        name=path.name,
        looked_at=judged,
        judged=judged,
        more=next(records, None) is not None,
        failing=failing,
        lacking=lacking,
        incomplete_items=tuple(named[:_NAMED]),
        items=tuple(items),
    )


def _planned(item: ListedItem) -> PlannedItem:
    return PlannedItem(
        item=item.item,
        title=item.title,
        code=item.code,
        metadata=dict(item.metadata),
        pictures=tuple(picture.path for picture in item.pictures),
        problem=str(item.problem) if item.problem else None,
        lacks_files=isinstance(item.problem, FileMissing),
    )
