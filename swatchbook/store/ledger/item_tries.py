"""Renew and end the leases of items; decide how a failed try ends: rejected, open, due after a pause, or `failed`.

A run and its items are leased for 60 seconds after its last heartbeat; what happens then is in `dead_runs.py`. An open
item is for this run's next try. It is `failed` after eight runs that ended in a failure. Rate limits, outages and what
a person must repair do not count as attempts. An item that its provider asks to wait for has its next try then.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import JSON, ColumnElement, Connection, Double, bindparam, null, select, tuple_, update

from swatchbook.domain.backoff import pause_after
from swatchbook.domain.errors import SHARED_POLICIES, Failure, Policy
from swatchbook.domain.records import ItemState
from swatchbook.store.ledger.database import db_now
from swatchbook.store.ledger.figures import add_figures
from swatchbook.store.ledger.tables import items

LEASE_SECONDS = 60.0
"""How long a run and the items that it holds outlive its last heartbeat."""

NO_LEASE: Mapping[str, Any] = {"lease": null(), "lease_until": null(), "lease_size": null()}
"""Column values of an item that no run holds."""

ItemId = tuple[str, str, str]
"""key, role, tag."""


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


# --- failed tries -----------------------------------------------------------------------------------------------------


RUN_LIMIT = 8
"""Runs that may end in a recorded failure before the item is `failed`."""


def failure_outcome(
    item: ItemId, failure: Mapping[str, str], *, runs: int, last_try: bool, pause: float | None = None
) -> dict[str, Any]:
    """Return the values for `record_failures` of an item that failed; `runs`: the item's, before this one.

    `failure`: a `failure_record`. `pause`: seconds that a provider asks to wait.
    """
    state = ItemState.PENDING
    if failure["policy"] == Policy.NEVER:
        state = ItemState.REJECTED
    elif last_try and failure["policy"] not in SHARED_POLICIES:
        runs += 1
        if runs >= RUN_LIMIT:
            state = ItemState.FAILED
        else:
            pause = pause_after(runs)
    return {
        **dict(zip(("of_key", "of_role", "of_tag"), item, strict=True)),
        "to_state": state,
        "to_runs": runs,
        "to_failure": failure,
        "to_pause": pause,
        "to_refund": int(failure["policy"] in SHARED_POLICIES),
    }


def record_failures(connection: Connection, outcomes: Sequence[dict[str, Any]], *, document: str, run: str) -> None:
    """Record the outcomes of a run's tries, and end the items' leases."""
    if outcomes:
        for (role, kind), count in Counter((each["of_role"], each["to_failure"]["kind"]) for each in outcomes).items():
            add_figures(connection, document, run, role, failure=kind, units=count)
        this = (items.c[name] == bindparam(f"of_{name}") for name in ("key", "role", "tag"))
        connection.execute(
            update(items)
            .where(*this)
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
