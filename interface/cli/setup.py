"""Print what `swatchbook setup` has created, updated or kept in the Prefect server.

With --check the exit status is 3 if something would change. `deployments/setup.py` decides what is overwritten.
"""

import asyncio
from collections.abc import Sequence

from rich.table import Table

from deployments.setup import Line, Mode, Outcome, set_up
from interface.cli.exit_status import COMPLETED, OPEN
from interface.cli.terminal import cell, table
from swatchbook.settings import Settings

__all__ = ["Mode", "draw", "exit_code", "run_setup"]

_STYLE = {Outcome.SAME: "dim", Outcome.CREATED: "green", Outcome.UPDATED: "green", Outcome.KEPT: "yellow"}
_WOULD = {Outcome.CREATED: "would be created", Outcome.UPDATED: "would be updated"}


def run_setup(settings: Settings, mode: Mode) -> list[Line]:
    """Run `set_up` and return one line per object. Raises what `set_up` raises."""
    return asyncio.run(set_up(settings, mode))


def exit_code(lines: Sequence[Line], mode: Mode) -> int:
    """Return OPEN when a check found something to create or update, else COMPLETED."""
    changes = any(line.outcome in (Outcome.CREATED, Outcome.UPDATED) for line in lines)
    return OPEN if mode.check and changes else COMPLETED


def draw(lines: Sequence[Line], mode: Mode) -> Table:
    """Return the lines as a table."""
    rows = table("object", "name", "outcome", "difference")
    for line in lines:
        outcome = _WOULD.get(line.outcome, line.outcome) if mode.check else line.outcome
        text = f"{outcome}; --force overwrites it" if line.outcome is Outcome.KEPT else outcome
        rows.add_row(
            cell(line.what, "dim"),
            cell(line.name, "bold"),
            cell(text, _STYLE[line.outcome]),
            cell("\n".join(line.difference)),
        )
    return rows
