"""Shards in the ledger: runs that hold items of a document, but not the document itself."""

from collections.abc import Collection
from statistics import median
from typing import Literal

from sqlalchemy import false, insert, literal, select, update
from ulid import ULID

from swatchbook.errors import RunRevoked
from swatchbook.ledger import leases
from swatchbook.ledger.database import Ledger, db_now, portions
from swatchbook.ledger.runs import Run, insert_run, mark_runs_dead, require_live
from swatchbook.ledger.tables import documents, runs, timings
from swatchbook.records import DocumentStatus, Record

_STAGE = "SHARD"
"""The work of one shard, in the timings: beside its parent's stages, which it must not be compared with."""

_LAST = 25

_WANTED = (DocumentStatus.RUNNING, DocumentStatus.WAITING, DocumentStatus.QUEUED)
"""Statuses of a document whose shards may work: its own run may be between two lives."""


class ShardRun(Record):
    """What the ledger knows of the last run that a flow run began for a shard."""

    run: str
    flow_run: str
    state: Literal["live", "ended", "dead", "revoked"]
    failure_kind: str | None  # what ended it, where something did


def begin(ledger: Ledger, document: str, generation: str, *, flow_run: str) -> Run:
    """Begin a shard's run. Raises RunRevoked where the document is wanted no more, or anew."""
    run = Run(token=str(ULID()), document=document, generation=generation)
    with ledger.write() as connection:
        wanted = select(documents.c.id).where(
            documents.c.id == document, documents.c.generation == generation, documents.c.status.in_(_WANTED)
        )
        if connection.execute(wanted.with_for_update(read=True)).first() is None:
            raise RunRevoked(f"Nobody wants this shard of {document} any more.")
        insert_run(connection, run, flow_run, kind="shard")
    return run


def end(ledger: Ledger, run: Run, *, seconds: float = 0.0, images: int = 0, failure_kind: str | None = None) -> None:
    """End a shard's run in order: what it holds is free. `seconds`: of work, on so many images. Raises RunRevoked."""
    with ledger.write() as connection:
        require_live(connection, run)
        leases.free(connection, leases.held_by(run.token))
        ended = {"state": "ended", "ended_at": db_now(), "failure_kind": failure_kind}
        connection.execute(update(runs).where(runs.c.token == run.token).values(**ended))
        if images:
            took = {"document": run.document, "run": run.token, "stage": _STAGE, "seconds": seconds, "units": images}
            connection.execute(insert(timings).values(**took, at=db_now()))


def of_document(ledger: Ledger, document: str, generation: str) -> list[ShardRun]:
    """The shards of a generation that began, oldest first."""
    query = (
        select(runs.c.token.label("run"), runs.c.prefect_run.label("flow_run"), runs.c.state, runs.c.failure_kind)
        .where(runs.c.document == document, runs.c.generation == generation, runs.c.kind == "shard")
        .order_by(runs.c.token)
    )
    with ledger.read() as connection:
        return [ShardRun.model_validate(dict(row)) for row in connection.execute(query).mappings()]


def current_generations(ledger: Ledger, among: Collection[str]) -> set[str]:
    """Those of these generations whose shards may work."""
    found = set[str]()
    with ledger.read() as connection:
        for some in portions(tuple(among)):
            query = select(documents.c.generation).where(
                documents.c.generation.in_(some), documents.c.status.in_(_WANTED)
            )
            found |= set(connection.execute(query).scalars())
    return found


def mark_dead(ledger: Ledger, flow_runs: Collection[str]) -> list[str]:
    """End the runs of flow runs that are surely over: what they hold is free, with the crash counted. Their tokens.

    Nobody else could see for a minute that the process of another machine, or container, is gone.
    """
    gone = select(runs, literal(True).label("over"), false().label("hangs")).where(
        runs.c.prefect_run.in_(flow_runs), runs.c.kind == "shard", runs.c.state == "live"
    )
    with ledger.read() as connection:  # a writer takes a turn, and who follows shards asks every second
        if connection.execute(gone.limit(1)).first() is None:
            return []
    with ledger.write() as connection:
        return mark_runs_dead(connection, connection.execute(gone).mappings().all())


def image_seconds(ledger: Ledger) -> float | None:
    """Seconds of a shard's work on one image, the median of the last ones; None before there were any."""
    last = (
        select(timings.c.seconds / timings.c.units)
        .where(timings.c.stage == _STAGE)
        .order_by(timings.c.at.desc())
        .limit(_LAST)
    )
    with ledger.read() as connection:
        took = [float(each) for each in connection.execute(last).scalars()]
    return median(took) if took else None
