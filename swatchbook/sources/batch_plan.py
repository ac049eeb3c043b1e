"""Show how a batch would be read, before it is read.

The plan has the first items, those that would fail, the fields from which each of ours is read, fields that were not
understood, and a mapping to edit. No picture is opened.
"""

from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path

from swatchbook.errors import FileMissing
from swatchbook.records import BatchMapping, Record
from swatchbook.sources.batch import files_of, read_item, records_of
from swatchbook.sources.batch_fields import NO_COLUMNS
from swatchbook.sources.batch_file import kind_of_file
from swatchbook.sources.batch_mapping import as_yaml, with_settings
from swatchbook.sources.batch_names import FIELDS, NAMES, flat
from swatchbook.sources.batch_record import read_record
from swatchbook.sources.listed import ListedItem, storable
from swatchbook.sources.mapping_fit import JUDGED, AbsentField, MappingFit, is_csv, names_in
from swatchbook.sources.text_file import doubts_of, letters_of
from swatchbook.sources.unread_fields import LOOKED_AT, UnreadFields

SHOWN_ITEMS = 5
_NAMED = 100  # incomplete items
_MOST_FIELDS = 200


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
    format: str | None
    looked_at: int
    judged: int
    more: bool
    failing: int
    lacking: int
    incomplete_items: tuple[IncompleteItem, ...]
    items: tuple[PlannedItem, ...]
    absent: tuple[AbsentField, ...] = ()
    letters: tuple[str, ...] = ()
    fields: dict[str, tuple[str, ...]]
    unknown: tuple[UnknownField, ...]
    choices: tuple[str, ...]
    mapping: str


def plan_batch(
    path: Path,
    given: BatchMapping,
    *,
    max_bytes: int,
    folders: Sequence[Path] = (),
    item_fields: Mapping[str, Sequence[str]] = NO_COLUMNS,
    judge: int = JUDGED,
) -> BatchPlan:
    """Return the plan for a batch file or folder, of which the first `judge` items are judged.

    `item_fields`: those of SWATCHBOOK_ITEM_FIELDS, which a batch need not have. Raises InvalidReference.
    """
    path, mapping, fit = Path(path).resolve(), with_settings(given, item_fields), MappingFit(given)
    root = path if path.is_dir() else path.parent
    places = [folder.resolve() for folder in (*([mapping.root] if mapping.root else []), *folders)]
    files = files_of(path)
    items, ids, judged, failing = list[PlannedItem](), dict[str, int](), 0, 0
    named, lacking = list[IncompleteItem](), 0
    used, choices, unread = dict[str, dict[str, None]](), dict[str, None](), UnreadFields()
    records = records_of(files, root, max_bytes, mapping)
    for file, place, found in islice(records, judge):
        judged, record = judged + 1, found.record
        fit.look(record)
        listed = read_item(root, file, place, record, mapping, ids, places, found.own_names)
        if listed.problem:
            failing += listed.failure is not None
            lacking += listed.failure is None
            named.append(IncompleteItem(item=listed.item, problem=str(listed.problem)))
        if len(items) < SHOWN_ITEMS:
            items.append(_planned(listed))
        if judged > LOOKED_AT or not isinstance(record, dict):
            continue
        choices |= dict.fromkeys(names_in(record))
        read = read_record(record, mapping)
        unread.look(record, read)
        for name, columns in read.columns.items():
            used.setdefault(name, {}).update(dict.fromkeys(columns))
    fields = {
        name: tuple(sorted(used[name], key=lambda column: _rank(name, column))) for name in FIELDS if name in used
    }
    not_read = tuple(UnknownField(name=name, example=example) for name, example in unread.examples.items())
    more = next(records, None) is not None
    return BatchPlan(
        name=path.name,
        format=_format(files[0]) if files else None,
        looked_at=min(judged, LOOKED_AT),
        judged=judged,
        more=more,
        failing=failing,
        lacking=lacking,
        incomplete_items=tuple(named[:_NAMED]),
        items=tuple(items),
        absent=fit.problems(is_whole=not more, is_csv=is_csv(path)),
        letters=tuple(
            told for file in files for told in doubts_of(file, storable(str(file.relative_to(root))), also_guesses=True)
        ),
        fields=fields,
        unknown=not_read[:_MOST_FIELDS],
        choices=tuple(choices)[:_MOST_FIELDS],
        mapping=as_yaml(fields, [field.name for field in not_read[:_MOST_FIELDS]]),
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


def _format(file: Path) -> str | None:
    """Return the format, with an encoding that was guessed."""
    if (kind := kind_of_file(file)) is None:
        return None
    letters = letters_of(file)
    return f"{kind.format} in {letters.encoding}" if letters.is_guess else kind.format


def _rank(name: str, column: str) -> int:
    """Return the rank of a column among the known names of a field; columns of pictures keep their order."""
    known = NAMES.get(name, ())
    plain = flat(column.split(".")[-1].removeprefix("g:"))
    return known.index(plain) if plain in known else len(known)
