"""Show how a batch would be read, before it is read.

The plan has the first items, those that would fail, the fields from which each of ours is read, fields that were not
understood, and a mapping to edit. No picture is opened.
"""

from collections.abc import Sequence
from pathlib import Path

from swatchbook.domain.records import BatchMapping, BatchPlan, UnknownField
from swatchbook.ingest.sources.batch import files_of, name_in
from swatchbook.ingest.sources.batch_plan import JUDGED, judge_items
from swatchbook.ingest.sources.field_words import flat
from swatchbook.ingest.sources.item_files import FileRecord
from swatchbook_shops.items.batch_file import kind_of_file
from swatchbook_shops.items.batch_mapping import as_yaml
from swatchbook_shops.items.batch_names import FIELDS, NAMES
from swatchbook_shops.items.batch_record import read_record
from swatchbook_shops.items.mapping_fit import MappingFit, is_csv, names_in
from swatchbook_shops.items.text_file import doubts_of, letters_of
from swatchbook_shops.items.unread_fields import LOOKED_AT, UnreadFields

_MOST_FIELDS = 200


def plan_batch(
    path: Path,
    given: BatchMapping,
    *,
    max_bytes: int,
    folders: Sequence[Path] = (),
    judge: int = JUDGED,
) -> BatchPlan:
    """Plan a batch file or folder, of which the first `judge` items are judged. Raises InvalidReference."""
    path, fit = Path(path).resolve(), MappingFit(given)
    used, choices, unread = dict[str, dict[str, None]](), dict[str, None](), UnreadFields()

    def look(number: int, found: FileRecord) -> None:
        record = found.record
        fit.look(record)
        if number > LOOKED_AT or not isinstance(record, dict):
            return
        choices.update(dict.fromkeys(names_in(record)))
        read = read_record(record, given)
        unread.look(record, read)
        for name, columns in read.columns.items():
            used.setdefault(name, {}).update(dict.fromkeys(columns))

    plan = judge_items(path, given, max_bytes=max_bytes, folders=folders, judge=judge, look=look)
    files, root = files_of(path), path if path.is_dir() else path.parent
    fields = {
        name: tuple(sorted(used[name], key=lambda column: _rank(name, column))) for name in FIELDS if name in used
    }
    unknown = [UnknownField(name=name, example=example) for name, example in unread.examples.items()][:_MOST_FIELDS]
    letters = [doubt for file in files for doubt in doubts_of(file, name_in(root, file), also_guesses=True)]
    return plan.model_copy(
        update={
            "format": _format(files[0]) if files else None,
            "looked_at": min(plan.judged, LOOKED_AT),
            "absent": fit.problems(is_whole=not plan.more, is_csv=is_csv(path)),
            "letters": tuple(letters),
            "fields": fields,
            "unknown": tuple(unknown),
            "choices": tuple(choices)[:_MOST_FIELDS],
            "mapping": as_yaml(fields, [field.name for field in unknown]),
        }
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
