"""Items: cut into batches, claimed, committed. A move is one transaction; only a live run moves, only what it holds."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    Subquery,
    Table,
    and_,
    func,
    not_,
    null,
    or_,
    select,
    true,
    update,
)
from ulid import ULID

from swatchbook.errors import Failure, InvalidModelOutput
from swatchbook.ledger.bulk_rows import upsert_rows
from swatchbook.ledger.database import Ledger, db_now, portions
from swatchbook.ledger.image_text import queue_text_items, set_current_text
from swatchbook.ledger.leases import (
    LEASE_SECONDS,
    ItemId,
    free,
    lease_range,
    outcome,
    record_failures,
)
from swatchbook.ledger.requested import requested_items, requested_items_of
from swatchbook.ledger.reviews import Analysed, in_use
from swatchbook.ledger.runs import Run, require_live
from swatchbook.ledger.tables import analyses, chunks, contents, documents, images, items, key_column, spaces, vectors
from swatchbook.records import Analysis, ItemState, Record, Role, text_key

ItemKind = Literal["image", "chunk"]
_ITEM_KINDS: tuple[ItemKind, ItemKind] = ("image", "chunk")

_KEYS = 250
"""Asked for together by `wanted_of`, which names each three times."""


class Claimed(Record):
    """An item that a lease holds, with its counters as of the claim."""

    key: str
    role: Role
    tag: str
    attempts: int
    runs: int
    crashes: int


class Lease(Record):
    """The right to commit these items, while the run lives."""

    name: str  # token:ULID
    run: Run
    items: tuple[Claimed, ...]


class Batch(Record):
    """Keys whose items are made together; fixed when stage 6 starts. Numbers count from 1."""

    number: int
    of: int
    kind: ItemKind
    first: int  # position of the first member among all open ones of its kind, from 1
    total: int  # of all open ones of its kind
    members: tuple[str, ...]  # keys; a field of that name would break dict(batch)
    alone: bool = False  # a process died at each of them: nothing else is to be made beside them


@dataclass(frozen=True)
class Made:
    """What was made of one item: a vector (d,) float32, or an analysis and the text that says it (None: nothing)."""

    key: str
    role: Role
    tag: str
    vector: NDArray[np.float32] | None = None
    analysis: Analysis | None = None
    text: str | None = None

    @property
    def item(self) -> ItemId:
        return self.key, self.role, self.tag


@dataclass(frozen=True)
class Failed:
    """Why one item could not be made."""

    key: str
    role: Role
    tag: str
    failure: Failure

    @property
    def item(self) -> ItemId:
        return self.key, self.role, self.tag


# --- what is open -----------------------------------------------------------------------------------------------------


def cut_batches(ledger: Ledger, run: Run, size: int) -> tuple[Batch, ...]:
    """The document's keys with anything to make now: images in reading order, then chunks.

    Those that a process died at come last, in batches of their own.
    """
    rows = requested_items(run.document)
    with ledger.read() as connection:
        listed = connection.execute(
            select(rows.c.kind, rows.c.listed, (func.max(rows.c.crashes) > 0).label("alone"))
            .where(_is_claimable(rows))
            .group_by(rows.c.kind, rows.c.listed)
            .order_by(rows.c.kind, func.min(rows.c.position))
        ).all()
    sorts = [(alone, kind) for alone in (False, True) for kind in range(len(_ITEM_KINDS))]
    of_sort = [[row.listed for row in listed if (bool(row.alone), row.kind) == sort] for sort in sorts]
    cut = [
        (sort, n * size, len(listing), keys)
        for sort, listing in zip(sorts, of_sort, strict=True)
        for n, keys in enumerate(portions(listing, size))
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


def groups(ledger: Ledger, run: Run, keys: Sequence[str], size: int) -> list[tuple[str, ...]]:
    """The keys with anything to claim now, in groups to be claimed one after the other.

    First those that never crashed, up to `size` together. Then those that did, apart, in groups of
    max(1, size >> crashes), and at most half of the group that they died in; the fewest crashes first, so that what
    is innocent gets done before the next death.
    """
    largest = dict[str, int]()
    for some in portions(keys, _KEYS):
        rows = requested_items_of(run.document, some)
        query = (
            select(rows.c.listed, func.max(rows.c.crashes), func.max(rows.c.lease_size))
            .where(_is_claimable(rows))
            .group_by(rows.c.listed)
        )
        with ledger.read() as connection:
            for key, crashes, died_in in connection.execute(query):
                largest[key] = max(1, min(size >> crashes, (died_in or size) // 2)) if crashes else 0
    together = defaultdict[int, list[str]](list)
    for key in keys:
        if key in largest:
            together[largest[key]].append(key)
    ordered = sorted(together, key=lambda limit: -limit if limit else -size - 1)
    return [tuple(group) for limit in ordered for group in portions(together[limit], limit or size)]


def held_by_others(ledger: Ledger, run: Run) -> int:
    """How many items the document wants that other runs hold: they are waited for."""
    rows = requested_items(run.document)
    others = and_(rows.c.state == ItemState.LEASED, not_(rows.c.lease.between(*lease_range(run.token))))
    with ledger.read() as connection:
        query = select(rows.c.key, rows.c.role, rows.c.tag).where(others).distinct().subquery()
        return connection.execute(select(func.count()).select_from(query)).scalar_one()


def made(ledger: Ledger, role: Role, tag: str, keys: Sequence[str]) -> set[str]:
    """Those of the keys that have it already."""
    found = set[str]()
    with ledger.read() as connection:
        for some in portions(keys):
            done = and_(
                items.c.key.in_(some), items.c.role == role, items.c.tag == tag, items.c.state == ItemState.DONE
            )
            found.update(connection.execute(select(items.c.key).where(done)).scalars())
    return found


def _is_claimable(rows: Subquery) -> ColumnElement[bool]:
    due = or_(rows.c.next_retry_at.is_(None), rows.c.next_retry_at <= db_now())
    return and_(rows.c.state == ItemState.PENDING, due)


# --- the moves --------------------------------------------------------------------------------------------------------


def claim(ledger: Ledger, run: Run, keys: Sequence[str], roles: Collection[Role] = frozenset(Role)) -> Lease:
    """Lease every item of these keys and roles that the document wants and that is due; of nobody else's.

    An image's content key brings along what is made of its text; a text key brings that alone. Raises RunRevoked.
    """
    name = f"{run.token}:{ULID()}"
    claimed = list[RowMapping]()
    with ledger.write(turn=False) as connection:
        require_live(connection, run)
        found = dict[ItemId, str]()
        for some in portions(keys, _KEYS):
            rows = requested_items_of(run.document, some)
            query = select(rows.c.key, rows.c.role, rows.c.tag, rows.c.listed)
            query = query.where(_is_claimable(rows), rows.c.role.in_(sorted(roles)))
            for key, role, tag, listed in connection.execute(query):
                found[key, role, tag] = listed
        free_now = [item for some in portions(list(found), 300) for item in _lock_pending(connection, some)]
        together = len({found[item] for item in free_now})
        for some_items in portions(free_now, 300):
            claimed += connection.execute(
                update(items)
                .where(_are(some_items))
                .values(
                    state=ItemState.LEASED,
                    attempts=items.c.attempts + 1,
                    lease=name,
                    lease_until=db_now() + LEASE_SECONDS,
                    lease_size=together,
                )
                .returning(items.c.key, items.c.role, items.c.tag, items.c.attempts, items.c.runs, items.c.crashes)
            ).mappings()
    order = {key: number for number, key in enumerate(keys)}
    held = [Claimed.model_validate(dict(row)) for row in claimed]
    held.sort(key=lambda c: (order.get(c.key, order.get(found[c.key, c.role, c.tag], 0)), c.role))
    return Lease(name=name, run=run, items=tuple(held))


def commit(
    ledger: Ledger,
    lease: Lease,
    made: Sequence[Made],
    failed: Sequence[Failed],
    *,
    last_try: bool,
    review_below: float = 0.0,
) -> list[Failed]:
    """Keep what a lease brought, all in one transaction; items that are not the lease's are passed over.

    Made: stored, done, and every image and chunk that shows the key is dirty, whoever's it is; an analysis brings the
    items of what it says, and its picture needs a review where its score is below `review_below`. Failed: by policy
    rejected, open for this run's next try, or on the last try recorded with a pause (`failed` after 8 such runs).
    Vectors that no index takes count as failed, and are returned. Raises RunRevoked, and then keeps nothing.
    """
    with ledger.write() as connection:
        require_live(connection, lease.run)
        ours = _runs_of(connection, lease)
        sound, unsound = _checked(connection, [m for m in made if m.item in ours])
        _store(connection, sound)
        _finish(connection, sound)
        for tag in {m.tag for m in sound if m.analysis}:
            analysed = {m.key: Analysed(tag, m.analysis, _text_key(m)) for m in sound if m.analysis and m.tag == tag}
            set_current_text(connection, tag, in_use(connection, analysed, review_below))
        completing = {m.key for m in sound if m.role in (Role.ANALYSIS, Role.VISUAL)}
        queue_text_items(connection, images.c.content_key, completing)
        _touch(connection, sound)
        record_failures(
            connection,
            [
                outcome(f.item, f.failure, runs=ours[f.item], last_try=last_try)
                for f in [*failed, *unsound]
                if f.item in ours
            ],
        )
        if sound:
            had_crashes = and_(documents.c.id == lease.run.document, documents.c.deaths > 0)
            connection.execute(update(documents).where(had_crashes).values(deaths=0))
        return unsound


def release(ledger: Ledger, lease: Lease) -> None:
    """Whatever the lease still holds is pending again; its attempts stay counted."""
    with ledger.write() as connection:
        free(connection, items.c.lease == lease.name)


def _lock_pending(connection: Connection, wanted: Sequence[ItemId]) -> list[ItemId]:
    """Those of the items that are still pending and that nobody is at; they are ours until the transaction ends."""
    query = select(items.c.key, items.c.role, items.c.tag).where(_are(wanted), items.c.state == ItemState.PENDING)
    return [(row.key, row.role, row.tag) for row in connection.execute(query.with_for_update(skip_locked=True))]


def _are(some: Sequence[ItemId]) -> ColumnElement[bool]:
    """One of these items. By pair, as SQLite takes no index for a list of triples, and PostgreSQL compares each."""
    keys = defaultdict[tuple[str, str], list[str]](list)
    for key, role, tag in some:
        keys[role, tag].append(key)
    return or_(
        *(and_(items.c.role == role, items.c.tag == tag, items.c.key.in_(of)) for (role, tag), of in keys.items())
    )


def _runs_of(connection: Connection, lease: Lease) -> dict[ItemId, int]:
    held = select(items.c.key, items.c.role, items.c.tag, items.c.runs).where(items.c.lease == lease.name)
    return {(row.key, row.role, row.tag): row.runs for row in connection.execute(held)}


def _checked(connection: Connection, made: Sequence[Made]) -> tuple[list[Made], list[Failed]]:
    dimensions = {(s.role, s.tag): s.dimension for s in connection.execute(select(spaces))}
    sound, unsound = list[Made](), list[Failed]()
    for m in made:
        problem = _problem(m, dimensions.get((m.role, m.tag)))
        if problem is None:
            sound.append(m)
        else:
            failure = InvalidModelOutput(f"{m.tag} made {problem}.")
            unsound.append(Failed(key=m.key, role=m.role, tag=m.tag, failure=failure))
    return sound, unsound


def _problem(m: Made, dimension: int | None) -> str | None:
    if m.vector is None:
        return None if m.analysis is not None else "nothing"
    if m.vector.ndim != 1 or (dimension is not None and len(m.vector) != dimension):
        return f"a vector of shape {m.vector.shape}, not ({dimension or 'n'},)"
    if not np.isfinite(m.vector).all():
        return "a vector with NaN or infinity"
    return None if m.vector.any() else "a zero vector"


def _store(connection: Connection, made: Sequence[Made]) -> None:
    """Vectors, analyses and the texts that say them."""
    upsert_rows(
        connection,
        vectors,
        [
            {"key": m.key, "role": m.role, "tag": m.tag, "dimension": len(m.vector),
             "data": np.ascontiguousarray(m.vector, dtype="<f4").tobytes()}
            for m in made
            if m.vector is not None
        ],
    )  # fmt: skip
    upsert_rows(
        connection,
        contents,
        [{"key": _text_key(m), "text": m.text, "unused_since": None} for m in made if m.text],
    )
    upsert_rows(
        connection,
        analyses,
        [
            {"key": m.key, "tag": m.tag, "record": m.analysis.model_dump(mode="json"),
             "text_key": _text_key(m)}
            for m in made
            if m.analysis is not None
        ],
    )  # fmt: skip


def _text_key(made: Made) -> str | None:
    return text_key(made.text) if made.text else None


def _finish(connection: Connection, made: Sequence[Made]) -> None:
    for some in portions([m.item for m in made], 300):
        connection.execute(
            update(items)
            .where(_are(some))
            .values(
                state=ItemState.DONE, crashes=0, failure=null(), next_retry_at=null(),
                lease=null(), lease_until=null(), lease_size=null(),
            )
        )  # fmt: skip


def _touch(connection: Connection, made: Sequence[Made]) -> None:
    """Every image and chunk that shows a made key is to be published again."""
    by_column = defaultdict[tuple[Table, Column[str]], set[str]](set)
    for m in made:
        of = (chunks, chunks.c.text_key) if m.role is Role.TEXT else (images, key_column(m.role))
        by_column[of].add(m.key)
    for (table, column), keys in by_column.items():
        kept = chunks.c.embed if table is chunks else true()
        for some in portions(sorted(keys)):
            dirty = table.c.dirty + 1
            shown = and_(column.in_(some), table.c.dirty > 0, kept)  # what was never shown has nothing to publish
            connection.execute(update(table).where(shown).values(dirty=dirty, made=dirty))


# --- what they are made from ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pair:
    """What a `multimodal` vector is made of: the picture's `visual` vector, (d,) float32, and what is said of it."""

    seen: NDArray[np.float32]
    said: str


