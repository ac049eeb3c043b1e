"""The index by LanceDB, in a folder or an object store: a table for each space, one writer at a time, many readers.

Other writers wait up to 40 seconds. Up to 20,000 vectors are compared exactly, more through a vector index, which is
built while others write and search, never by them. Rows that are newer than it are compared exactly. Errors of LanceDB,
such as a full disk, become failures here. A table stays open until its next version; a small one is searched in memory
(`snapshot.py`). Where tables are, and the lock of their writer, is in `lance_folder.py` and `lance_bucket.py`.

LanceDB starts threads: use it in spawned processes, never in forked ones.
"""

import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from swatchbook.domain.errors import (
    Authentication,
    Configuration,
    DiskFull,
    Failure,
    IndexDamaged,
    IndexDown,
    Unexpected,
    reason_of,
)
from swatchbook.domain.runtime.heap import keep_buffers
from swatchbook.domain.settings import Settings
from swatchbook.index.contract import WRITE_SECONDS, IndexObject, Match, Space, Vector, Where
from swatchbook.index.lance_filter import among, sql_of
from swatchbook.index.lance_folder import LanceFolder
from swatchbook.index.lance_table import as_object, as_table, check_schema, is_complete, table_schema
from swatchbook.index.rules import KEYWORDS, admit, check_query, missing_space
from swatchbook.index.slim_lancedb import FTS, IvfSq, MatchQuery, lancedb
from swatchbook.index.snapshot import FEW_ROWS, MANY_SEARCHES, MOST_ROWS, Rows, Snapshot
from swatchbook.index.terms import question_terms
from swatchbook.store.files.upload_buffer import is_remote

if TYPE_CHECKING:
    from swatchbook.index.lance_bucket import LanceBucket

FLAT_ROWS = 20_000
"""The most rows whose vectors are all compared exactly (25 ms at 384 dimensions); for more, an index narrows the
candidates. IVF_SQ: of the four that LanceDB has it finds most and takes no longer (docs/scale.md)."""

RERANK = 4
"""The candidates per result that are compared exactly: the 8-bit codes alone lose 2 % of the ten nearest."""

MOST_PARTITIONS = 1_000
"""The most partitions that are searched, so that a narrow filter still finds k results; without a filter 20 suffice."""

COMPACT_EVERY = 64
"""The versions after which a writer looks whether to compact: each write adds a version and a fragment."""

ROWS_A_FRAGMENT, MOST_FRAGMENTS = 2_000, 512
"""A table may have one fragment for so many rows, and so many in all. A compaction writes all rows of fragments below a
million rows again: after every 64 writes, it would write a table that grows to a million 30 times."""

KEEP_VERSIONS = timedelta(minutes=3)
"""The time for which a reader may use the version that it opened: the disk holds it that long next to newer ones."""

INDEX_CACHE, METADATA_CACHE = 256 << 20, 32 << 20
"""The bytes of LanceDB's caches; its defaults are 6 GB and 1 GB."""

_LANCE = {"LANCE_CPU_THREADS": str(os.cpu_count()), "LANCE_DEFAULT_IO_BUFFER_SIZE": str(64 << 20)}
"""LanceDB's own settings. By default it leaves two processors to the disk, so that it computes on one of two, and reads
up to 2 GB ahead into memory that is new each time."""

IDS_AT_ONCE = 500
"""The most ids in one SQL list."""

_READ_SHARE = 10
"""The time between readings of a table's rows if the index has a lag, in multiples of the time that one takes: reading
takes at most a tenth of one processor."""

_EARLY = 0.8
"""The share of the time until a version is due after which a thread renews it, so that no search has to."""

_AS_WRITTEN = FTS(
    base_tokenizer="whitespace", lower_case=False, stem=False, remove_stop_words=False, ascii_folding=False
)
"""The keyword index splits only at blanks, because terms.py makes the terms for both indexes."""

