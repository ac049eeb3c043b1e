"""Show how a batch would be read, before it is read: the plan that its reader makes. No picture is opened."""

from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

from swatchbook.domain.errors import FileMissing
from swatchbook.domain.records import BatchMapping, BatchPlan, IncompleteItem, PlannedItem
from swatchbook.ingest.sources.batch import files_of, read_item, records_of
from swatchbook.ingest.sources.item_files import FileRecord, any_shape, reader_of
from swatchbook.ingest.sources.listed import ListedItem

JUDGED = 20_000  # records that are looked at: a few seconds
_SHOWN_ITEMS = 5
_NAMED = 100  # incomplete items


def plan_batch(
    path: Path,
    given: BatchMapping,
    *,
    max_bytes: int,
    folders: Sequence[Path] = (),
    judge: int = JUDGED,
) -> BatchPlan:
    """Plan a batch file or folder, of which the first `judge` items are judged. Raises InvalidReference."""
    files = files_of(path)
    reader = reader_of(files[0]) if files else any_shape()
    return reader.plan(path, given, max_bytes=max_bytes, folders=folders, judge=judge)


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
