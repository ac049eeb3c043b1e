"""Cut open items into batches, claim them under a lease, and commit results and failures in one transaction.

Items at which a process died are claimed last, in ever smaller groups. Vectors that are NaN, zero or of another length
are refused. Vectors that a source already has are taken over. How a failure counts: `item_tries.py`.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    RowMapping,
    Subquery,
    Table,
    and_,
    bindparam,
    func,
    not_,
    null,
    or_,
    select,
    update,
)
from ulid import ULID

from swatchbook.domain.errors import Failure, InvalidModelOutput, Policy, RateLimited
from swatchbook.domain.records import Analysis, GivenVector, ItemState, Record, Role, RoleTag, text_key
from swatchbook.store.ledger.bulk_rows import insert_new_rows, upsert_rows
from swatchbook.store.ledger.database import Ledger, db_now, is_among, portions, select_in
from swatchbook.store.ledger.dirty import mark_made
from swatchbook.store.ledger.image_text import queue_text_items, set_current_text
from swatchbook.store.ledger.item_tries import (
    LEASE_SECONDS,
    NO_LEASE,
    ItemId,
    failure_outcome,
    failure_record,
    free,
    lease_range,
    record_failures,
)
from swatchbook.store.ledger.requested import is_sourceless, requested_items, requested_of_keys, those
from swatchbook.store.ledger.runs import Run, require_live, writing
from swatchbook.store.ledger.space_registry import active_tags
from swatchbook.store.ledger.tables import (
    analyses,
    chunks,
    contents,
    documents,
    images,
    items,
    key_column,
    requested,
    spaces,
    vectors,
)

ItemKind = Literal["image", "chunk"]
_ITEM_KINDS: tuple[ItemKind, ItemKind] = ("image", "chunk")

_ITEMS = 300
"""Items of one statement by `_is_one_of`."""

_KEYS = 250
"""Keys of one query by `requested_of_keys`, which binds each three times."""


class ClaimedItem(Record):
    """An item that a lease holds. `crashes`: processes that had died at it."""

    key: str
    role: Role
    tag: str
    crashes: int


class Lease(Record):
    """The right of a live run to commit these items. `name` is the run's token, a colon and a ULID."""

    name: str
    run: Run
    items: tuple[ClaimedItem, ...]


class Batch(Record):
    """Keys whose items are made together; fixed when stage 6 starts. Numbers count from 1.

    `first` and `total`: position of the first key among all open keys of its kind, and how many of them there are.
    `alone`: a process died at each of these keys, so nothing else is made together with them.
    """

    number: int
    of: int
    kind: ItemKind
    first: int
    total: int
    members: tuple[str, ...]  # named so because a field `keys` would break dict(batch)
    alone: bool = False


@dataclass(frozen=True)
class ItemResult:
    """The result of one item: a vector (d,) float32, or an analysis and its text (None: it has nothing to say).

    `phash`: the hash of the picture (swatchbook_base/appearance.py), if its pixels were seen and it is not flat.
    """

    key: str
    role: Role
    tag: str
    vector: NDArray[np.float32] | None = None
    analysis: Analysis | None = None
    text: str | None = None
    phash: str | None = None

    @property
    def item(self) -> ItemId:
        return self.key, self.role, self.tag


@dataclass(frozen=True)
class FailedItem:
    """Why one item failed."""

    key: str
    role: Role
    tag: str
    failure: Failure

    @property
    def item(self) -> ItemId:
        return self.key, self.role, self.tag


# --- open items -------------------------------------------------------------------------------------------------------