REFUSED = (
    "status: 401",
    "status: 403",
    "AccessDenied",
    "SignatureDoesNotMatch",
    "InvalidAccessKeyId",
    "CredentialsNot",
)
NO_BUCKET = ("NoSuchBucket", "ContainerNotFound", "The specified bucket does not exist")
DAMAGED = (
    "Not found: ",
    "corrupt file",
    "invalid magic",
    "failed to decode Protobuf",
    "file size is too small",
    "failed to fill whole buffer",
    "Requested range was invalid",
    "Generic memory error: Invalid range",
    "correct footer",
    "invalid seek",
    " at line 1 column ",  # of JSON
    "missing implementation field",
    "unsupported index version",
)
ANSWERS_NOT = ("LanceError(IO)", "error sending request", "retry_timeout", "Generic ")
"""What the messages of LanceDB's object stores say, which have no classes."""

NO_ROOM = ("os error 28", "os error 30", "os error 122")  # ENOSPC, EROFS, EDQUOT as Rust prints them


def open_index(settings: Settings, *, lag: float = 0.0, seed_of: object = None) -> "LanceIndex":
    """Return the index in the folder, or at the URL, of the settings. Owners have no tenants there."""
    if settings.index_url is None or not is_remote(settings.index_url):
        return LanceIndex(settings.index_folder, lag=lag)
    from swatchbook.index.lance_bucket import LanceBucket, lock_of_ledger

    lock = lock_of_ledger(settings.ledger, settings.home, WRITE_SECONDS)
    return LanceIndex(LanceBucket(settings.index_url, lock), lag=lag)


