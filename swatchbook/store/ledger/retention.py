"""Delete what is no longer used or too old, in `gc`, after a delete, and in `fill failed` without a document.

What a run, or a process that holds files back (`runs.py`), may need is kept until it ends. Else things are kept
for:

- one hour: files, vectors and answers that nothing uses
- SWATCHBOOK_KEEP_DAYS: ended runs and rounds of the loop
- three times as long: figures of runs
- a day: documents in the trash
- seven days: webhook deliveries and notices
- 30 days: unused previews and copies of buckets, and events of object stores that are done, ignored or dead
"""

import sqlite3
import time
from collections.abc import Iterable, Sequence
from contextlib import closing

from sqlalchemy import ColumnElement, Table, delete, exists, null, select, update

from swatchbook.domain.records import IngestOptions, Record
from swatchbook.store.files.file_store import Files
from swatchbook.store.ledger import webhooks
from swatchbook.store.ledger.database import (
    LOCK_SECONDS,
    Ledger,
    Source,
    db_now,
    execute_in,
    portions,
    reading,
    select_in,
)
from swatchbook.store.ledger.dead_runs import mark_dead
from swatchbook.store.ledger.object_events import KEPT_SECONDS as EVENTS_KEPT_SECONDS
from swatchbook.store.ledger.runs import held_seconds
from swatchbook.store.ledger.stored_documents import read_options
from swatchbook.store.ledger.tables import (
    analyses,
    calls,
    contents,
    documents,
    figures,
    images,
    inbox,
    items,
    notices,
    reviews,
    rounds,
    runs,
    trash,
    trash_keys,
    vectors,
)
from swatchbook.store.ledger.used_contents import is_used, note_unused

UNUSED_SECONDS = 3_600.0
"""How long files, vectors and results are kept that nothing uses: they may be wanted again."""

SLACK_SECONDS = 1_900.0
"""How much older than the oldest hold a file may be and is kept: a file in an object store that is stored again keeps
its time for half an hour, and clocks differ.
"""

TRASH_SECONDS = 86_400.0
"""How long a deleted document can be restored. Nothing of it is found, listed or counted meanwhile."""

PREVIEW_SECONDS = 30 * 86_400.0
"""How long a preview is kept that nobody asks for. It can be made again at any time."""

_FIGURES_TIMES = 3
"""How many times longer figures are kept than runs, because medians need many."""

_ROOM_BYTES = 64 << 20
"""A SQLite file is rewritten without its free pages if these are more than this and half of the file."""

_COLLECTED_TOGETHER = 100


class Collected(Record):
    """Counts of what was deleted because nothing uses it any more."""

    contents: int
    files: int = 0
    bytes: int = 0  # of the files
    vectors: int = 0
    answers: int = 0


def collect(ledger: Ledger, files: Files, *, older_than: float = UNUSED_SECONDS) -> Collected:
    """Delete contents that nothing has used for `older_than` seconds, with their files, items, vectors and analyses.

    What is unused only since the oldest live hold or run began is kept. Answers of calls for deleted documents are
    deleted as well; their costs stay. A crash leaves no orphaned file: files are deleted before the rows that name
    them.
    """
    _drop_reviews(ledger, older_than)
    _note_all_unused(ledger)
    with ledger.write() as connection:
        answers = connection.execute(
            update(calls)
            .where(calls.c.at <= db_now() - older_than, calls.c.document.not_in(select(documents.c.id)))
            .where(calls.c.document.not_in(select(trash.c.document)))
            .where(calls.c.answer.is_not(None))
            .values(answer=null())
        ).rowcount
    return collect_noted(ledger, files, older_than=older_than).model_copy(update={"answers": answers})


def collect_noted(ledger: Ledger, files: Files, *, older_than: float = UNUSED_SECONDS) -> Collected:
    """Do what `collect` does for contents that are noted as unused, without looking through all others."""
    mark_dead(ledger)
    dropped = Collected(contents=0)
    while some := _collect_some(ledger, files, older_than):
        dropped = Collected(**{name: count + getattr(some, name) for name, count in dropped})
    return dropped


def _drop_reviews(ledger: Ledger, older_than: float) -> None:
    """Delete reviews of images that their owner has no more, not even in the trash.

    Not while a process holds files: a restore writes reviews before their images.
    """
    has = exists().where(images.c.id == reviews.c.image)
    trashed = exists().where(trash_keys.c.key == reviews.c.key)
    mark_dead(ledger)
    holds = select(runs.c.token).where(runs.c.state == "live", runs.c.kind == "hold").limit(1)
    with ledger.write() as connection:
        if connection.execute(holds).first():
            return
        connection.execute(delete(reviews).where(reviews.c.at <= db_now() - older_than, ~has, ~trashed))


def _note_all_unused(ledger: Ledger) -> None:
    """Note since when contents are unused, and of which that is no longer so.

    They are looked for without the write lock, which others wait for: that takes minutes among millions.
    """
    used_again = contents.c.unused_since.is_not(None) & is_used()
    with ledger.read() as connection:
        again = connection.execute(select(contents.c.key).where(used_again)).scalars().all()
        unused = connection.execute(select(contents.c.key).where(contents.c.unused_since.is_(None), ~is_used()))
        keys = unused.scalars().all()
    for some in portions(again):
        with ledger.write() as connection:
            execute_in(connection, update(contents).where(used_again).values(unused_since=null()), contents.c.key, some)
    for some in portions(keys):
        with ledger.write() as connection:
            note_unused(connection, some)


