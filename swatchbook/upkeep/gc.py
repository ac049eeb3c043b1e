"""Collect garbage (`gc`): temporary files, unusable cached results, stored files that no row names, and previews.

Also deletes what `store/ledger/retention.py` keeps no longer. What a live run or a process that holds files back may
need stays (`store/ledger/runs.py`), and so does a temporary file that a process has locked. Safe to kill and
repeat.
"""

import math
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path

from swatchbook.buckets import find_buckets, has_buckets
from swatchbook.domain.records import Record
from swatchbook.domain.settings import Settings
from swatchbook.index.contract import MovableIndex
from swatchbook.ingest.cache_keys import ResultName, read_result_name, recipe
from swatchbook.ingest.delete import end_old, trashed_within
from swatchbook.ingest.sources.dropped import dropped_roots
from swatchbook.ingest.sources.staged import unfinished_staging
from swatchbook.resources import Resources
from swatchbook.store.files.preview_cache import source_of
from swatchbook.store.files.result_files import ResultFile, ResultFiles
from swatchbook.store.files.stored_file import KEY
from swatchbook.store.files.upload_buffer import UPLOAD, is_locked
from swatchbook.store.ledger import dead_runs, retention
from swatchbook.store.ledger.database import portions
from swatchbook.store.ledger.owners import used_owners
from swatchbook.store.ledger.retention import UNUSED_SECONDS, Origin, collect
from swatchbook.store.ledger.runs import held_seconds
from swatchbook.store.ledger.stored_documents import documents_within

DAY = 86_400.0

_EXCEPTION = re.compile(r"^[0-9a-f]{32}$")
"""Names of stored exceptions: UUIDs."""

_PORTION = 5_000  # names looked up at once
_UNLOCKED_SECONDS = 60.0  # after which the file of an upload that no process has locked is left over
_DELETED_TOGETHER = 100  # stored files, in one transaction


class Swept(Record):
    """Counts of what was deleted. `bytes`: of all of it on this disk."""

    temporary: int = 0
    results: int = 0
    previews: int = 0
    orphans: int = 0
    bytes: int = 0
    contents: int = 0
    rows: int = 0
    trashed: int = 0
    flow_runs: int = 0
    artifacts: int = 0


def sweep(resources: Resources, *, older_than: float = UNUSED_SECONDS) -> Swept:
    """Delete what has been unused for `older_than` seconds.

    With 0, the index keeps no earlier versions of itself either. Raises IndexDown, LedgerDown and FilesDown.
    """
    began = time.time()  # what is written from now on may belong to a process that began to hold files since
    dead_runs.mark_dead(resources.ledger)  # else what they may have needed is kept
    latest = began - retention.min_age_of_files(older_than, held_seconds(resources.ledger))
    trashed = end_old(resources, older_than=retention.TRASH_SECONDS)
    temporary = _remove(_temporary(resources, latest, began))
    uploads = resources.files.end_unfinished(older_than=time.time() - latest)
    results = _remove_results(resources, latest)
    orphans = _remove_orphans(resources, latest)
    rows = retention.drop_old_rows(resources.ledger, keep_seconds=resources.settings.keep_days * DAY)
    collected = collect(resources.ledger, resources.files, older_than=older_than)
    before = _size_of_databases(resources)
    resources.index.compact(at_once=older_than == 0)
    if isinstance(resources.index, MovableIndex):
        resources.index.drop_unused_tenants(lambda: used_owners(resources.ledger))
    retention.compact(resources.ledger, at_once=older_than == 0)
    shrunk = max(0, before - _size_of_databases(resources))
    # last: also those of contents that have just been deleted
    previews = _remove(chain(_previews(resources), _copies(resources, latest)))
    copies = _remove_copies_of_buckets(resources)
    return Swept(
        temporary=temporary[0] + uploads,
        results=results[0],
        previews=previews[0] + copies[0],
        orphans=orphans[0],
        bytes=temporary[1] + results[1] + previews[1] + copies[1] + orphans[1] + collected.bytes + shrunk,
        contents=collected.contents,
        rows=rows,
        trashed=trashed,
    )