def cut_batches(
    ledger: Ledger, run: Run, size: int, *, most: int | None = None, only: Collection[str] | None = None
) -> tuple[Batch, ...]:
    """Return the document's keys with items to claim now, in batches of `size`: images in reading order, then chunks.

    Keys at which a process died come last, in separate batches. `most` is the largest number of batches of images, and
    of chunks: if there would be more, a batch has a multiple of `size`. `only`: no other keys than these.
    """
    rows = requested_items(run.document)
    listed = ledger.execute(
        select(rows.c.kind, rows.c.listed, (func.max(rows.c.crashes) > 0).label("alone"))
        .where(_is_claimable(rows, run))
        .group_by(rows.c.kind, rows.c.listed)
        .order_by(rows.c.kind, func.min(rows.c.position))
    ).all()
    if only is not None:
        listed = [row for row in listed if row.listed in only]
    sorts = [(alone, kind) for alone in (False, True) for kind in range(len(_ITEM_KINDS))]
    of_sort = [[row.listed for row in listed if (bool(row.alone), row.kind) == sort] for sort in sorts]
    cut = [
        (sort, n * each, len(listing), keys)
        for sort, listing in zip(sorts, of_sort, strict=True)
        for each in [size if sort[0] or most is None else size * max(1, ceil(len(listing) / size / most))]
        for n, keys in enumerate(portions(listing, each))
    ]
    return tuple(
        Batch(
            number=number,
            of=len(cut),
            kind=_ITEM_KINDS[kind],
            first=before + 1,
            total=total,
            members=tuple(keys),
            alone=alone,
        )
        for number, ((alone, kind), before, total, keys) in enumerate(cut, 1)
    )


