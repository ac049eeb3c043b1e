"""Look up runs: those that are live, those of shards, and what became of Prefect's flow runs and their processes."""

from collections.abc import Collection
from statistics import median
from typing import Any, Literal

from sqlalchemy import Row, case, func, select

from swatchbook.domain.records import Record, Stage
from swatchbook.domain.runtime.process import Process
from swatchbook.store.ledger.database import Ledger, db_now, select_in
from swatchbook.store.ledger.dead_runs import process_of
from swatchbook.store.ledger.runs import ACTIVE, Run, RunKind
from swatchbook.store.ledger.stored_documents import PDF
from swatchbook.store.ledger.tables import documents, figures, runs

_LAST = 25  # the number of shards for the median

RunEnd = Literal["live", "ended", "dead", "revoked"]


class LiveRun(Record):
    """A live run, for people. Ages are seconds."""

    token: str
    document: str
    name: str
    owner: str
    stage: Stage | None  # the stage in progress
    done: int
    total: int
    note: str | None
    host: str
    pid: int
    kind: RunKind = "document"
    source: str = PDF  # the kind of its document
    started_at: float
    heartbeat_age: float
    progress_age: float


def live_runs(ledger: Ledger) -> list[LiveRun]:
    """Return the runs that are live or not yet marked dead, oldest first."""
    now = db_now()
    rows = ledger.execute(
        select(
            runs.c.token, runs.c.document, documents.c.name, documents.c.owner, runs.c.stage, runs.c.done,
            runs.c.total, runs.c.note, runs.c.kind, documents.c.kind.label("source"), runs.c.host, runs.c.pid,
            runs.c.started_at,
            (now - runs.c.heartbeat_at).label("heartbeat_age"), (now - runs.c.progress_at).label("progress_age"),
        )
        .join_from(runs, documents, documents.c.id == runs.c.document)
        .where(runs.c.state == "live")
        .order_by(runs.c.token)
    ).mappings()  # fmt: skip
    return [LiveRun.model_validate(dict(row)) for row in rows]


def live_run(ledger: Ledger, document: str) -> LiveRun | None:
    """Return the live run that processes a document, if any; not one of a shard, a review or a fill."""
    return own_runs(ledger).get(document)


def own_runs(ledger: Ledger) -> dict[str, LiveRun]:
    """Return document -> the live run that processes it."""
    return {run.document: run for run in live_runs(ledger) if run.kind == "document"}


def count_failed_runs(ledger: Ledger, run: Run, kinds: Collection[str]) -> int:
    """Count the runs of this generation that a failure of these kinds has ended."""
    ended = select(func.count()).where(runs.c.generation == run.generation, runs.c.failure_kind.in_(kinds))
    return ledger.execute(ended).scalar_one()


# --- runs of flow runs ------------------------------------------------------------------------------------------------


class PastRun(Record):
    """A run that a flow run began, or the flow run's own process, whose document is ''.

    `age`: seconds since the run ended, 0 while it lives; of a process, since its last heartbeat.
    """

    flow_run: str
    document: str
    state: RunEnd
    failure_kind: str | None  # of the failure that ended it, if one did
    age: float
    process: Process


_is_process = runs.c.kind == "flow"
_since_its_end = db_now() - func.coalesce(runs.c.ended_at, db_now())
_age = case((_is_process, db_now() - runs.c.heartbeat_at), else_=_since_its_end).label("age")
_PAST = select(runs, _age).where(runs.c.prefect_run.is_not(None)).order_by(runs.c.token)


def _past_run(row: Row[Any]) -> PastRun:
    same = {name: row._mapping[name] for name in ("state", "failure_kind", "age")}
    process = process_of(row._mapping)
    return PastRun(flow_run=row.prefect_run, document=row.document or "", process=process, **same)


def shard_runs(ledger: Ledger, document: str, generation: str) -> list[PastRun]:
    """Return the shard runs of a generation, oldest first."""
    query = _PAST.where(runs.c.document == document, runs.c.generation == generation, runs.c.kind == "shard")
    return [_past_run(row) for row in ledger.execute(query)]


def past_runs(ledger: Ledger, flow_runs: Collection[str]) -> dict[str, PastRun]:
    """Return flow run -> the last run that it began, of those that began one."""
    rows = select_in(ledger, _PAST.where(runs.c.document.is_not(None)), runs.c.prefect_run, flow_runs)
    return {row.prefect_run: _past_run(row) for row in rows}


def processes_of(ledger: Ledger, flow_runs: Collection[str]) -> dict[str, PastRun]:
    """Return flow run -> its process, of those that have recorded one."""
    rows = select_in(ledger, _PAST.where(_is_process), runs.c.prefect_run, flow_runs)
    return {row.prefect_run: _past_run(row) for row in rows}


def current_generations(ledger: Ledger, among: Collection[str]) -> set[str]:
    """Return those of these generations whose shards may run."""
    active = select(documents.c.generation).where(documents.c.status.in_(ACTIVE))
    return {row.generation for row in select_in(ledger, active, documents.c.generation, among)}


def shard_seconds(ledger: Ledger, stage: str) -> float | None:
    """Return the median of the last shards' seconds per image (SHARD) or to start (SHARD_START); None before any."""
    last_timings = (
        select(figures.c.seconds / figures.c.units)
        .where(figures.c.stage == stage)
        .order_by(figures.c.at.desc())
        .limit(_LAST)
    )
    took = [float(each) for each in ledger.execute(last_timings).scalars()]
    return median(took) if took else None


def live_flow_runs(ledger: Ledger) -> dict[str, str]:
    """Return flow run -> document, of documents with a live run."""
    query = select(runs.c.prefect_run, runs.c.document).where(
        runs.c.state == "live", runs.c.kind == "document", runs.c.prefect_run.is_not(None)
    )
    return {row.prefect_run: row.document for row in ledger.execute(query)}


def last_flow_runs(ledger: Ledger, ids: Collection[str]) -> dict[str, str]:
    """Return flow run -> document, of the last run of each of these documents that a flow run began."""
    query = select(runs.c.document, runs.c.prefect_run).where(
        runs.c.kind == "document", runs.c.prefect_run.is_not(None)
    )
    rows = select_in(ledger, query.order_by(runs.c.token), runs.c.document, ids)
    last = {row.document: row.prefect_run for row in rows}
    return {flow_run: document for document, flow_run in last.items()}
