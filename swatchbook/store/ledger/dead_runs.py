"""End dead runs: those without progress for five minutes (they hang), without a process, or with an expired lease.

Their items are free again. Their documents wait, and fail after three deaths in a row with nothing committed. An item
that was alone, and at which a process had died before, fails as `crashed_worker`. A hung process is killed a minute
later. A hold (`runs.py`) dies with its process, and of one that this host cannot look at when its lease is over.
"""

import logging
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import Connection, RowMapping, exists, false, literal, null, select, update

from swatchbook.domain.errors import CrashedWorker
from swatchbook.domain.records import DocumentStatus, ItemState, Stage
from swatchbook.domain.runtime.process import Process, is_dead
from swatchbook.store.ledger.database import Ledger, db_now
from swatchbook.store.ledger.item_tries import failure_outcome, failure_record, held_by, record_failures
from swatchbook.store.ledger.requested import requested_items
from swatchbook.store.ledger.tables import documents, items, runs
from swatchbook.store.ledger.webhooks import owe_notice

log = logging.getLogger(__name__)

DEATHS = 3
"""Runs of a document that may die in a row with nothing committed, before it is `failed`."""

STALL_SECONDS = 300.0
"""How long a run may go without progress before it counts as hung. One that waits on purpose calls `record_alive`."""

NOTICE_SECONDS = 60.0
"""Time for a process to notice that its run was marked dead, and to begin another or end."""

_LOOK_BACK_SECONDS = 86_400.0  # processes of runs marked dead earlier were dealt with


def process_of(row: RowMapping) -> Process:
    """Return the process of a row of `runs`."""
    return Process(**{name: row[name] for name in Process.model_fields})


def mark_dead(ledger: Ledger, document: str | None = None) -> list[str]:
    """End the runs (of one document, or all) whose process is dead, whose lease is over, or that hang; return tokens.

    Their items are free at once, with the crash counted; their documents wait, due now, or are `failed` after three
    deaths in a row with nothing committed. A death is blamed on the items, and not counted, where it halves a group of
    them or quarantines one of a document that has others done.
    """
    with ledger.read() as connection:
        if not find_dead(connection, document):
            return []
    with ledger.write() as connection:
        return mark_runs_dead(connection, find_dead(connection, document))


def find_dead(connection: Connection, document: str | None) -> list[RowMapping]:
    """Return the live runs and holds (of one document, or all) that are dead."""
    over, hangs = runs.c.lease_until < db_now(), runs.c.progress_at < db_now() - STALL_SECONDS
    query = select(runs, over.label("over"), hangs.label("hangs")).where(runs.c.state == "live", runs.c.kind != "flow")
    if document is not None:
        query = query.where(runs.c.document == document)
    return [row for row in connection.execute(query.order_by(runs.c.token)).mappings() if _has_died(row)]


def _has_died(row: RowMapping) -> bool:
    has_ended = is_dead(process_of(row))
    if row["kind"] == "hold":  # its process may be waiting for a ledger that is down
        return bool(row["over"] if has_ended is None else has_ended)
    return bool(row["over"] or row["hangs"] or has_ended)


def mark_runs_dead(connection: Connection, dead: Sequence[RowMapping]) -> list[str]:
    """End these live rows of `runs` as dead, except those with a newer heartbeat; return the tokens of runs."""
    tokens = []
    for row in dead:
        token, document = row["token"], row["document"]
        is_dead_still = connection.execute(
            update(runs)
            .where(runs.c.token == token, runs.c.state == "live", runs.c.heartbeat_at == row["heartbeat_at"])
            .values(state="dead", ended_at=db_now())
        ).rowcount
        if is_dead_still and document is not None:
            tokens.append(token)
            log.error("a run died", extra={"run": token, "document": document, "stage": row["stage"]})
            blames_items = _free_items(connection, token, document)
            _count_death(connection, row, deaths=0 if blames_items else 1)
    return tokens


def mark_shards_dead(ledger: Ledger, flow_runs: Collection[str]) -> list[str]:
    """Mark the shard runs of flow runs that are known to be over dead, free their items and return their tokens.

    Else a process that died on another machine or in a container would be noticed only when its lease is over.
    """
    gone = select(runs, literal(True).label("over"), false().label("hangs")).where(
        runs.c.prefect_run.in_(flow_runs), runs.c.kind == "shard", runs.c.state == "live"
    )
    if ledger.execute(gone.limit(1)).first() is None:  # called every second; a write would take a turn
        return []
    with ledger.write() as connection:
        return mark_runs_dead(connection, connection.execute(gone).mappings().all())


