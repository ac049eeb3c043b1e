"""Find what became of Prefect's flow runs: the process of each, and the last run that it began.

Processes are registered, so that a dead one is found even if it had no document.
"""

from collections.abc import Collection
from typing import Literal

from sqlalchemy import delete, func, select, update

from swatchbook.domain.records import Record
from swatchbook.domain.runtime.process import Process, here
from swatchbook.store.ledger.database import Ledger, db_now, select_in, upsert
from swatchbook.store.ledger.process_rows import columns_of, process_of
from swatchbook.store.ledger.tables import flow_processes, runs


class FlowProcess(Record):
    """The process of a flow run. `age`: seconds since its last heartbeat."""

    process: Process
    age: float


def register(ledger: Ledger, flow_run: str) -> None:
    """Record this process as that of a flow run, instead of an earlier one."""
    row = {**columns_of(here()), "heartbeat_at": db_now()}
    with ledger.write(turn=False) as connection:
        new = upsert(connection, flow_processes).values(flow_run=flow_run, **row)
        connection.execute(new.on_conflict_do_update(index_elements=[flow_processes.c.flow_run], set_=row))


def record_heartbeat(ledger: Ledger, flow_run: str) -> None:
    """Record that the process of a flow run is alive."""
    with ledger.write(turn=False) as connection:
        this = flow_processes.c.flow_run == flow_run
        connection.execute(update(flow_processes).where(this).values(heartbeat_at=db_now()))


def unregister(ledger: Ledger, flow_run: str) -> None:
    """Forget a flow run that has ended."""
    with ledger.write(turn=False) as connection:
        connection.execute(delete(flow_processes).where(flow_processes.c.flow_run == flow_run))


def registered(ledger: Ledger, flow_runs: Collection[str]) -> dict[str, FlowProcess]:
    """Return flow run -> its process, of those that have registered one."""
    query = select(flow_processes, (db_now() - flow_processes.c.heartbeat_at).label("age"))
    with ledger.read() as connection:
        return {
            row.flow_run: FlowProcess(process=process_of(row._mapping), age=row.age)
            for row in select_in(connection, query, flow_processes.c.flow_run, flow_runs)
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
    query = select(runs, age.label("age")).order_by(runs.c.token)
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