class LanceIndex:
    """The index contract (contract.py) on a folder or another place. Nothing is opened before the first call.

    A writer waits `lock_seconds` for another one before it raises IndexDown. Searches may miss what other processes
    wrote in the last `lag` seconds, or in ten times as long as reading the rows takes. They never miss what this object
    has written.
    """

    def __init__(
        self, place: "Path | LanceFolder | LanceBucket", *, lock_seconds: float = WRITE_SECONDS, lag: float = 0.0
    ) -> None:
        self._place = LanceFolder(place, lock_seconds=lock_seconds) if isinstance(place, Path) else place
        self._lag = lag
        self._read = dict[Space, _Version]()
        self._written = dict[Space, tuple[Any, object]]()  # table, and its stamp after the last write
        self._renewing = threading.Lock()

    @cached_property
    def _database(self) -> Any:
        for name, value in _LANCE.items():
            os.environ.setdefault(name, value)
        keep_buffers()
        pa.set_memory_pool(pa.system_memory_pool())  # Arrow's own keeps what LanceDB's threads free
        caches = lancedb.Session(index_cache_size_bytes=INDEX_CACHE, metadata_cache_size_bytes=METADATA_CACHE)
        return self._place.connect(caches)

    def probe(self) -> None:
        """List the tables and write a block. Raises DiskFull, Configuration, or IndexDown for other errors."""
        with self._answering():
            self._names()
            self._place.probe()

    def ensure(self, space: Space) -> None:
        with self._answering():
            if space.name in self._names() and is_complete(space, self._table(space)):
                return
            with self._place.lock(space.name):
                if space.name not in self._names():
                    self._place.create(self._database, space.name, partial(self._make, space))
                if not is_complete(space, table := self._table(space)):  # its maker was killed
                    table.create_index(KEYWORDS, config=_AS_WRITTEN)

    def _make(self, space: Space, name: str) -> None:
        table = self._database.create_table(name, schema=table_schema(space.dimension))
        table.create_index(KEYWORDS, config=_AS_WRITTEN)

    def upsert(self, space: Space, objects: Sequence[IndexObject]) -> Mapping[str, Failure]:
        admitted, failures = admit(space, objects)
        if admitted:
            rows = as_table(space, admitted)
            with self._writing(space) as table:
                merge = table.merge_insert("id").when_matched_update_all().when_not_matched_insert_all()
                merge.use_index(False).execute(rows)  # ids have none, and looking for it takes time
        return failures

    def fetch(self, space: Space, ids: Sequence[str]) -> Mapping[str, IndexObject]:
        with self._reading(space) as version:
            found = [
                as_object(row)
                for some in _slices(ids)
                for row in version.table.search().where(among("id", some)).to_arrow().to_pylist()
            ]
        return {each.id: each for each in found}

    def delete(self, space: Space, ids: Sequence[str]) -> None:
        if not ids or space.name not in self.spaces():
            return
        with self._writing(space) as table:
            for some in _slices(ids):
                table.delete(among("id", some))

    def ids(self, space: Space) -> Iterator[str]:
        with self._reading(space) as version:
            for batch in version.table.search().select(["id"]).to_batches(batch_size=10_000):
                yield from batch["id"].to_pylist()

    def search(
        self, space: Space, vector: Vector, k: int, where: Where | None = None, *, exact: bool = False
    ) -> list[Match]:
        """Return the k nearest objects; with `exact` every vector is compared, even if there is a vector index."""
        check_query(space, vector)
        with self._searching(space) as version:
            if snapshot := version.snapshot():
                return snapshot.nearest(vector, k, version.rows_of(snapshot, where))
            near = version.table.search(vector, vector_column_name="vector").distance_type("cosine")
            near = near.maximum_nprobes(MOST_PARTITIONS).refine_factor(RERANK)
            if exact:
                near = near.bypass_vector_index()
            rows = _best(near, "_distance", k, where)
        return [Match(id=row["id"], distance=max(0.0, row["_distance"])) for row in rows]

    def keyword(self, space: Space, text: str, k: int, where: Where | None = None) -> list[Match]:
        terms = question_terms(text)
        with self._searching(space) as version:
            if snapshot := version.snapshot():
                return snapshot.keyword(terms.split(), k, version.rows_of(snapshot, where))
            rows = _best(version.table.search(MatchQuery(terms, KEYWORDS), query_type="fts"), "_score", k, where)
        return [Match(id=row["id"], score=row["_score"]) for row in rows]

    def is_in_memory(self) -> bool:
        return all(version.is_in_memory or not version.searches for version in list(self._read.values()))

    def count(self, space: Space, where: Where | None = None) -> int:
        with self._reading(space) as version:
            return int(version.table.count_rows(sql_of(where)))

    def spaces(self) -> Sequence[str]:
        with self._answering():
            return self._names()

    def drop(self, space: Space) -> None:
        with self._answering(), self._place.lock(space.name):
            self._place.drop(self._database, space.name)

    def compact(self, *, at_once: bool = False) -> None:
        keep = timedelta(milliseconds=1) if at_once else KEEP_VERSIONS  # LanceDB warns of 0 on stderr
        with self._answering():
            for name in self._names():
                with self._place.lock(name):
                    if table := self._place.tables(self._database).get(name):  # it may have been dropped meanwhile
                        _optimize(self._database.open_table(table), keep)
            self._place.collect(self._database)
        self.build_due()

    def build_due(self) -> int:
        """Build the vector index of each table with more than FLAT_ROWS rows that has none; return their number.

        Others search and write meanwhile. It is one commit at the end: if this process is killed, the
        table is as before, and the next call builds it. If the table was compacted or dropped meanwhile, or another
        process was quicker, that commit is refused, and it is left to the next call.
        """
        with self._answering():
            return sum(self._build(name, table) for name, table in self._place.tables(self._database).items())

    def _build(self, name: str, table_name: str) -> bool:
        try:
            table = self._database.open_table(table_name)
            if not _needs_index(table):
                return False
            table.create_index("vector", config=IvfSq(distance_type="cosine"))
        except (OSError, RuntimeError, ValueError) as error:
            if _is_conflict(error) or self._place.tables(self._database).get(name) != table_name:  # just dropped
                return False
            raise
        return True

    def check(self, space: Space) -> None:
        """Read the versions, ids and indexes of a table. Raises IndexDamaged."""
        try:
            self._read_whole(space)
        except IndexDamaged:  # or another process has just deleted this version
            self._read_whole(space)

    def _read_whole(self, space: Space) -> None:
        with self._reading(space) as version:
            version.table.list_versions()
            for index in version.table.list_indices():
                version.table.prewarm_index(index.name)
        for _ in self.ids(space):
            pass

    def close(self) -> None:
        self.__dict__.pop("_database", None)
        self._read.clear()
        self._written.clear()

    def _names(self) -> list[str]:
        return list(self._place.tables(self._database))

    def _table(self, space: Space) -> Any:
        if (table := self._place.tables(self._database).get(space.name)) is None:  # it has just been dropped
            raise missing_space(space)
        try:
            return self._database.open_table(table)
        except ValueError as error:  # LanceDB's answer for a table that it does not find
            if self._place.tables(self._database).get(space.name) == table:
                raise
            raise missing_space(space) from error

    @contextmanager
    def _reading(self, space: Space) -> Iterator["_Version"]:
        """Yield the table's newest version."""
        with self._answering():
            yield self._newest(space)

    def _newest(self, space: Space, *, warm: bool = False) -> "_Version":
        """Return the table's newest version, which stays open until there is a newer one.

        With `warm` the same parts of it are read that were read of the one before.
        """
        before, stamp = self._read.get(space), self._stamp(space)
        if stamp is None:
            self._read.pop(space, None)
            raise missing_space(space)
        if before is not None and before.stamp == stamp:
            before.checked = time.monotonic()
            return before
        newer = _Version(self._open(space), stamp)
        if warm and before is not None:
            newer.read_as(before)
        self._read[space] = newer
        return newer

    @contextmanager
    def _searching(self, space: Space) -> Iterator["_Version"]:
        """Yield a version that may be older than the newest by the lag.

        While there are searches, a thread renews it in time. After a pause the first search renews it; others do not
        wait.
        """
        version = self._read.get(space)
        if not self._lag or version is None:
            with self._reading(space) as version:
                yield version
            return
        if version.is_due(self._lag) and self._renewing.acquire(blocking=False):
            try:
                with self._answering():
                    version = self._newest(space, warm=True)
            finally:
                self._renewing.release()
        elif version.is_due(self._lag, share=_EARLY) and self._renewing.acquire(blocking=False):
            threading.Thread(target=self._renew_early, args=[space], name="read index", daemon=True).start()
        with self._answering():
            try:
                yield version
            except Exception:  # its files may be gone
                self._read.pop(space, None)
                raise

    def _renew_early(self, space: Space) -> None:
        """Renew a version, and release the lock that the calling search has acquired."""
        try:
            with suppress(Failure), self._answering():  # the next search raises it, too
                self._newest(space, warm=True)
        finally:
            self._renewing.release()

    def _stamp(self, space: Space) -> object | None:
        """Return a value that changes with each write to a table; None if the table is missing."""
        return self._place.stamp(self._database, space.name)

    def _open(self, space: Space) -> Any:
        table = self._table(space)
        check_schema(space, table)
        return table

    @contextmanager
    def _writing(self, space: Space) -> Iterator[Any]:
        """Yield the table to its only writer, and compact it afterwards if due. It stays open for the next write."""
        with self._answering(), self._place.lock(space.name):
            if (stamp := self._stamp(space)) is None:
                raise missing_space(space)
            table, written = self._written.pop(space, (None, None))
            if written != stamp:  # the first write, or another process has written since
                table = self._open(space)
                table.checkout_latest()  # under the lock: two writers on one version would duplicate rows silently
            before = table.version
            try:
                yield table
                if table.version // COMPACT_EVERY != before // COMPACT_EVERY and _has_many_fragments(table):
                    _optimize(table, KEEP_VERSIONS)
                self._written[space] = table, self._stamp(space)
            finally:
                self._read.pop(space, None)  # searches see at once what this object has written

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """Raise errors of LanceDB and the disk as Failures."""
        try:
            yield
        except (OSError, RuntimeError, ValueError) as error:
            raise _failure(error, str(self._place)) from error


