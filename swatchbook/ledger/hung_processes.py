"""Hung processes: their run was marked dead, but they still run and hold memory and a core."""

import psutil
from sqlalchemy import ColumnElement, and_, exists, select

from swatchbook.ledger.database import Ledger, db_now
from swatchbook.ledger.runs import process_of
from swatchbook.ledger.tables import runs
from swatchbook.runtime.process import Process, is_dead

NOTICE_SECONDS = 60.0
"""Time for a process to notice that its run was marked dead, and to begin another or end."""

_LOOK_BACK_SECONDS = 86_400.0  # of runs marked dead earlier the processes were dealt with


def kill_hung(ledger: Ledger) -> list[int]:
    """Kill the hung processes of this machine and return their pids; other machines have their own workers for it.

    A process that has begun another run since does not hang. This process and its parents are never killed.
    """
    here = psutil.Process()
    kin = {here.pid, *(process.pid for process in here.parents())}
    killed = []
    for process in _hung(ledger):
        if process.pid not in kin and is_dead(process) is False:
            try:
                psutil.Process(process.pid).kill()
            except psutil.Error:  # it has just ended, or belongs to another user
                continue
            killed.append(process.pid)
    return killed


def _hung(ledger: Ledger) -> list[Process]:
    others = runs.alias("others")
    same = [others.c[name] == runs.c[name] for name in ("host", "boot_id", "pid_namespace", "pid", "pid_started")]
    began_another: ColumnElement[bool] = exists().where(and_(*same), others.c.token > runs.c.token)
    query = select(runs).where(
        runs.c.state == "dead",
        runs.c.ended_at < db_now() - NOTICE_SECONDS,
        runs.c.ended_at > db_now() - _LOOK_BACK_SECONDS,
        ~began_another,
    )
    with ledger.read() as connection:
        return [process_of(row) for row in connection.execute(query).mappings()]
