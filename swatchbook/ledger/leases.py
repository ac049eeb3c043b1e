"""Leases on items: renew, free, and record how a try ended."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import JSON, ColumnElement, Connection, Double, and_, bindparam, null, select, tuple_, update

from swatchbook.backoff import pause_after
from swatchbook.errors import SHARED, CrashedWorker, Failure, Policy
from swatchbook.ledger.database import db_now
from swatchbook.ledger.tables import items
from swatchbook.records import ItemState, Record

LEASE_SECONDS = 60.0
"""How long a run and the items that it holds outlive its last heartbeat."""

RUN_LIMIT = 8
"""Runs that may end in a recorded failure before the item is `failed`."""

NO_LEASE: Mapping[str, Any] = {"lease": null(), "lease_until": null(), "lease_size": null()}
"""Column values of an item that no run holds."""

ItemId = tuple[str, str, str]
"""key, role, tag."""


class FreedItems(Record):
    """What was done with the items of a dead run.

    `halved`: some were claimed together, and will be claimed in smaller groups. `quarantined`: an item that was alone
    and had crashed before is recorded as a failure.
    """

    halved: bool
    quarantined: bool


def lease_range(token: str) -> tuple[str, str]:
    """Return the first and last possible lease name of a run: "<run's ULID>:<claim's ULID>", a range of the index."""
    return f"{token}:{'0' * 26}", f"{token}:{'Z' * 26}"


def held_by(token: str) -> ColumnElement[bool]:
    """Return the condition that an item is leased by this run."""
    return items.c.lease.between(*lease_range(token))


def renew(connection: Connection, token: str) -> None:
    """Renew the leases of the run's items, except rows that another transaction locks: they are renewed next time."""
    item = (items.c.key, items.c.role, items.c.tag)
    held = select(*item).where(held_by(token)).with_for_update(skip_locked=True)
    renewed = update(items).where(held_by(token), tuple_(*item).in_(held))
    connection.execute(renewed.values(lease_until=db_now() + LEASE_SECONDS))


def free(connection: Connection, which: ColumnElement[bool]) -> None:
    """Set items pending again; their attempts stay counted."""
    connection.execute(update(items).where(which).values(state=ItemState.PENDING, **NO_LEASE))


def free_dead(connection: Connection, token: str) -> FreedItems:
    """Free the items that a dead run held and count the crash on each.

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
                CrashedWorker(f"The process died that worked on this item alone; {i.crashes + 1} deaths so far."),
                runs=i.runs,
                last_try=True,
            )
            for i in quarantined
        ],
    )
    return FreedItems(halved=any(i.lease_size != 1 for i in held), quarantined=bool(quarantined))


def failure_outcome(item: ItemId, failure: Failure, *, runs: int, last_try: bool) -> dict[str, Any]:
    """Return the values for `record_failures` of an item that failed; `runs`: the item's, before this one."""
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
        **_item_parameters(item),
        "to_state": state,
        "to_runs": runs,
        "to_failure": failure_record(failure),
        "to_pause": pause,
        "to_refund": int(failure.policy in SHARED),
    }


def record_failures(connection: Connection, outcomes: Sequence[dict[str, Any]]) -> None:
    """Record outcomes and end the items' leases."""
    if outcomes:
        connection.execute(
            update(items)
            .where(_is_item())
            .values(
                state=bindparam("to_state"),
                runs=bindparam("to_runs"),
                attempts=items.c.attempts - bindparam("to_refund"),
                failure=bindparam("to_failure", type_=JSON),
                next_retry_at=db_now() + bindparam("to_pause", type_=Double),  # NULL without a pause: at once
                **NO_LEASE,
            ),
            outcomes,
        )


def failure_record(failure: Failure) -> dict[str, str]:
    """Return a failure as the ledger stores it."""
    return {"kind": failure.kind, "policy": failure.policy.value, "message": str(failure)}


def _item_parameters(item: ItemId) -> dict[str, str]:
    return dict(zip(("of_key", "of_role", "of_tag"), item, strict=True))


def _is_item() -> ColumnElement[bool]:
    """Return the condition for one item, given by `_item_parameters`."""
    return and_(
        items.c.key == bindparam("of_key"), items.c.role == bindparam("of_role"), items.c.tag == bindparam("of_tag")
    )
