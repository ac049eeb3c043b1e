"""Begin and end the runs of shards, reviews and fills, which hold items of a document but not the document itself.

Also marks shards dead when Prefect reports it, and returns the usual seconds for an image (median of the last 25).
`ingest/shards.py` cuts the shards.
"""

from collections.abc import Collection, Sequence
from statistics import median
from typing import Literal

from sqlalchemy import Connection, exists, false, literal, select, update
from ulid import ULID

from swatchbook.domain.errors import RunRevoked
from swatchbook.domain.records import COUNTED, FROM_PICTURES, DocumentStatus, ItemState, Record, RoleTag
from swatchbook.store.ledger import item_tries
from swatchbook.store.ledger.bulk_rows import insert_new_rows
from swatchbook.store.ledger.database import Ledger, db_now, select_in
from swatchbook.store.ledger.dead_runs import mark_dead, mark_runs_dead
from swatchbook.store.ledger.figures import add_figures
from swatchbook.store.ledger.runs import Run, insert_run, require_live
from swatchbook.store.ledger.space_registry import request_beside
from swatchbook.store.ledger.tables import contents, documents, figures, images, items, placements, runs

_STAGE = "SHARD"
"""Stage of shards' timings: kept apart from those of whole documents, with which they cannot be compared."""

_LAST = 25  # the number of timings for the median

_ACTIVE = (DocumentStatus.RUNNING, DocumentStatus.WAITING, DocumentStatus.QUEUED)
"""Statuses of a document whose shards may run: its own run may be about to begin_shard again."""


class ShardRun(Record):
    """The last run that a flow run began for a shard. `failure_kind`: of the failure that ended it, if one did."""

    run: str
    flow_run: str
    state: Literal["live", "ended", "dead", "revoked"]
    failure_kind: str | None


def begin_shard(ledger: Ledger, document: str, generation: str, *, flow_run: str) -> Run:
    """Begin a shard's run. Raises RunRevoked where the document was stopped or has a newer generation."""
    run = Run(token=str(ULID()), document=document, generation=generation)
    with ledger.write() as connection:
        active = select(documents.c.id).where(
            documents.c.id == document, documents.c.generation == generation, documents.c.status.in_(_ACTIVE)
        )
        if connection.execute(active.with_for_update(read=True)).first() is None:
            raise RunRevoked(f"Document {document} was stopped or has a newer generation than this shard.")
        insert_run(connection, run, flow_run, kind="shard")
    return run


def end(ledger: Ledger, run: Run, *, seconds: float = 0.0, images: int = 0, failure_kind: str | None = None) -> None:
    """End a shard's run, free its items, and record its seconds and number of images. Raises RunRevoked."""
    with ledger.write() as connection:
        require_live(connection, run)
        item_tries.free(connection, item_tries.held_by(run.token))
        ended = {"state": "ended", "ended_at": db_now(), "failure_kind": failure_kind}
        connection.execute(update(runs).where(runs.c.token == run.token).values(**ended))
        if images:
            add_figures(connection, run.document, run.token, _STAGE, seconds=seconds, units=images)


def shard_runs(ledger: Ledger, document: str, generation: str) -> list[ShardRun]:
    """Return the shard runs of a generation, oldest first."""
    query = (
        select(runs.c.token.label("run"), runs.c.prefect_run.label("flow_run"), runs.c.state, runs.c.failure_kind)
        .where(runs.c.document == document, runs.c.generation == generation, runs.c.kind == "shard")
        .order_by(runs.c.token)
    )
    with ledger.read() as connection:
        return [ShardRun.model_validate(dict(row)) for row in connection.execute(query).mappings()]


def current_generations(ledger: Ledger, among: Collection[str]) -> set[str]:
    """Return those of these generations whose shards may run."""
    active = select(documents.c.generation).where(documents.c.status.in_(_ACTIVE))
    with ledger.read() as connection:
        return {row.generation for row in select_in(connection, active, documents.c.generation, among)}


def mark_shards_dead(ledger: Ledger, flow_runs: Collection[str]) -> list[str]:
    """Mark the shard runs of flow runs that are known to be over dead, free their items and return their tokens.

    Else a process that died on another machine or in a container would be noticed only when its lease is over.
    """
    gone = select(runs, literal(True).label("over"), false().label("hangs")).where(
        runs.c.prefect_run.in_(flow_runs), runs.c.kind == "shard", runs.c.state == "live"
    )
    with ledger.read() as connection:  # called every second; a write would take a turn
        if connection.execute(gone.limit(1)).first() is None:
            return []
    with ledger.write() as connection:
        return mark_runs_dead(connection, connection.execute(gone).mappings().all())


def image_seconds(ledger: Ledger) -> float | None:
    """Return the median of the last shards' seconds per image; None before there were any."""
    last_timings = (
        select(figures.c.seconds / figures.c.units)
        .where(figures.c.stage == _STAGE)
        .order_by(figures.c.at.desc())
        .limit(_LAST)
    )
    with ledger.read() as connection:
        took = [float(each) for each in connection.execute(last_timings).scalars()]
    return median(took) if took else None


def begin_review(ledger: Ledger, document: str, *, flow_run: str | None = None) -> Run:
    """Begin a document's one review run, which may pay for second analyses; the document's own run is not affected.

    `shard_runs.end` ends it. Raises RunRevoked for a cancelled, deleted or never ingested document, and while another
    review run is live.
    """
    mark_dead(ledger, document)
    others = select(runs.c.token).where(runs.c.document == document, runs.c.kind == "review", runs.c.state == "live")
    stopped = (DocumentStatus.CANCELLED, DocumentStatus.DELETING)
    current = select(documents.c.generation).where(documents.c.id == document, documents.c.status.not_in(stopped))
    with ledger.write() as connection:
        generation = connection.execute(current.with_for_update(read=True)).scalar_one_or_none()
        if generation is None:
            raise RunRevoked(f"Document {document} was cancelled, deleted or never ingested.")
        if connection.execute(others).first() is not None:
            raise RunRevoked(f"Another run reviews document {document} already.")
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
    not affected; `shard_runs.end` ends this one. Raises RunRevoked for a document that is being deleted, and while
    another process fills it.
    """
    mark_dead(ledger, document)
    others = select(runs.c.token).where(runs.c.document == document, runs.c.kind == "fill", runs.c.state == "live")
    kept = select(documents.c.id).where(documents.c.id == document, documents.c.status != DocumentStatus.DELETING)
    run = Run(token=str(ULID()), document=document, generation=fill, pairs=tuple(pairs), max_usd=max_usd)
    with ledger.write() as connection:
        if connection.execute(kept.with_for_update(read=True)).first() is None:
            raise RunRevoked(f"Document {document} was deleted.")
        if connection.execute(others).first() is not None:
            raise RunRevoked(f"Another process fills document {document} already.")
        insert_run(connection, run, flow_run, kind="fill")
    with ledger.write() as connection:
        require_live(connection, run)
        request_beside(connection, document, fill, pairs)
        _settle_unread(connection, document, pairs)
    return run


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
