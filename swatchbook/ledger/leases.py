"""Leases on items: who holds them, for how long, and what the end of a try writes down."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import JSON, ColumnElement, Connection, Double, and_, bindparam, null, select, tuple_, update

from swatchbook.errors import SHARED, CrashedWorker, Failure, Policy
from swatchbook.ledger.database import db_now
from swatchbook.ledger.tables import items
from swatchbook.records import ItemState, Record

LEASE_SECONDS = 60.0
"""How long a run, and what it holds, outlives its last heartbeat."""

RUN_LIMIT = 8
"""Runs that may end in a recorded failure before the item is `failed`."""

FIRST_PAUSE, LONGEST_PAUSE = 900.0, 86_400.0
"""Seconds until what failed is tried again: 15 minutes, doubling, at most a day."""

ItemId = tuple[str, str, str]
"""key, role, tag."""


class FreedItems(Record):
    """What a dead run held. `halved`: some was claimed in company, and comes in smaller groups next time."""

    halved: bool
    named: bool


def pause_after(failures: int) -> float:
    """Seconds until something that has failed so often is tried again; `failures` counts from 1."""
    return min(FIRST_PAUSE * 2.0 ** (failures - 1), LONGEST_PAUSE)


def lease_range(token: str) -> tuple[str, str]:
    """First and last lease name of a run. Names are "<run's ULID>:<claim's ULID>", so a range finds them by index."""
    return f"{token}:{'0' * 26}", f"{token}:{'Z' * 26}"


def held_by(token: str) -> ColumnElement[bool]:
    """Whether an item is leased by this run."""
    return items.c.lease.between(*lease_range(token))


def renew(connection: Connection, token: str) -> None:
    """The run's items stay its own for another lease; those that a stage of another run locks are not waited for."""
    item = (items.c.key, items.c.role, items.c.tag)
    held = select(*item).where(held_by(token)).with_for_update(skip_locked=True)
    renewed = update(items).where(held_by(token), tuple_(*item).in_(held))
    connection.execute(renewed.values(lease_until=db_now() + LEASE_SECONDS))


def free(connection: Connection, which: ColumnElement[bool]) -> None:
    """Back to pending; attempts stay counted."""
    connection.execute(
        update(items).where(which).values(state=ItemState.PENDING, lease=null(), lease_until=null(), lease_size=null())
    )


def free_dead(connection: Connection, token: str) -> FreedItems:
    """Free what a dead run held and count the crash on each item.

    One that was alone, and had crashed before, is named: a recorded failure `crashed_worker`. The others keep the size
    of the group that they died in, so that the next one is at most half of it.
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
    named = [i for i in held if i.lease_size == 1 and i.crashes >= 1]
    record_failures(
        connection,
        [
            outcome(
                (i.key, i.role, i.tag),
                CrashedWorker(f"The process that worked on it alone died; {i.crashes + 1} deaths so far."),
                runs=i.runs,
                last_try=True,
            )
            for i in named
        ],
    )
    return FreedItems(halved=any(i.lease_size != 1 for i in held), named=bool(named))


def outcome(item: ItemId, failure: Failure, *, runs: int, last_try: bool) -> dict[str, Any]:
    """What a failed try comes to, by the failure's policy; `runs` as recorded so far. For `record_failures`."""
    state, pause = ItemState.PENDING, None
    if failure.policy is Policy.NEVER:
        state = ItemState.REJECTED
    elif last_try and failure.policy not in SHARED:
        runs += 1
        if runs >= RUN_LIMIT:
            state = ItemState.FAILED
        else:
            pause = pause_after(runs)
    return {
        **identified(item),
        "to_state": state,
        "to_runs": runs,
        "to_failure": failure_record(failure),
        "to_pause": pause,
        "to_refund": int(failure.policy in SHARED),
    }


def record_failures(connection: Connection, outcomes: Sequence[dict[str, Any]]) -> None:
    """Write outcomes; the items are leased by nobody then."""
    if outcomes:
        connection.execute(
            update(items)
            .where(is_identified())
            .values(
                state=bindparam("to_state"),
                runs=bindparam("to_runs"),
                attempts=items.c.attempts - bindparam("to_refund"),
                failure=bindparam("to_failure", type_=JSON),
                next_retry_at=db_now() + bindparam("to_pause", type_=Double),  # NULL, at once, where there is no pause
                lease=null(),
                lease_until=null(),
                lease_size=null(),
            ),
            outcomes,
        )


def failure_record(failure: Failure) -> dict[str, str]:
    """A failure as the ledger keeps it."""
    return {"kind": failure.kind, "policy": failure.policy.value, "message": str(failure)}


def identified(item: ItemId) -> dict[str, str]:
    """Parameters of `is_identified`."""
    return dict(zip(("of_key", "of_role", "of_tag"), item, strict=True))


def is_identified() -> ColumnElement[bool]:
    """One item, for statements executed with many parameter sets."""
    return and_(
        items.c.key == bindparam("of_key"), items.c.role == bindparam("of_role"), items.c.tag == bindparam("of_tag")
    )
