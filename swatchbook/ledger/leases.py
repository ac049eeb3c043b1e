"""Renew the leases of runs, and free items. A run and its items are leased for 60 seconds after its last heartbeat.

What happens when a lease is over is in `dead_runs.py`.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, null, select, tuple_, update

from swatchbook.ledger.database import db_now
from swatchbook.ledger.tables import items
from swatchbook.records import ItemState

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