def claim_groups(ledger: Ledger, run: Run, keys: Sequence[str], size: int) -> list[tuple[str, ...]]:
    """Return the keys with items to claim now, in groups to be claimed one after the other.

    First keys that never crashed, in groups of `size`. Then those that did, in groups of max(1, size >> crashes) and at
    most half of the group that crashed; the fewest crashes first, so that harmless items are done before the next one.
    """
    largest, rows = dict[str, int](), requested_of_keys()
    query = (
        select(rows.c.listed, func.max(rows.c.crashes), func.max(rows.c.lease_size))
        .where(_is_claimable(rows, run))
        .group_by(rows.c.listed)
    )
    for portion in portions(keys, _KEYS):
        with ledger.read() as connection:
            for key, crashes, crashed_size in connection.execute(query, those(run.document, portion)):
                largest[key] = max(1, min(size >> crashes, (crashed_size or size) // 2)) if crashes else 0
    together = defaultdict[int, list[str]](list)
    for key in keys:
        if key in largest:
            together[largest[key]].append(key)
    ordered = sorted(together, key=lambda limit: -limit if limit else -size - 1)
    return [tuple(group) for limit in ordered for group in portions(together[limit], limit or size)]


def held_by_others(ledger: Ledger, run: Run) -> int:
    """Count the items that the document requests and other runs hold, for which it waits."""
    rows = requested_items(run.document)
    others = and_(rows.c.state == ItemState.LEASED, not_(rows.c.lease.between(*lease_range(run.token))))
    query = select(rows.c.key, rows.c.role, rows.c.tag).where(others).distinct().subquery()
    return ledger.execute(select(func.count()).select_from(query)).scalar_one()


class Postponed(NamedTuple):
    """How many items their providers asked to wait for, and the seconds until the first of them is due."""

    items: int
    seconds: float


def postponed_items(ledger: Ledger, run: Run) -> Postponed | None:
    """Return what the document requests of items that wait as their providers asked; None without any."""
    rows = requested_items(run.document)
    waits = items.c.failure["policy"].as_string() == Policy.WAIT
    same = and_(*(rows.c[name] == items.c[name] for name in ("key", "role", "tag")))
    query = select(func.count(), func.min(rows.c.next_retry_at) - db_now()).select_from(rows.join(items, same))
    found = ledger.execute(query.where(rows.c.state == ItemState.PENDING, waits)).one()
    return Postponed(*found) if found[1] is not None else None


def done_keys(ledger: Ledger, role: Role, tag: str, keys: Sequence[str]) -> set[str]:
    """Return those of the keys whose item of this role and tag is done."""
    done = select(items.c.key).where(items.c.role == role, items.c.tag == tag, items.c.state == ItemState.DONE)
    return {row.key for row in select_in(ledger, done, items.c.key, keys)}


def texts_without_item(ledger: Ledger, run: Run, pair: RoleTag, text_keys: Collection[str]) -> set[str]:
    """Return those of the texts that have no item of this role and tag; none where the run does not make the role."""
    asked = select(requested).where(
        requested.c.document == run.document, requested.c.role == pair.role, requested.c.tag == pair.tag
    )
    known = select(items.c.key).where(items.c.role == pair.role, items.c.tag == pair.tag)
    with ledger.read() as connection:
        if run.pairs or connection.execute(asked).first() is None:
            return set()
        return set(text_keys) - {row.key for row in select_in(connection, known, items.c.key, text_keys)}


def _is_claimable(rows: Subquery, run: Run) -> ColumnElement[bool]:
    due = or_(rows.c.next_retry_at.is_(None), rows.c.next_retry_at <= db_now())
    of_run = (and_(rows.c.role == pair.role, rows.c.tag == pair.tag) for pair in run.pairs)
    is_open = and_(rows.c.state == ItemState.PENDING, due, ~is_sourceless(rows))
    return and_(is_open, *([or_(*of_run)] if run.pairs else []))


# --- claim, commit, release -------------------------------------------------------------------------------------------


def claim(ledger: Ledger, run: Run, keys: Sequence[str], roles: Collection[Role] = frozenset(Role)) -> Lease:
    """Lease every pending item of these keys and roles that the document requests and that is due.

    An image's content key includes the items of its text; a text key only its own. Raises RunRevoked.
    """
    name = f"{run.token}:{ULID()}"
    claimed, rows = list[RowMapping](), requested_of_keys()
    query = select(rows.c.key, rows.c.role, rows.c.tag, rows.c.listed)
    query = query.where(_is_claimable(rows, run), rows.c.role.in_(sorted(roles)))
    with ledger.write(turn=False) as connection:
        require_live(connection, run)
        listed_by = dict[ItemId, str]()
        for portion in portions(keys, _KEYS):
            for key, role, tag, listed in connection.execute(query, those(run.document, portion)):
                listed_by[key, role, tag] = listed
        pending = [i for some in portions(list(listed_by), _ITEMS) for i in _lock_pending(connection, some)]
        together = len({listed_by[item] for item in pending})
        for some in portions(pending, _ITEMS):
            claimed += connection.execute(
                update(items)
                .where(_is_one_of(some))
                .values(
                    state=ItemState.LEASED,
                    attempts=items.c.attempts + 1,
                    lease=name,
                    lease_until=db_now() + LEASE_SECONDS,
                    lease_size=together,
                )
                .returning(items.c.key, items.c.role, items.c.tag, items.c.crashes)
            ).mappings()
    order = {key: number for number, key in enumerate(keys)}
    held = [ClaimedItem.model_validate(dict(row)) for row in claimed]
    held.sort(key=lambda c: (order.get(c.key, order.get(listed_by[c.key, c.role, c.tag], 0)), c.role))
    return Lease(name=name, run=run, items=tuple(held))


def commit(
    ledger: Ledger,
    lease: Lease,
    results: Sequence[ItemResult],
    failed: Sequence[FailedItem],
    *,
    last_try: bool,
    review_below: float = 0.0,
    ahead: Sequence[ItemResult] = (),
) -> list[FailedItem]:
    """Commit the results and failures of a lease in one transaction; items that the lease does not hold are ignored.

    `ahead`: vectors of texts that these results bring; the items of the texts are then done at once.

    Results are stored, their items set done, and every owner's images and chunks with these keys marked for publishing.
    An analysis queues the items of its text, and its images need a review if its score is below `review_below`. By its
    policy a failure is rejected, left open for this run's next try, or on the last try recorded with a pause (`failed`
    after 8 such runs). Invalid vectors count as failures, and are returned. Raises RunRevoked, and then stores nothing.
    """
    with writing(ledger, lease.run) as connection:
        held = select(items.c.key, items.c.role, items.c.tag, items.c.runs).where(items.c.lease == lease.name)
        runs_of = {(row.key, row.role, row.tag): row.runs for row in connection.execute(held)}
        sound, unsound = _check(connection, [r for r in results if r.item in runs_of])
        brought = {_text_key(r) for r in sound}
        made_ahead, _ = _check(connection, [r for r in ahead if r.key in brought])
        _store(connection, sound)
        insert_new_rows(connection, vectors, _vector_rows(made_ahead))  # another batch may have brought the same text
        _set_done(connection, sound, review_below)
        _mark_made(connection, [*sound, *made_ahead], beside=bool(lease.run.pairs))
        record_failures(
            connection,
            [
                failure_outcome(
                    f.item,
                    failure_record(f.failure),
                    runs=runs_of[f.item],
                    last_try=last_try,
                    pause=f.failure.retry_after if isinstance(f.failure, RateLimited) else None,
                )
                for f in [*failed, *unsound]
                if f.item in runs_of
            ],
            document=lease.run.document,
            run=lease.run.token,
        )
        if sound:
            had_crashes = and_(documents.c.id == lease.run.document, documents.c.deaths > 0)
            connection.execute(update(documents).where(had_crashes).values(deaths=0))
        return unsound


def adopt_done(connection: Connection, done: Collection[ItemId], *, review_below: float) -> None:
    """Set items done whose vectors or analyses another ledger has made, and which are stored already.

    All images and chunks with these keys are marked for publishing; an analysis gives them its text, and queues the
    items of it. A run that holds one of the items loses it.
    """
    results = [ItemResult(key=key, role=Role(role), tag=tag) for key, role, tag in done]
    _set_done(connection, results, review_below)
    _mark_made(connection, results, beside=False)


def take_over(connection: Connection, given: Mapping[str, GivenVector]) -> None:
    """Store vectors that a source already has, by content key, for items that are pending and that no run is making.

    A vector that `commit` would refuse is not taken over, so it is computed.
    """
    results = {
        (key, vector.role, vector.tag): ItemResult(
            key=key, role=vector.role, tag=vector.tag, vector=np.frombuffer(vector.data, "<f4")
        )
        for key, vector in given.items()
    }
    pending = [item for some in portions(list(results), _ITEMS) for item in _lock_pending(connection, some)]
    sound, _ = _check(connection, [results[key, Role(role), tag] for key, role, tag in pending])
    _store(connection, sound)
    _set_done(connection, sound)
    _mark_made(connection, sound, beside=False)


def release(ledger: Ledger, lease: Lease) -> None:
    """Set the items that the lease still holds pending again; their attempts stay counted."""
    with ledger.write() as connection:
        free(connection, items.c.lease == lease.name)


def _lock_pending(connection: Connection, wanted: Sequence[ItemId]) -> list[ItemId]:
    """Lock those of the items that are pending and not locked by another transaction, and return them."""
    query = select(items.c.key, items.c.role, items.c.tag).where(_is_one_of(wanted), items.c.state == ItemState.PENDING)
    return [(row.key, row.role, row.tag) for row in connection.execute(query.with_for_update(skip_locked=True))]


def _is_one_of(wanted: Sequence[ItemId]) -> ColumnElement[bool]:
    """Return the condition for these items, by (role, tag): for a list of triples neither database uses the index."""
    keys = defaultdict[tuple[str, str], list[str]](list)
    for key, role, tag in wanted:
        keys[role, tag].append(key)
    return or_(
        *(and_(items.c.role == role, items.c.tag == tag, is_among(items.c.key, of)) for (role, tag), of in keys.items())
    )


def _check(connection: Connection, results: Sequence[ItemResult]) -> tuple[list[ItemResult], list[FailedItem]]:
    """Return the valid results, and the others as failures."""
    registered = connection.execute(select(spaces.c.role, spaces.c.tag, spaces.c.dimension))
    dimensions = {(s.role, s.tag): s.dimension for s in registered}
    sound, unsound = list[ItemResult](), list[FailedItem]()
    for r in results:
        problem = _problem(r, dimensions.get((r.role, r.tag)))
        if problem is None:
            sound.append(r)
        else:
            failure = InvalidModelOutput(f"{r.tag} returned {problem}.")
            unsound.append(FailedItem(key=r.key, role=r.role, tag=r.tag, failure=failure))
    return sound, unsound


def _problem(r: ItemResult, dimension: int | None) -> str | None:
    """Return why a result cannot be used; None if it can."""
    if r.vector is None:
        return None if r.analysis is not None else "nothing"
    if r.vector.ndim != 1 or (dimension is not None and len(r.vector) != dimension):
        return f"a vector of shape {r.vector.shape}, not ({dimension or 'n'},)"
    if not np.isfinite(r.vector).all():
        return "a vector with NaN or infinity"
    return None if r.vector.any() else "a zero vector"


def _store(connection: Connection, results: Sequence[ItemResult]) -> None:
    """Store vectors, analyses and their texts, and the hashes of pictures that have none yet."""
    if hashes := [{"picture": r.key, "hash": r.phash} for r in results if r.phash]:
        lacks_hash = and_(contents.c.key == bindparam("picture"), contents.c.phash.is_(None))
        connection.execute(update(contents).where(lacks_hash).values(phash=bindparam("hash")), hashes)
    upsert_rows(connection, vectors, _vector_rows(results))
    upsert_rows(
        connection, contents, [{"key": _text_key(r), "text": r.text, "unused_since": None} for r in results if r.text]
    )
    upsert_rows(
        connection,
        analyses,
        [
            {"key": r.key, "tag": r.tag, "record": r.analysis.model_dump(mode="json"),
             "text_key": _text_key(r)}
            for r in results
            if r.analysis is not None
        ],
    )  # fmt: skip


def _vector_rows(results: Iterable[ItemResult]) -> list[dict[str, Any]]:
    return [
        {"key": r.key, "role": r.role, "tag": r.tag, "dimension": len(r.vector),
         "data": np.ascontiguousarray(r.vector, dtype="<f4").tobytes()}
        for r in results
        if r.vector is not None
    ]  # fmt: skip


def _text_key(result: ItemResult) -> str | None:
    return text_key(result.text) if result.text else None


def _set_done(connection: Connection, results: Sequence[ItemResult], review_below: float = 0.0) -> None:
    """Set items done; an analysis gives its images their text, and queues the items of it."""
    for some in portions([r.item for r in results], _ITEMS):
        connection.execute(
            update(items)
            .where(_is_one_of(some))
            .values(state=ItemState.DONE, crashes=0, failure=null(), next_retry_at=null(), **NO_LEASE)
        )
    analysed = [r for r in results if r.role is Role.ANALYSIS]
    for tag in {r.tag for r in analysed}:
        keys = {r.key for r in analysed if r.tag == tag}
        set_current_text(connection, tag, images.c.content_key, keys, review_below)
    completing = {r.key for r in results if r.role in (Role.ANALYSIS, Role.VISUAL)}
    queue_text_items(connection, images.c.content_key, completing)


def _mark_made(connection: Connection, results: Sequence[ItemResult], *, beside: bool) -> None:
    """Mark every image and chunk with one of these keys for publishing. `beside`: a fill has made them."""
    active = active_tags(connection)
    by_column = defaultdict[tuple[Table, Column[str], bool], set[str]](set)
    for r in results:
        table, column = (chunks, chunks.c.text_key) if r.role is Role.TEXT else (images, key_column(r.role))
        by_column[table, column, beside or active.get(r.role, r.tag) != r.tag].add(r.key)
    for (table, column, is_beside), keys in by_column.items():
        mark_made(connection, table, column, keys, beside=is_beside)


# --- inputs -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pair:
    """The sources of a `multimodal` vector: an image's `visual` vector, (d,) float32, and its text."""

    visual: NDArray[np.float32]
    text: str


def source_files(ledger: Ledger, keys: Sequence[str]) -> dict[str, str]:
    """Return content key -> key in the file store, of pictures that have a file."""
    return _values_by_key(ledger, contents.c.file, keys)


def texts(ledger: Ledger, text_keys: Sequence[str]) -> dict[str, str]:
    """Return text key -> text, of stored texts."""
    return _values_by_key(ledger, contents.c.text, text_keys)


def pairs(ledger: Ledger, pair_keys: Sequence[str], visual_tag: str) -> dict[str, Pair]:
    """Return pair key -> the image's `visual` vector under this tag and its text, of images that have both."""
    query = (
        select(images.c.pair_key, vectors.c.data, contents.c.text)
        .join(vectors, vectors.c.key == images.c.content_key)
        .join(contents, and_(contents.c.key == images.c.text_key, contents.c.text.is_not(None)))
        .where(vectors.c.role == Role.VISUAL, vectors.c.tag == visual_tag)
        .distinct()  # images of several owners may show one picture
    )
    return {
        row.pair_key: Pair(visual=np.frombuffer(row.data, "<f4"), text=row.text)
        for row in select_in(ledger, query, images.c.pair_key, pair_keys)
    }


def _values_by_key(ledger: Ledger, column: Column[str], keys: Sequence[str]) -> dict[str, str]:
    query = select(contents.c.key, column).where(column.is_not(None))
    return {row[0]: row[1] for row in select_in(ledger, query, contents.c.key, keys)}
