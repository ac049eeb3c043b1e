"""Keep the processes that work on no document, and find what became of Prefect's flow runs.

Both are rows of `runs`. A `flow` is the process of a flow run, so that a dead one is found even if it had no document.
A `hold` is a process that stores files before a row names them, or copies files which a row named when it began:
nothing is deleted that became unused, or was stored, since the oldest live hold or run began.
"""

from collections.abc import Collection
from typing import Literal

from sqlalchemy import Connection, delete, func, select, update
from ulid import ULID

from swatchbook.domain.errors import RunRevoked
from swatchbook.domain.records import Record
from swatchbook.domain.runtime.process import Process
from swatchbook.store.ledger.database import Ledger, db_now, select_in
from swatchbook.store.ledger.dead_runs import process_of
from swatchbook.store.ledger.runs import insert_process
from swatchbook.store.ledger.tables import runs

_LEASE_SECONDS = 660.0
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
        insert_process(connection, token, flow_run, kind=kind, lease_seconds=_LEASE_SECONDS)
    return token


def renew_process(ledger: Ledger, token: str) -> None:
    """Record that a process is alive. Raises RunRevoked if it counts as dead, or has been replaced."""
    live = update(runs).where(runs.c.token == token, runs.c.state == "live")
    with ledger.write(turn=False) as connection:
        if not connection.execute(live.values(heartbeat_at=db_now(), lease_until=db_now() + _LEASE_SECONDS)).rowcount:
            raise RunRevoked(f"The process {token} counts as dead.")


def end_process(ledger: Ledger, token: str) -> None:
    """Forget a process."""
    with ledger.write(turn=False) as connection:
        connection.execute(delete(runs).where(runs.c.token == token))


def held_seconds(connection: Connection) -> float | None:
    """Return for how many seconds the oldest live hold or run has lasted; None without any."""
    oldest = select(db_now() - func.min(runs.c.started_at)).where(runs.c.state == "live", runs.c.kind != "flow")
    seconds = connection.execute(oldest).scalar_one()
    return None if seconds is None else max(0.0, seconds)


class FlowProcess(Record):
    """The process of a flow run. `age`: seconds since its last heartbeat."""

    process: Process
    age: float


def processes_of(ledger: Ledger, flow_runs: Collection[str]) -> dict[str, FlowProcess]:
    """Return flow run -> its process, of those that have recorded one."""
    query = select(runs, (db_now() - runs.c.heartbeat_at).label("age")).where(runs.c.kind == "flow")
    with ledger.read() as connection:
        return {
            row.prefect_run: FlowProcess(process=process_of(row._mapping), age=row.age)
            for row in select_in(connection, query, runs.c.prefect_run, flow_runs)
        }


class PastRun(Record):
    """The last run that a flow run began. `age`: seconds since it ended, 0 while it lives."""

    document: str
    state: Literal["live", "ended", "dead", "revoked"]
    age: float
    process: Process


def past_runs(ledger: Ledger, flow_runs: Collection[str]) -> dict[str, PastRun]:
    """Return flow run -> the last run that it began, of those that began one."""
    age = db_now() - func.coalesce(runs.c.ended_at, db_now())
    query = select(runs, age.label("age")).where(runs.c.document.is_not(None)).order_by(runs.c.token)
    with ledger.read() as connection:
        return {
            row.prefect_run: PastRun(
                document=row.document, state=row.state, age=row.age, process=process_of(row._mapping)
            )
            for row in select_in(connection, query, runs.c.prefect_run, flow_runs)
        }


def live_flow_runs(ledger: Ledger) -> dict[str, str]:
    """Return flow run -> document, of documents with a live run."""
    query = select(runs.c.prefect_run, runs.c.document).where(
        runs.c.state == "live", runs.c.kind == "document", runs.c.prefect_run.is_not(None)
    )
    with ledger.read() as connection:
        return {row.prefect_run: row.document for row in connection.execute(query)}


def last_flow_runs(ledger: Ledger, ids: Collection[str]) -> dict[str, str]:
    """Return flow run -> document, of the last run of each of these documents that a flow run began."""
    query = select(runs.c.document, runs.c.prefect_run).where(
        runs.c.kind == "document", runs.c.prefect_run.is_not(None)
    )
    with ledger.read() as connection:
        rows = select_in(connection, query.order_by(runs.c.token), runs.c.document, ids)
        last = {row.document: row.prefect_run for row in rows}
    return {flow_run: document for document, flow_run in last.items()}
