"""`swatchbook setup`: what Prefect knows of Swatchbook, made or only looked at."""

import asyncio
from collections.abc import Sequence

from rich.table import Table

from deployments.setup import Line, Mode, Outcome, set_up
from interface.cli.terminal import COMPLETED, OPEN, cell, table
from swatchbook.settings import Settings

__all__ = ["Mode", "draw", "exit_code", "run_setup"]

_STYLE = {Outcome.SAME: "dim", Outcome.MADE: "green", Outcome.UPDATED: "green", Outcome.KEPT: "yellow"}
_WOULD = {Outcome.MADE: "would be made", Outcome.UPDATED: "would be updated"}


def run_setup(settings: Settings, mode: Mode) -> list[Line]:
    """One line for each thing. Raises what `set_up` raises."""
    return asyncio.run(set_up(settings, mode))


def exit_code(lines: Sequence[Line], mode: Mode) -> int:
    """OPEN where a look found something to make or to update."""
    changes = any(line.outcome in (Outcome.MADE, Outcome.UPDATED) for line in lines)
    return OPEN if mode.check and changes else COMPLETED


def draw(lines: Sequence[Line], mode: Mode) -> Table:
    """What became of each thing, and how it differed."""
    made = table("what", "name", "", "difference")
    for line in lines:
        outcome = _WOULD.get(line.outcome, line.outcome) if mode.check else line.outcome
        said = f"{outcome}; overwrite it with --force" if line.outcome is Outcome.KEPT else outcome
        made.add_row(
            cell(line.what, "dim"),
            cell(line.name, "bold"),
            cell(said, _STYLE[line.outcome]),
            cell("\n".join(line.difference)),
        )
    return made
