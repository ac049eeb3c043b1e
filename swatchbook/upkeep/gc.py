"""What is left behind and needed by nobody: temporary files, kept results, orphans, old rows. Safe to kill and repeat.

Nothing younger than an hour goes: whoever wrote it may be about to name it.
"""

import os
import time
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import TypeVar

from swatchbook.cache_keys import ResultName, read_result_name, recipe
from swatchbook.errors import FileMissing
from swatchbook.ledger import retention
from swatchbook.ledger.retention import Origin, collect
from swatchbook.records import Record
from swatchbook.resources import Resources
from swatchbook.settings import Settings

HOUR, DAY = 3_600.0, 86_400.0

T = TypeVar("T")

_TOGETHER = 5_000  # names looked up at a time


class Swept(Record):
    """How much went, or would go: files by kind, their bytes, contents with their vectors, and rows of old runs."""

    temporary: int = 0
    results: int = 0
    orphans: int = 0
    bytes: int = 0
    contents: int = 0
    rows: int = 0
    flow_runs: int = 0


def sweep(resources: Resources, *, older_than: float = HOUR, dry_run: bool = False) -> Swept:
    """Remove what nobody needs any more and has not for `older_than` seconds; in a dry run only count it.

    Raises IndexDown, LedgerDown, FilesDown.
    """
    temporary = _remove(_temporary(resources, older_than), dry_run)
    results = _remove(_results(resources, older_than), dry_run)
    unsettled = max(
        older_than, retention.longest_run_seconds(resources.ledger)
    )  # what it has stored it names when it is through
    orphans = _remove_orphans(resources, unsettled, dry_run)
    rows = retention.drop_old_rows(resources.ledger, keep_seconds=resources.settings.keep_days * DAY, dry_run=dry_run)
    if dry_run:
        contents = retention.unused_contents(resources.ledger, older_than=unsettled)
    else:
        contents = collect(resources.ledger, resources.files, older_than=unsettled).contents
        resources.index.compact()
        retention.compact(resources.ledger)
    return Swept(
        temporary=temporary[0],
        results=results[0],
        orphans=orphans[0],
        bytes=temporary[1] + results[1] + orphans[1],
        contents=contents,
        rows=rows,
    )


def results_folder(settings: Settings) -> Path:
    """Where Prefect keeps results on this machine."""
    return Path(os.environ.get("PREFECT_LOCAL_STORAGE_PATH") or settings.prefect_home / "results")


def _temporary(resources: Resources, older_than: float) -> Iterator[Path]:
    """What processes that were killed have left: a living one writes, or is done, within the hour."""
    standing = chain(_within(resources.settings.incoming), resources.files.unfinished())
    yield from (path for path in standing if _age(path) > older_than)


def _results(resources: Resources, older_than: float) -> Iterator[Path]:
    """Kept results of documents that are gone, or made under options or versions that are no longer theirs."""
    named = ((path, read_result_name(path.name)) for path in _within(results_folder(resources.settings)))
    aged = ((path, name) for path, name in named if name and _age(path) > older_than)
    for some in _portions(aged):
        origins = retention.origins(resources.ledger, sorted({name.content for _, name in some}))
        for path, name in some:
            if not any(_is_for(name, origin, resources.settings) for origin in origins.get(name.content, ())):
                yield path


def _is_for(name: ResultName, origin: Origin, settings: Settings) -> bool:
    """Whether a document's next run would look for the result. One that carries a document's ids has it in its name."""
    current = recipe(name.stage, settings, origin.options, force=origin.force)
    foreign = len(name.part) >= len(origin.id) and not name.part.startswith(origin.id)
    return name.recipe == current and not foreign


def _remove(paths: Iterable[Path], dry_run: bool) -> tuple[int, int]:
    """How many, and their bytes."""
    count = size = 0
    for path in list(paths):
        try:
            size += path.stat().st_size
            if not dry_run:
                path.unlink()
        except OSError:  # somebody else has removed it, or it is no file of ours
            continue
        count += 1
    return count, size


def _remove_orphans(resources: Resources, older_than: float, dry_run: bool) -> tuple[int, int]:
    """Files of the store that no row names: a crash came between file and row. How many, and their bytes."""
    count = size = 0
    for some in _portions(resources.files.keys()):
        for key in retention.unreferenced_files(resources.ledger, some):
            try:
                if time.time() - resources.files.modified(key) <= older_than:
                    continue
                size += resources.files.size(key)
                if not dry_run:
                    resources.files.delete(key)
            except FileMissing:
                continue
            count += 1
    return count, size


def _within(folder: Path) -> Iterator[Path]:
    return (path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else iter(())


def _age(path: Path) -> float:
    """Seconds since it was written; none if it is gone."""
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _portions(given: Iterable[T]) -> Iterator[list[T]]:
    given = iter(given)
    while some := list(islice(given, _TOGETHER)):
        yield some