class _Version:
    """A handle of one version of a table, which does not see later writes."""

    def __init__(self, table: Any, stamp: object) -> None:
        self.table, self.stamp = table, stamp
        self.checked = time.monotonic()  # when it was known to be the newest
        self._read_seconds = 0.0
        self.searches = 0
        self._lock = threading.Lock()  # held while the rows are read

    def is_due(self, lag: float, *, share: float = 1.0) -> bool:
        """Return whether the time until the next look for a newer version, or a share of it, has passed."""
        return time.monotonic() >= self.checked + share * max(lag, _READ_SHARE * self._read_seconds)

    @property
    def is_in_memory(self) -> bool:
        return "_snapshot" in vars(self)

    def read_as(self, before: "_Version") -> None:
        """Read the rows if those of the version before were read, and their keywords if those were."""
        if before.is_in_memory:
            started = time.perf_counter()
            self.searches = before.searches
            if snapshot := self.snapshot():
                snapshot.read_as(before._snapshot)
            self._read_seconds = time.perf_counter() - started

    def snapshot(self) -> Snapshot | None:
        """Return the version's rows in memory for a search; None if they are too many for the number of searches."""
        with self._lock:
            self.searches += 1
            enough = MOST_ROWS if self.searches > MANY_SEARCHES else FEW_ROWS
            return self._snapshot if self._size <= enough else None

    @cached_property
    def _size(self) -> int:
        return int(self.table.count_rows())

    @cached_property
    def _snapshot(self) -> Snapshot:
        started = time.perf_counter()
        rows = self.table.search().select(["id", "vector", KEYWORDS]).to_arrow().combine_chunks()
        ids = rows["id"].to_pylist()
        dimension = rows["vector"].type.list_size
        vectors = rows["vector"].combine_chunks().flatten().to_numpy().reshape(len(ids), dimension)
        snapshot = Snapshot(ids, vectors, rows[KEYWORDS].combine_chunks())
        self._read_seconds = time.perf_counter() - started
        return snapshot

    def rows_of(self, snapshot: Snapshot, where: Where | None) -> Rows | None:
        """Return the rows of the snapshot that satisfy the filters; None for all."""
        if (condition := sql_of(where)) is None:
            return None

        def find() -> list[str]:
            ids: list[str] = self.table.search().where(condition).select(["id"]).to_arrow()["id"].to_pylist()
            return ids

        return snapshot.rows_of(condition, find)


