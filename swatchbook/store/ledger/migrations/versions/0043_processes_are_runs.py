"""Processes of flow runs, and those that hold files back, are rows of `runs` without a document."""

from collections.abc import Mapping

from alembic import op
from sqlalchemy import column, insert, select, table
from ulid import ULID

revision = "0043"
down_revision = "0042"

_TIMES = ("started_at", "heartbeat_at", "progress_at", "lease_until")
_PROCESS = ("host", "boot_id", "pid_namespace", "pid", "pid_started")
_HOLD = {"token": "token"} | dict(zip(_TIMES, ("held_since", "held_since", "held_since", "lease_until"), strict=True))
_FLOW = {"prefect_run": "flow_run"} | dict.fromkeys(_TIMES, "heartbeat_at")


def upgrade() -> None:
    with op.batch_alter_table("runs") as batch:
        for name in ("document", "generation"):
            batch.alter_column(name, nullable=True)
    _move("file_holds", "hold", _HOLD)
    _move("flow_processes", "flow", _FLOW)


def _move(name: str, kind: str, renamed: Mapping[str, str]) -> None:
    """Move the rows of a table to `runs`. `renamed`: column -> the one before."""
    connection = op.get_bind()
    before = table(name, *map(column, {*renamed.values(), *_PROCESS}))
    for row in connection.execute(select(before)).mappings():
        values = {"token": str(ULID()), "kind": kind, "state": "live", **{each: row[each] for each in _PROCESS}}
        values |= {new: row[old] for new, old in renamed.items()}
        connection.execute(insert(table("runs", *map(column, values))).values(values))
    op.drop_table(name)