def _temporary(resources: Resources, before: float, now: float) -> Iterator[Path]:
    """Yield temporary files that were written `before` (Unix seconds), without those that a process has locked.

    An upload that was broken off with its process goes at once, however long other runs last: its lock is gone.
    Also yields files that a browser sent, and that became no document within a day.
    """
    settings = resources.settings
    folder = settings.temporary_folder
    buffers = (path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else ()
    paths = chain(buffers, resources.files.unfinished(), unfinished_staging(settings.home))
    of_uploads = max(before, now - _UNLOCKED_SECONDS)
    for path in paths:
        if _written(path) <= (of_uploads if path.name.startswith(UPLOAD) else before) and not is_locked(path):
            yield path
    for root in dropped_roots(settings.home):  # a browser may still be sending its files
        if not documents_within(resources.ledger, None, root) and not trashed_within(resources.ledger, root):
            yield from (path for path in root.rglob("*") if path.is_file() and _written(path) <= min(before, now - DAY))


def _remove_results(resources: Resources, before: float) -> tuple[int, int]:
    """Delete cached results that nothing uses any more, and return their number and bytes."""
    store, count, size = ResultFiles(resources.settings), 0, 0
    for each in list(_unused_results(resources, store, before)):
        try:
            store.delete(each.name)
        except OSError:  # it belongs to another user
            continue
        count, size = count + 1, size + each.size
    return count, size


def _unused_results(resources: Resources, store: ResultFiles, before: float) -> Iterator[ResultFile]:
    """Yield cached results of `before` that no document can use: it was deleted, its options or the stage have changed.

    Also yields errors of failed flow runs and tasks, which Prefect stores under random names and nothing reads.
    """
    old = [each for each in store.listed() if each.written <= before]
    yield from (each for each in old if _EXCEPTION.match(each.name))
    named = ((each, name) for each in old if (name := read_result_name(each.name)))
    for portion in portions(named, _PORTION):
        origins = retention.origins(resources.ledger, sorted({name.content for _, name in portion}))
        for each, name in portion:
            if not any(_is_for(name, origin, resources.settings) for origin in origins.get(name.content, ())):
                yield each


def _previews(resources: Resources) -> Iterator[Path]:
    """Yield previews whose document or picture is gone, and those not used for `retention.PREVIEW_SECONDS`."""
    for portion in portions(resources.previews.paths(), _PORTION):
        gone = retention.unreferenced_files(resources.ledger, sorted({source_of(path) for path in portion}))
        yield from (path for path in portion if source_of(path) in gone or _age(path) > retention.PREVIEW_SECONDS)


def _copies(resources: Resources, before: float) -> Iterator[Path]:
    """Yield copies of stored files that no row names, or not used for `retention.PREVIEW_SECONDS`.

    Also yields what killed processes left there.
    """
    for portion in portions(resources.files.copies(), _PORTION):
        keys = sorted({path.name for path in portion if KEY.match(path.name)})
        gone = retention.unreferenced_files(resources.ledger, keys)
        for path in portion:
            is_named = path.name in keys and path.name not in gone
            if _age(path) > retention.PREVIEW_SECONDS if is_named else _written(path) <= before:
                yield path


def _remove_copies_of_buckets(resources: Resources) -> tuple[int, int]:
    """Delete copies of buckets that no folder or batch is made of, and not used for `retention.PREVIEW_SECONDS`.

    A PDF is in the file store, too. Return number and bytes of files.
    """
    count = size = 0
    if not has_buckets():
        return count, size
    buckets = find_buckets("A copy of a bucket")
    for folder in buckets.copied_folders(resources.settings.home.resolve()):
        if documents_within(resources.ledger, None, folder) or trashed_within(resources.ledger, folder):
            continue
        with suppress(OSError):  # another process has deleted it, or it belongs to another user
            removed = buckets.remove_unused(folder, before=time.time() - retention.PREVIEW_SECONDS)
            count, size = count + removed[0], size + removed[1]
    return count, size


def _is_for(name: ResultName, origin: Origin, settings: Settings) -> bool:
    """Return whether a document's next run would use the result. A result with ids has the document in its name."""
    current = recipe(name.stage, settings, origin.options, force=origin.force)
    foreign = len(name.part) >= len(origin.id) and not name.part.startswith(origin.id)
    return name.recipe == current and not foreign


def _remove(paths: Iterable[Path]) -> tuple[int, int]:
    """Delete files, and return their number and bytes."""
    count = size = 0
    for path in list(paths):
        try:
            found = path.stat().st_size
            path.unlink()
        except OSError:  # another process has deleted it, or it belongs to another user
            continue
        count, size = count + 1, size + found
    return count, size


def _remove_orphans(resources: Resources, before: float) -> tuple[int, int]:
    """Delete stored files of `before` that no row names: those of a crash, for one. Return their number and bytes."""
    ledger, files = resources.ledger, resources.files
    count = size = 0
    for portion in portions(files.keys(), _PORTION):
        gone = ((key, files.find(key)) for key in sorted(retention.unreferenced_files(ledger, portion)))
        old = (key for key, stored in gone if stored and stored.modified <= before)
        for some in portions(old, _DELETED_TOGETHER):
            deleted = retention.delete_unreferenced(ledger, files, some, before=before)
            count, size = count + deleted[0], size + deleted[1]
    return count, size


def _size_of_databases(resources: Resources) -> int:
    """Return the bytes of ledger and index on this disk."""
    folder = resources.settings.index_folder
    files = [path for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []
    if resources.ledger.url.get_backend_name() == "sqlite":
        files.append(Path(str(resources.ledger.url.database)))
    return sum(map(_size, files))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _age(path: Path) -> float:
    """Return the seconds since a file was written; less than any if it is gone."""
    return time.time() - _written(path)


def _written(path: Path) -> float:
    """Return when a file was written, in Unix seconds; infinity if it is gone."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return math.inf
