"""Hold back what garbage collection would delete, for a process that stores files before a row names them, or that
copies files which a row named when it began.

Nothing is deleted that became unused, or was stored, since the oldest live hold or run began. A hold ends with its
process; that of a process on another host, which this host cannot check, eleven minutes after its last heartbeat.
"""

from sqlalchemy import Connection, delete, func, insert, select, update
from ulid import ULID

from swatchbook.domain.errors import RunRevoked
from swatchbook.domain.runtime.process import here, is_dead
from swatchbook.store.ledger.database import Ledger, db_now
from swatchbook.store.ledger.process_rows import columns_of, process_of
from swatchbook.store.ledger.tables import file_holds, runs

_LEASE_SECONDS = 660.0
"""Longer than a process waits for a ledger that is down."""


def begin_hold(ledger: Ledger) -> str:
    """Begin a hold of this process, and return its token.

    It takes a turn with other writers: a deletion that did not see it is over before anything is stored under it.
    """
    token = str(ULID())
    with ledger.write() as connection:
        connection.execute(
            insert(file_holds).values(
                **columns_of(here()), token=token, held_since=db_now(), lease_until=db_now() + _LEASE_SECONDS
            )
        )
    return token


def renew_hold(ledger: Ledger, token: str) -> None:
    """Record that the process of a hold is alive. Raises RunRevoked if the hold has ended."""
    this = file_holds.c.token == token
    with ledger.write(turn=False) as connection:
        if not connection.execute(
            update(file_holds).where(this).values(lease_until=db_now() + _LEASE_SECONDS)
        ).rowcount:
            raise RunRevoked(f"The hold {token} has ended.")


def end_hold(ledger: Ledger, token: str) -> None:
    """End a hold."""
    with ledger.write(turn=False) as connection:
        connection.execute(delete(file_holds).where(file_holds.c.token == token))


def held_seconds(ledger: Ledger) -> float | None:
    """Return for how many seconds the oldest live hold or run has lasted; None without any."""
    with ledger.read() as connection:
        return read_held_seconds(connection)


def read_held_seconds(connection: Connection) -> float | None:
    """Do within a transaction what `held_seconds` does."""
    rows = connection.execute(select(file_holds, (file_holds.c.lease_until < db_now()).label("over"))).mappings().all()
    live = [row["held_since"] for row in rows if _is_live(is_dead(process_of(row)), over=row["over"])]
    began = connection.execute(select(func.min(runs.c.started_at)).where(runs.c.state == "live")).scalar_one()
    since = [*live, *([] if began is None else [began])]
    return max(0.0, connection.execute(select(db_now())).scalar_one() - min(since)) if since else None


def _is_live(is_dead: bool | None, *, over: bool) -> bool:
    """Return whether a hold counts. `is_dead`: None for a process on another host, whose lease decides."""
    return not over if is_dead is None else not is_dead


def drop_ended_holds(connection: Connection) -> int:
    """Delete the holds of dead processes, and return their number."""
    rows = connection.execute(select(file_holds, (file_holds.c.lease_until < db_now()).label("over"))).mappings().all()
    ended = [row["token"] for row in rows if not _is_live(is_dead(process_of(row)), over=row["over"])]
    return connection.execute(delete(file_holds).where(file_holds.c.token.in_(ended))).rowcount if ended else 0
