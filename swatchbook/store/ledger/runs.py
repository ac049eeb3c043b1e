"""Begin and end runs, revoke them, and record their heartbeat, progress, stage and timings.

A document that has a live run is followed (`Busy`); one that is cancelled does not run, nor does one that was deleted
(`DocumentDeleted`). Another fingerprint, or `--force`, begins a new generation. Runs of shards, reviews and fills hold
items of a document but not the document itself. `dead_runs.py` has the rule when a run is dead.

Two kinds of rows in `runs` have no document. A `flow` is the process of a flow run of Prefect, so that a dead one is
found in any case. A `hold` is a process that stores files before a row names them, or copies files which a row named
when it began: nothing is deleted that became unused, or was stored, since the oldest live hold or run began.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

from sqlalchemy import Connection, case, delete, exists, func, insert, null, select, update
from ulid import ULID

from swatchbook.domain.errors import RunRevoked
from swatchbook.domain.records import (
    COUNTED,
    FROM_PICTURES,
    BlockNames,
    DocumentStatus,
    IngestOptions,
    ItemState,
    Record,
    RoleTag,
    RunReport,
    Stage,
)
from swatchbook.domain.runtime.process import here
from swatchbook.store.ledger import item_tries
from swatchbook.store.ledger.bulk_rows import insert_new_rows
from swatchbook.store.ledger.database import Ledger, Source, db_now
from swatchbook.store.ledger.dead_runs import find_dead, mark_dead, mark_runs_dead
from swatchbook.store.ledger.figures import add_figures
from swatchbook.store.ledger.item_tries import LEASE_SECONDS
from swatchbook.store.ledger.requested import has_open_items, queue_again
from swatchbook.store.ledger.space_registry import request_beside, set_beside, still_registered
from swatchbook.store.ledger.stored_documents import asked_in, change_document, get_document, require_kept
from swatchbook.store.ledger.tables import contents, documents, images, items, placements, requested, runs
from swatchbook.store.ledger.webhooks import owe_notice

RunKind = Literal["document", "shard", "review", "fill"]
_STAGES = tuple(Stage)


class Run(Record):
    """One process working on a document, shard, review or fill; it may write while it is live.

    A fill makes only items of its `pairs` (empty: all). Its calls, which have its generation, may cost `max_usd`.
    """

    token: str
    document: str
    generation: str
    pairs: tuple[RoleTag, ...] = ()
    max_usd: float | None = None


class Busy(Record):
    """Why a run could not begin. `same`: the live run has the same options, so following it is enough."""

    document: str
    run: str | None
    same: bool
    reason: Literal["live", "cancelled"]


def begin(
    ledger: Ledger,
    document: str,
    *,
    options: IngestOptions,
    fingerprint: str,
    requested: Sequence[RoleTag],
    beside: Sequence[RoleTag] = (),
    prefect_run: str | None = None,
    blocks: BlockNames = BlockNames(),
) -> Run | Busy:
    """Begin the document's one live run, marking a dead one first; Busy where another is live or it was cancelled.

    `beside`: pairs of other spaces that it also fills; spaces that were dropped meanwhile are left out.
    Continues the current generation, unless the fingerprint differs or options.force is set. With force, failed and
    rejected items are queued again with all counters at 0. Raises DocumentDeleted if it was deleted since.
    """
    with ledger.write() as connection:
        mark_runs_dead(connection, find_dead(connection, document))
        require_kept(connection, document)
        current = get_document(connection, document, lock=True)
        same = current.fingerprint == fingerprint and not options.force
        if current.status == DocumentStatus.CANCELLED:
            return Busy(document=document, run=None, same=False, reason="cancelled")
        if current.run is not None:
            return Busy(document=document, run=current.run, same=same, reason="live")

        again = same and current.generation is not None
        unforced = options.model_copy(update={"force": False})
        # the options requested last are then for the next run
        newer = current.fingerprint is None and current.options not in (options, unforced)
        is_asked = current.fingerprint is None and current.trace is not None  # what asked for these has left its trace
        generation = current.generation if again and current.generation else str(ULID())
        run = Run(token=str(ULID()), document=document, generation=generation)
        same_pairs = _replace_requested(connection, run, (*requested, *still_registered(connection, beside)))
        if options.force:
            queue_again(connection, document, (ItemState.FAILED, ItemState.REJECTED))
        insert_run(connection, run, prefect_run, kind="document")
        change_document(
            connection,
            document,
            status=DocumentStatus.RUNNING,
            stage=current.stage if again and same_pairs else Stage.REGISTERED,
            options=(current.options if newer else unforced).model_dump(mode="json"),
            blocks=blocks.model_dump(mode="json"),
            generation=generation,
            fingerprint=None if newer else fingerprint,
            force=generation if options.force else current.force,
            run=run.token,
            deaths=current.deaths if again else 0,
            message=null(),
            failure_kind=null(),
            due_at=null(),
            updated_at=db_now(),
            **({} if again or is_asked else asked_in()),
        )
        return run


def _replace_requested(connection: Connection, run: Run, pairs: Sequence[RoleTag]) -> bool:
    """Save what a document requests from now on, and return whether it requested the same before."""
    before = connection.execute(
        delete(requested).where(requested.c.document == run.document).returning(requested.c.role, requested.c.tag)
    ).all()
    if pairs:
        connection.execute(
            insert(requested),
            [
                {"document": run.document, "generation": run.generation, "role": pair.role, "tag": pair.tag}
                for pair in pairs
            ],
        )
        set_beside(connection, requested.c.document == run.document)
    return {(row.role, row.tag) for row in before} == {(pair.role, pair.tag) for pair in pairs}


def insert_run(connection: Connection, run: Run, prefect_run: str | None, *, kind: RunKind) -> None:
    """Insert a live run of this process."""
    of = {"document": run.document, "generation": run.generation}
    insert_process(connection, run.token, prefect_run, kind=kind, lease_seconds=LEASE_SECONDS, **of)


def insert_process(
    connection: Connection, token: str, prefect_run: str | None, *, kind: str, lease_seconds: float, **values: str
) -> None:
    """Insert a live row of this process."""
    connection.execute(
        insert(runs).values(
            **here().model_dump(), **values, token=token, kind=kind, state="live", prefect_run=prefect_run,
            started_at=db_now(), heartbeat_at=db_now(), progress_at=db_now(), lease_until=db_now() + lease_seconds,
        )
    )  # fmt: skip


def require_live(connection: Connection, run: Run) -> None:
    """Check that the run is live, as first statement of every transaction in which it writes. Raises RunRevoked."""
    state = connection.execute(
        select(runs.c.state).where(runs.c.token == run.token).with_for_update(read=True)
    ).scalar_one_or_none()
    if state != "live":
        raise _revoked(run, state)


@contextmanager
def writing(ledger: Ledger, run: Run) -> Iterator[Connection]:
    """Open a transaction in which a run writes. Raises RunRevoked if it is not live."""
    with ledger.write() as connection:
        require_live(connection, run)
        yield connection


def record_heartbeat(ledger: Ledger, run: Run) -> None:
    """Renew the leases of the run and of the items that it holds. Raises RunRevoked."""
    with ledger.write(turn=False) as connection:
        _update_live(connection, run, heartbeat_at=db_now(), lease_until=db_now() + LEASE_SECONDS)
        item_tries.renew(connection, run.token)


def record_progress(ledger: Ledger, run: Run, stage: Stage, done: int, total: int, note: str | None = None) -> None:
    """Record the stage that a run works on, and how much of it is done. Raises RunRevoked.

    Without a note, the last one of the same stage stays; an empty one takes it away.
    """
    noted = case((runs.c.stage == stage, runs.c.note), else_=null()) if note is None else note or null()
    with ledger.write(turn=False) as connection:
        _update_live(connection, run, stage=stage, done=done, total=total, note=noted, progress_at=db_now())


def record_alive(ledger: Ledger, run: Run, note: str | None = None) -> None:
    """Record that a run that waits on purpose, or counts no steps, does not hang. Raises RunRevoked.

    `note`: what else it does during the stage that it works on.
    """
    with ledger.write(turn=False) as connection:
        _update_live(connection, run, progress_at=db_now(), **({} if note is None else {"note": note}))


def reach_stage(ledger: Ledger, run: Run, stage: Stage) -> None:
    """Record that the document has reached a stage; it never goes back within a generation. Raises RunRevoked.

    Only a stage reached for the first time resets the deaths: else a run that dies later would be repeated for ever.
    """
    earlier = _STAGES[: _STAGES.index(stage)]
    with writing(ledger, run) as connection:
        is_later = documents.c.stage.in_(earlier)
        change_document(connection, run.document, is_later, stage=stage, deaths=0, updated_at=db_now())


def record_timing(ledger: Ledger, run: Run, stage: Stage, seconds: float, units: int = 0) -> None:
    """Add to the time that a run spent before reaching a stage, and to the units (pages or images) worked on.

    A timing without units is compared with no other. Raises RunRevoked.
    """
    with writing(ledger, run) as connection:
        add_figures(connection, run.document, run.token, stage, seconds=seconds, units=units)


def _update_live(connection: Connection, run: Run, **values: Any) -> None:
    changed = connection.execute(
        update(runs).where(runs.c.token == run.token, runs.c.state == "live").values(**values)
    ).rowcount
    if not changed:
        raise _revoked(run, None)


def _revoked(run: Run, state: str | None) -> RunRevoked:
    return RunRevoked(f"Run {run.token} of document {run.document} is {state or 'no longer live'}.")


def end(
    ledger: Ledger,
    run: Run,
    status: DocumentStatus,
    *,
    message: str | None = None,
    failure_kind: str | None = None,
    due_at: float | None = None,
    report: RunReport | None = None,
) -> DocumentStatus:
    """End a run: free the items that it holds and set the document's status. Raises RunRevoked.

    Returns the status set: `waiting`, due now, where other options or new items were requested meanwhile.
    """
    with ledger.write() as connection:
        _end(connection, run, failure_kind)
        due: Any = due_at
        requested_again = get_document(connection, run.document, lock=True).fingerprint is None
        if requested_again or (status == DocumentStatus.COMPLETED and has_open_items(connection, run.document)):
            status, due = DocumentStatus.WAITING, db_now()
        change_document(
            connection, run.document, run=null(), status=status, message=message, failure_kind=failure_kind, due_at=due,
            deaths=0, updated_at=db_now(),
            **({} if report is None else {"report": report.model_dump(mode="json")}),
        )  # fmt: skip
        owe_notice(connection, run.document)
        return status


def end_part(
    ledger: Ledger,
    run: Run,
    *,
    seconds: float = 0.0,
    images: int = 0,
    start: float | None = None,
    failure_kind: str | None = None,
) -> None:
    """End the run of a shard, review or fill; record a shard's seconds, images and seconds to start.

    Raises RunRevoked.
    """
    with ledger.write() as connection:
        _end(connection, run, failure_kind)
        if images:
            add_figures(connection, run.document, run.token, SHARD, seconds=seconds, units=images)
        if start is not None:
            add_figures(connection, run.document, run.token, SHARD_START, seconds=start, units=1)


def _end(connection: Connection, run: Run, failure_kind: str | None) -> None:
    """End a run and free the items that it holds. Raises RunRevoked."""
    require_live(connection, run)
    item_tries.free(connection, item_tries.held_by(run.token))
    ended = {"state": "ended", "ended_at": db_now(), "failure_kind": failure_kind}
    connection.execute(update(runs).where(runs.c.token == run.token).values(**ended))


def revoke(
    connection: Connection,
    document: str,
    status: Literal[DocumentStatus.CANCELLED, DocumentStatus.DELETING],
    message: str | None = None,
) -> list[str]:
    """Revoke all live runs of a document, so that they can write nothing more, and return their tokens."""
    tokens = list(
        connection.execute(
            update(runs)
            .where(runs.c.document == document, runs.c.state == "live")
            .values(state="revoked", ended_at=db_now())
            .returning(runs.c.token)
        ).scalars()
    )
    for token in tokens:
        item_tries.free(connection, item_tries.held_by(token))
    stopped = {"run": null(), "status": status, "message": message, "failure_kind": null(), "due_at": null()}
    change_document(connection, document, **stopped, updated_at=db_now())
    return tokens


# --- runs of a part ---------------------------------------------------------------------------------------------------


SHARD, SHARD_START = "SHARD", "SHARD_START"
"""Stages of shards' figures: kept apart from those of whole documents, with which they cannot be compared."""