def _collect_some(ledger: Ledger, files: Files, older_than: float) -> Collected | None:
    with ledger.write() as connection:
        held = held_seconds(connection)
        unused = connection.execute(
            select(contents.c.key, contents.c.file)
            .where(contents.c.unused_since <= db_now() - max(older_than, held or 0.0), ~is_used())
            .limit(_COLLECTED_TOGETHER)
            .with_for_update()
        ).all()
        if not unused:
            return None
        stored = {row.key: files.find(row.file) for row in unused if row.file}
        latest = time.time() - min_age_of_files(older_than, held)
        # a run has stored the same file again lately: it names the file when its stage is saved
        again = [key for key, file in stored.items() if file and file.modified > latest]
        connection.execute(update(contents).where(contents.c.key.in_(again)).values(unused_since=db_now()))
        gone = [row for row in unused if row.key not in again]
        keys, deleted = [row.key for row in gone], [row.file for row in gone if row.file]
        size = sum(found.size for key in keys if (found := stored.get(key)))
        for file in deleted:
            files.delete(file)
        dropped = connection.execute(delete(vectors).where(vectors.c.key.in_(keys))).rowcount
        for table in (items, analyses, reviews, contents):
            connection.execute(delete(table).where(table.c.key.in_(keys)))
    return Collected(contents=len(keys), files=len(deleted), bytes=size, vectors=dropped)


def min_age_of_files(older_than: float, held: float | None) -> float:
    """Return from which age on, in seconds, a stored file that no row names is deleted.

    `held`: for how long the oldest live hold or run has lasted.
    """
    return older_than if held is None else max(older_than, held + SLACK_SECONDS)


def delete_unreferenced(ledger: Ledger, files: Files, keys: Sequence[str], *, before: float) -> tuple[int, int]:
    """Delete those of these stored files that no row names, if they were stored `before` (Unix seconds) and before any
    live hold or run began. Return their number and bytes.

    All in one transaction, so that a process that begins to hold files stores them after it.
    """
    count = size = 0
    with ledger.write() as connection:
        held = held_seconds(connection)
        latest = before if held is None else min(before, time.time() - held - SLACK_SECONDS)
        for key in sorted(unreferenced_files(connection, keys)):
            stored = files.find(key)
            if stored is not None and stored.modified <= latest:
                files.delete(key)
                count, size = count + 1, size + stored.size
    return count, size


class Origin(Record):
    """A document for which results of pure stages are cached, and what goes into their keys."""

    id: str
    options: IngestOptions
    force: str | None


def drop_old_rows(ledger: Ledger, *, keep_seconds: float) -> int:
    """Delete runs and rounds older than `keep_seconds`, old figures, deliveries and notices; return how many."""
    old: Sequence[tuple[Table, ColumnElement[bool]]] = (
        (runs, (runs.c.state != "live") & (runs.c.ended_at < db_now() - keep_seconds)),
        (runs, (runs.c.kind == "flow") & (runs.c.heartbeat_at < db_now() - keep_seconds)),
        (figures, figures.c.at < db_now() - keep_seconds * _FIGURES_TIMES),
        (rounds, rounds.c.ended_at < db_now() - keep_seconds),
        (inbox, (inbox.c.state == "delivered") & (inbox.c.at < db_now() - webhooks.DELIVERIES_KEPT_SECONDS)),
        (inbox, inbox.c.state.in_(("done", "ignored", "dead")) & (inbox.c.changed_at < db_now() - EVENTS_KEPT_SECONDS)),
        (notices, notices.c.at < db_now() - webhooks.NOTICES_KEPT_SECONDS),
    )
    with ledger.write() as connection:
        return sum(connection.execute(delete(table).where(where)).rowcount for table, where in old)


def unreferenced_files(source: Source, files: Sequence[str]) -> set[str]:
    """Return those keys of the file store that no row names."""
    left = set(files)
    of_documents = (documents.c.file, documents.c.pages_file, trash.c.file, trash.c.pages_file)
    with reading(source) as connection:
        for column in (contents.c.file, *of_documents):
            left -= {file for (file,) in select_in(connection, select(column), column, files)}
    return left


def origins(ledger: Ledger, contents: Iterable[str]) -> dict[str, list[Origin]]:
    """Return content -> the documents with that content."""
    by_content: dict[str, list[Origin]] = {}
    columns = (documents.c.content, documents.c.id, documents.c.options, documents.c.force)
    for row in select_in(ledger, select(*columns), documents.c.content, contents):
        origin = Origin(id=row.id, options=read_options(row.options), force=row.force)
        by_content.setdefault(row.content, []).append(origin)
    return by_content


def compact(ledger: Ledger, *, at_once: bool = False) -> None:
    """Give the space of a SQLite ledger's deleted rows back to the disk. PostgreSQL does so by itself.

    `at_once`: however little it is; else only where rewriting the file is worth it.
    """
    if ledger.url.get_backend_name() != "sqlite":
        return
    with closing(sqlite3.connect(str(ledger.url.database), timeout=LOCK_SECONDS, isolation_level=None)) as connection:
        free, pages, size = (
            connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("freelist_count", "page_count", "page_size")
        )
        if at_once or (free * size > _ROOM_BYTES and free * 2 > pages):
            connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
