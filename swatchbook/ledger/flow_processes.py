"""Register the processes of Prefect's flow runs, so that a dead one is found even if it had no document."""

from collections.abc import Collection

from sqlalchemy import delete, select, update

from swatchbook.ledger.database import Ledger, db_now, select_in, upsert
from swatchbook.ledger.dead_runs import process_of
from swatchbook.ledger.tables import flow_processes
from swatchbook.records import Record
from swatchbook.runtime.process import Process, here


class FlowProcess(Record):
    """The process of a flow run. `age`: seconds since its last heartbeat."""

    process: Process
    age: float


def register(ledger: Ledger, flow_run: str) -> None:
    """Record this process as that of a flow run, instead of an earlier one."""
    me = here()
    row = {
        "host": me.host, "boot_id": me.boot_id, "pid_namespace": me.pid_namespace, "pid": me.pid,
        "pid_started": me.started, "heartbeat_at": db_now(),
    }  # fmt: skip
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