ACTIVE = (DocumentStatus.RUNNING, DocumentStatus.WAITING, DocumentStatus.QUEUED)
"""Statuses of a document whose shards may run: its own run may be about to begin again."""


def begin_shard(ledger: Ledger, document: str, generation: str, *, flow_run: str) -> Run:
    """Begin a shard's run. Raises RunRevoked where the document was stopped or has a newer generation."""
    run = Run(token=str(ULID()), document=document, generation=generation)
    with ledger.write() as connection:
        active = select(documents.c.id).where(
            documents.c.id == document, documents.c.generation == generation, documents.c.status.in_(ACTIVE)
        )
        if connection.execute(active.with_for_update(read=True)).first() is None:
            raise RunRevoked(f"The ingest of document {document} that cut this shard is over: nothing is left to do.")
        insert_run(connection, run, flow_run, kind="shard")
    return run


def begin_review(ledger: Ledger, document: str, *, flow_run: str | None = None) -> Run:
    """Begin a document's one review run, which may pay for second analyses; the document's own run is not affected.

    `end_part` ends it. Raises RunRevoked for a cancelled, deleted or never ingested document, and while another
    review run is live.
    """
    mark_dead(ledger, document)
    stopped = (DocumentStatus.CANCELLED, DocumentStatus.DELETING)
    current = select(documents.c.generation).where(documents.c.id == document, documents.c.status.not_in(stopped))
    with ledger.write() as connection:
        generation = connection.execute(current.with_for_update(read=True)).scalar_one_or_none()
        if generation is None:
            raise RunRevoked(f"Document {document} was cancelled, deleted or never ingested.")
        _require_only(connection, document, "review")
        run = Run(token=str(ULID()), document=document, generation=generation)
        insert_run(connection, run, flow_run, kind="review")
    return run


