"""Processes that go on although their run was taken for dead: they hang, and hold memory and a core for nothing."""

import psutil
from sqlalchemy import ColumnElement, and_, exists, select

from swatchbook.ledger.database import Ledger, db_now
from swatchbook.ledger.runs import process_of
from swatchbook.ledger.tables import runs
from swatchbook.runtime.process import Process, is_dead

NOTICE_SECONDS = 60.0
"""In which a process notices that its run was taken from it, and turns to other work or ends."""

_LONG_AGO = 86_400.0  # seconds: whatever became of it has been seen to


def kill_hung(ledger: Ledger) -> list[int]:
    """End such processes on this machine, by pid; one elsewhere is its worker's to end.

    One that has begun another run since does not hang. Neither this process nor those that started it are ended.
    """
    here = psutil.Process()
    kin = {here.pid, *(process.pid for process in here.parents())}
    killed = []
    for process in _hanging(ledger):
        if process.pid not in kin and is_dead(process) is False:
            try:
                psutil.Process(process.pid).kill()
            except psutil.Error:  # it has just gone, or is somebody else's
                continue
            killed.append(process.pid)
    return killed


def _hanging(ledger: Ledger) -> list[Process]:
    others = runs.alias("others")
    same = [others.c[name] == runs.c[name] for name in ("host", "boot_id", "pid_namespace", "pid", "pid_started")]
    went_on: ColumnElement[bool] = exists().where(and_(*same), others.c.token > runs.c.token)
    query = select(runs).where(
        runs.c.state == "dead",
        runs.c.ended_at < db_now() - NOTICE_SECONDS,
        runs.c.ended_at > db_now() - _LONG_AGO,
        ~went_on,
    )
    with ledger.read() as connection:
        return [process_of(row) for row in connection.execute(query).mappings()]