def sources(ledger: Ledger, keys: Sequence[str]) -> dict[str, str]:
    """content key -> key in the file store, of those that have a file."""
    return _column_of(ledger, select(contents.c.key, contents.c.file).where(contents.c.file.is_not(None)), keys)


def texts(ledger: Ledger, text_keys: Sequence[str]) -> dict[str, str]:
    """text key -> text, of those that are known."""
    return _column_of(ledger, select(contents.c.key, contents.c.text).where(contents.c.text.is_not(None)), text_keys)


def pairs(ledger: Ledger, pair_keys: Sequence[str], visual_tag: str) -> dict[str, Pair]:
    """pair key -> its picture's `visual` vector under this tag, and its text; of those that have both."""
    found = dict[str, Pair]()
    for some in portions(pair_keys):
        distinct = (images.c.pair_key, images.c.content_key, images.c.text_key)  # many owners may show the picture
        pair = select(*distinct).where(images.c.pair_key.in_(some)).distinct().subquery()
        seen = and_(vectors.c.key == pair.c.content_key, vectors.c.role == Role.VISUAL, vectors.c.tag == visual_tag)
        query = (
            select(pair.c.pair_key, vectors.c.data, contents.c.text)
            .join_from(pair, vectors, seen)
            .join(contents, and_(contents.c.key == pair.c.text_key, contents.c.text.is_not(None)))
        )
        with ledger.read() as connection:
            for row in connection.execute(query):
                found[row.pair_key] = Pair(seen=np.frombuffer(row.data, "<f4"), said=row.text)
    return found


def _column_of(ledger: Ledger, query: Select[tuple[str, Any]], keys: Sequence[str]) -> dict[str, str]:
    key = query.selected_columns[0]
    found = dict[str, str]()
    with ledger.read() as connection:
        for some in portions(keys):
            found.update((row[0], row[1]) for row in connection.execute(query.where(key.in_(some))))
    return found