def begin_fill(
    ledger: Ledger,
    document: str,
    pairs: Sequence[RoleTag],
    *,
    fill: str,
    max_usd: float | None = None,
    flow_run: str | None = None,
) -> Run:
    """Begin a document's one fill run of these pairs; `queue_candidates` then queues its items.

    `fill` names the whole fill, whose calls together may cost `max_usd`. The document's status, account and own run are
    not affected; `end_part` ends this one. Raises RunRevoked for a document that is being deleted, and while
    another process fills it.
    """
    mark_dead(ledger, document)
    kept = select(documents.c.id).where(documents.c.id == document, documents.c.status != DocumentStatus.DELETING)
    run = Run(token=str(ULID()), document=document, generation=fill, pairs=tuple(pairs), max_usd=max_usd)
    with ledger.write() as connection:
        if connection.execute(kept.with_for_update(read=True)).first() is None:
            raise RunRevoked(f"Document {document} was deleted.")
        _require_only(connection, document, "fill")
        insert_run(connection, run, flow_run, kind="fill")
    with writing(ledger, run) as connection:
        request_beside(connection, document, fill, pairs)
        _settle_unread(connection, document, pairs)
    return run


def _require_only(connection: Connection, document: str, kind: RunKind) -> None:
    """Raise RunRevoked while another run of this kind works on the document."""
    this = (runs.c.document == document, runs.c.kind == kind, runs.c.state == "live")
    if connection.execute(select(runs.c.token).where(*this)).first() is not None:
        raise RunRevoked(f"Another {kind} run works on document {document} already.")