def _failure(error: Exception, folder: str) -> Failure:
    number = error.errno if isinstance(error, OSError) else None
    message = f"{error} (os error {number})"
    if any(sign in message for sign in NO_ROOM):
        return DiskFull(
            f"The disk of the index in {folder} is full.",
            advice="Free some space; the document then continues by itself.",
        )
    if "os error 13)" in message:
        return Configuration(
            f"The index in {folder} cannot be opened: permission denied.",
            advice="Check SWATCHBOOK_HOME and the folder's permissions.",
        )
    if any(sign in message for sign in REFUSED):
        return Authentication(
            f"The object store refuses the credentials of this process for the index at {folder}.",
            advice="Check the credentials in the environment, and what they allow for the bucket.",
        )
    if any(sign in message for sign in NO_BUCKET):
        return Configuration(
            f"The bucket of the index at {folder} does not exist.",
            advice="Create it, or correct SWATCHBOOK_INDEX_URL.",
        )
    if any(sign in message for sign in DAMAGED):
        return IndexDamaged(
            f"The index in {folder} is damaged.",
            advice="Rebuild it from the ledger: `swatchbook upkeep rebuild-index`.",
        )
    if isinstance(error, OSError) or any(sign in message for sign in ANSWERS_NOT):
        return IndexDown(f"The index in {folder} does not answer: {reason_of(error)}.")
    return Unexpected(f"The index in {folder} failed in an unexpected way (see the log).")


def _best(query: Any, measure: str, k: int, where: Where | None) -> list[dict[str, Any]]:
    """Return the first k rows of a search. Filters apply before the search; afterwards, fewer than k might be left."""
    if condition := sql_of(where):
        query = query.where(condition, prefilter=True)
    rows: list[dict[str, Any]] = query.select(["id", measure]).limit(k).to_arrow().to_pylist()
    return rows


def _slices(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + IDS_AT_ONCE] for start in range(0, len(ids), IDS_AT_ONCE))


def _needs_index(table: Any) -> bool:
    """Return whether a table has too many rows to compare all vectors, and no vector index."""
    return bool(table.count_rows() > FLAT_ROWS) and not any("vector" in each.columns for each in table.list_indices())


def _has_many_fragments(table: Any) -> bool:
    fragments = table.stats()["fragment_stats"]["num_fragments"]
    return bool(fragments > min(MOST_FRAGMENTS, table.count_rows() // ROWS_A_FRAGMENT))


def _optimize(table: Any, keep: timedelta) -> None:
    """Compact a table, and take new rows into its indexes. Needs its lock.

    If a vector index was built meanwhile, it is left to the next time.
    """
    try:
        table.optimize(cleanup_older_than=keep)
    except RuntimeError as error:
        if not _is_conflict(error):
            raise


def _is_conflict(error: Exception) -> bool:
    """Return whether another commit to the table has made this one void; nothing was changed then."""
    return "commit conflict" in str(error)