def _count_death(connection: Connection, row: RowMapping, *, deaths: int) -> None:
    """Count the death of a document's own run, and set the document waiting or failed."""
    document = connection.execute(
        select(documents.c.deaths, documents.c.status).where(documents.c.run == row["token"]).with_for_update()
    ).one_or_none()
    if document is None:  # the run of a shard or review, or not the document's any more
        return
    total = document.deaths + deaths
    stage = row["stage"] or Stage.REGISTERED
    where = f"while working towards {stage}" + (f" ({row['done']}/{row['total']})" if row["total"] else "")
    values: dict[str, Any] = {"run": null(), "deaths": total, "updated_at": db_now()}
    what = "Its process hung" if row["hangs"] and not row["over"] else "Its process died"
    if document.status == DocumentStatus.RUNNING:
        if total >= DEATHS:
            values |= {
                "status": DocumentStatus.FAILED,
                "failure_kind": "crashed_worker",
                "message": f"{what} {where}; {total} times in a row nothing was committed.",
            }
        else:
            values |= {
                "status": DocumentStatus.WAITING,
                "due_at": db_now(),
                "message": f"{what} {where}; the next run continues there.",
            }
    connection.execute(update(documents).where(documents.c.run == row["token"]).values(**values))
    owe_notice(connection, row["document"])


def _free_items(connection: Connection, token: str, document: str) -> bool:
    """Free the items that a dead run held and count the crash on each; return whether the death is blamed on them.

    An item that was alone and had crashed before is quarantined: a recorded failure `crashed_worker`. The others keep
    the size of the group that crashed, so that the next group is at most half of it.
    """
    held = connection.execute(
        select(items.c.key, items.c.role, items.c.tag, items.c.runs, items.c.crashes, items.c.lease_size).where(
            held_by(token)
        )
    ).all()
    connection.execute(
        update(items)
        .where(held_by(token))
        .values(state=ItemState.PENDING, crashes=items.c.crashes + 1, lease=null(), lease_until=null())
    )
    quarantined = [i for i in held if i.lease_size == 1 and i.crashes >= 1]
    record_failures(
        connection,
        [
            failure_outcome(
                (i.key, i.role, i.tag),
                failure_record(
                    CrashedWorker(f"The process died that worked on this item alone; {i.crashes + 1} deaths so far.")
                ),
                runs=i.runs,
                last_try=True,
            )
            for i in quarantined
        ],
        document=document,
        run=token,
    )
    rows = requested_items(document)
    done = select(rows.c.key).where(rows.c.state == ItemState.DONE).limit(1)
    halves_group = any(i.lease_size != 1 for i in held)
    return halves_group or (bool(quarantined) and connection.execute(done).first() is not None)


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
                hung = psutil.Process(process.pid)
                if not _has_open(hung, ledger):
                    continue
                hung.kill()
            except psutil.Error:  # it has just ended, or belongs to another user
                continue
            killed.append(process.pid)
    return killed


def _has_open(process: psutil.Process, ledger: Ledger) -> bool:
    """Return whether a process works on this ledger; in the copy of a home in use, its runs are those of the original.

    Of a database server it is not asked.
    """
    if ledger.url.get_backend_name() != "sqlite":
        return True
    return str(Path(ledger.url.database or "").resolve()) in {each.path for each in process.open_files()}


def _hung(ledger: Ledger) -> list[Process]:
    others = runs.alias("others")
    same = [others.c[name] == runs.c[name] for name in Process.model_fields]
    began_another = exists().where(*same, others.c.token > runs.c.token, others.c.document.is_not(None))
    query = select(runs).where(
        runs.c.state == "dead",
        runs.c.document.is_not(None),
        runs.c.ended_at < db_now() - NOTICE_SECONDS,
        runs.c.ended_at > db_now() - _LOOK_BACK_SECONDS,
        ~began_another,
    )
    return [process_of(row) for row in ledger.execute(query).mappings()]