def _settle_unread(connection: Connection, document: str, pairs: Sequence[RoleTag]) -> None:
    """Record what could not be read when it came in, and so has no stored file, as failed for these pairs as well.

    Without items the account would count such pictures as pending, though nobody can make anything of them.
    """
    stored = exists().where(contents.c.key == images.c.content_key, contents.c.file.is_not(None))
    failed = (
        select(items.c.key, items.c.state, items.c.failure)
        .join_from(placements, images, images.c.id == placements.c.image)
        .join(items, items.c.key == images.c.content_key)
        .where(placements.c.document == document, placements.c.state.in_(COUNTED), ~stored)
        .where(items.c.role.in_(FROM_PICTURES), items.c.state.in_((ItemState.FAILED, ItemState.REJECTED)))
    )
    unread = {row.key: row for row in connection.execute(failed) if row.failure}
    insert_new_rows(
        connection,
        items,
        [
            {"key": row.key, "role": pair.role, "tag": pair.tag, "state": row.state, "failure": row.failure}
            for row in unread.values()
            for pair in pairs
            if pair.role in FROM_PICTURES
        ],
    )


# --- processes without a document -------------------------------------------------------------------------------------


_PROCESS_LEASE_SECONDS = 660.0
"""Longer than a process waits for a ledger that is down."""


def begin_process(ledger: Ledger, *, flow_run: str | None = None) -> str:
    """Record this process, and return its token: as that of a flow run instead of an earlier one, or else as a hold.

    It takes a turn with other writers: a deletion that did not see a hold is over before anything is stored under it.
    """
    token, kind = str(ULID()), "flow" if flow_run else "hold"
    with ledger.write() as connection:
        if flow_run:
            earlier = delete(runs).where(runs.c.state == "live", runs.c.kind == kind, runs.c.prefect_run == flow_run)
            connection.execute(earlier)
        insert_process(connection, token, flow_run, kind=kind, lease_seconds=_PROCESS_LEASE_SECONDS)
    return token


def renew_process(ledger: Ledger, token: str) -> None:
    """Record that a process is alive. Raises RunRevoked if it counts as dead, or has been replaced."""
    live = update(runs).where(runs.c.token == token, runs.c.state == "live")
    renewed = live.values(heartbeat_at=db_now(), lease_until=db_now() + _PROCESS_LEASE_SECONDS)
    with ledger.write(turn=False) as connection:
        if not connection.execute(renewed).rowcount:
            raise RunRevoked(f"The process {token} counts as dead.")


def end_process(ledger: Ledger, token: str) -> None:
    """Forget a process."""
    with ledger.write(turn=False) as connection:
        connection.execute(delete(runs).where(runs.c.token == token))


def held_seconds(source: Source) -> float | None:
    """Return for how many seconds the oldest live hold or run has lasted; None without any."""
    oldest = select(db_now() - func.min(runs.c.started_at)).where(runs.c.state == "live", runs.c.kind != "flow")
    seconds = source.execute(oldest).scalar_one()
    return None if seconds is None else max(0.0, seconds)
