"""Tell which fields that a person's mapping names are in none of a batch's items, before these are read in another way.

It is refused if every item should have the field: an id, a title, pictures, and any column of a CSV file, whose first
row names them all. Of JSON, XML and Excel an item may leave out what it does not have: that is only reported.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from swatchbook.domain.did_you_mean import did_you_mean
from swatchbook.domain.errors import Failure, InvalidReference
from swatchbook.domain.records import AbsentField, BatchMapping
from swatchbook.ingest.sources.batch import files_of
from swatchbook.ingest.sources.batch_plan import JUDGED
from swatchbook.ingest.sources.item_files import ID, IMAGES, TITLE, is_empty
from swatchbook_base.truncate import truncate
from swatchbook_shops.items.batch_file import kind_of_file, read_records
from swatchbook_shops.items.batch_values import lookup

_SHOWN_FIELDS = 12
_OF_EVERY_ITEM = (ID, TITLE, IMAGES)


class MappingFit:
    """The fields that a mapping names and that no item had yet. `look` is called with each item."""

    def __init__(self, mapping: BatchMapping) -> None:
        named = [("columns", name, names) for name, names in mapping.names.items()]
        named += [("facts", name, names) for name, names in mapping.facts.items()]
        self.absent = [each for each in named if each[2]]
        self._choices = dict[str, None]()

    def look(self, record: Any) -> None:
        """Look at an item: of several fields for one of ours, one must be there."""
        if self.absent and isinstance(record, dict):
            self._choices |= dict.fromkeys(names_in(record))
            self.absent = [each for each in self.absent if not any(_has(record, name) for name in each[2])]

    def problems(self, *, is_whole: bool, is_csv: bool) -> tuple[AbsentField, ...]:
        """Return the fields that are absent; none if nothing was looked at. `is_whole`: all items were."""
        return tuple(
            AbsentField(
                problem=f"{part}.{ours}: no item has the field {' or '.join(names)}.{self._suggest(names)}",
                refused=is_whole and (is_csv or (part == "columns" and ours in _OF_EVERY_ITEM)),
            )
            for part, ours, names in (self.absent if self._choices else ())
        )

    def _suggest(self, names: Sequence[str]) -> str:
        """Return the nearest field that there is, to append to a sentence; without one, what there is."""
        near = filter(None, (did_you_mean(name, self._choices) for name in names))
        return next(near, f" There are {', '.join(truncate([*self._choices], _SHOWN_FIELDS))}.")


def check_mapping_fits(path: Path, mapping: BatchMapping, *, max_bytes: int) -> tuple[str, ...]:
    """Return what to tell of a mapping's fields that no item of a batch has. Raises InvalidReference for refused ones.

    It reads as many items as it takes to find all fields, at most 20,000.
    """
    fit, records = MappingFit(mapping), _records(path, max_bytes)
    for record in islice(records, JUDGED):
        fit.look(record)
        if not fit.absent:
            return ()
    found = fit.problems(is_whole=next(records, None) is None, is_csv=is_csv(path))
    if refused := [each.problem for each in found if each.refused]:
        raise InvalidReference(
            "\n".join(refused),
            advice="Correct the mapping (`swatchbook ingest --plan FILE` names the fields), or leave them out of it.",
        )
    return tuple(f"Mapping: {each.problem}" for each in found)


def is_csv(path: Path) -> bool:
    """Return whether a batch is a CSV file, or has only such files."""
    try:
        kinds = [kind_of_file(file) for file in files_of(path)]
    except OSError:
        return False
    return all(kind is not None and kind.format == "CSV" for kind in kinds)


def _records(path: Path, max_bytes: int) -> Iterator[Any]:
    for file in files_of(path):
        try:
            yield from (found.record for found in read_records(file, max_bytes))
        except Failure:  # the file is an item that fails
            continue


def _has(record: dict[str, Any], name: str) -> bool:
    return name in record or lookup(record, name) is not None


def names_in(record: dict[str, Any]) -> Iterator[str]:
    """Yield the names of a record's fields with a value, and with a dot those of its inner objects."""
    for name, value in record.items():
        if is_empty(value):
            continue
        yield str(name)
        inner = value[0] if isinstance(value, list) else value
        if isinstance(inner, dict):
            yield from (f"{name}.{each}" for each in inner)
