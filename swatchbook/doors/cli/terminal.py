"""Print for the command line: results to stdout, everything else to stderr, with control characters replaced; and the
exit status of commands. It imports no records, so that commands import it at the top.

Without a terminal there are no colours, and 160 columns. Also has the formats of sizes, times and JSON.

Exit status, of several documents the most severe (1 before 2, 3 and 0):

- 0: completed
- 1: failed, blocked, cancelled, deleted meanwhile, or the input was refused
- 2: wrong usage, such as a path, document or collection that does not exist, or a mapping with a mistake
- 3: waiting, or completed with failures or without all pictures
- 130: interrupted, after a line that says how to continue
"""

import json
import logging
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from swatchbook.domain.errors import DocumentDeleted, Failure, InvalidReference, UnsupportedFormat
from swatchbook_base.one_line import clean

if TYPE_CHECKING:
    from swatchbook.domain.records import RunReport


PIPED_WIDTH = 160  # columns; rich's default of 80 would fold tables in files and logs

_UNSAFE = re.compile(r"[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Characters that json.dumps does not escape: C1 controls, direction marks, line separators, lone surrogates."""


def out() -> Console:
    """Return the console for results (stdout)."""
    return _console(sys.stdout)


def err() -> Console:
    """Return the console for progress, notes and errors (stderr)."""
    return _console(sys.stderr)


def say_json(value: Any) -> None:
    """Print records as indented JSON to stdout. Control characters and lone surrogates are escaped."""
    from pydantic import TypeAdapter

    plain = TypeAdapter(Any).dump_python(value, mode="json")
    text = json.dumps(plain, indent=2, ensure_ascii=False)
    sys.stdout.write(_UNSAFE.sub(lambda match: json.dumps(match[0])[1:-1], text) + "\n")


def say_failure(failure: Failure, subject: str = "") -> int:
    """Print a failure and its advice to stderr. Return its exit code: FAILED also for what was deleted meanwhile."""
    message = f"{subject}: {failure.message}" if subject else failure.message
    if isinstance(failure, UnsupportedFormat) and failure.begins:
        message += f" It begins: {failure.begins!r}."
    err().print(Text.assemble(("✗ ", "bold red"), (clean(message), "red")), soft_wrap=True)
    if failure.advice:
        err().print(Text("  " + clean(failure.advice)), soft_wrap=True)
    for place in where_log_is(failure.message):
        err().print(place, soft_wrap=True)
    is_usage = isinstance(failure, InvalidReference) and not isinstance(failure, DocumentDeleted)
    return USAGE if is_usage else FAILED


def where_log_is(*messages: str) -> list[Text]:
    """Return a line with the folder of the log where a message refers to the log; none where no file is written."""
    handlers = logging.getLogger().handlers
    files = [Path(each.baseFilename) for each in handlers if isinstance(each, logging.FileHandler)]
    folder = next((file.parent for file in files if file.name.startswith("swatchbook-")), None)
    if folder is None or not any("see the log" in message for message in messages):
        return []
    return [Text(f"  The log is in {clean(str(folder))}", "dim")]


def note(message: str) -> None:
    """Print a remark to stderr."""
    err().print(Text(clean(message), "dim"), soft_wrap=True)


def owner_flag(owner: str | None) -> str:
    """Return the flag that a printed command needs to be for this owner, or (None) for all owners."""
    from swatchbook.domain.records import DEFAULT_OWNER

    if owner is None:
        return " --all-owners"
    return "" if owner == DEFAULT_OWNER else f" --owner {owner}"


def table(*columns: str, right: Iterable[str] = ()) -> Table:
    """Return an empty table in the common style; `right` names the columns of numbers."""
    empty = Table(box=box.SIMPLE_HEAD, header_style="dim", pad_edge=False)
    for column in columns:
        is_number = column in right
        empty.add_column(column, justify="right" if is_number else "left", no_wrap=is_number, overflow="fold")
    return empty


def facts(pairs: Iterable[tuple[str, Text | str]]) -> Table:
    """Return names and values as a two-column grid."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in pairs:
        grid.add_row(name, value if isinstance(value, Text) else cell(value))
    return grid


def cell(value: object, style: str = "") -> Text:
    """Return a value as table text. Names and messages come from untrusted files: control characters are removed."""
    return Text("–" if value is None else clean(str(value)), style)


def megabytes(size: int) -> str:
    """Format a size: 12,345,678 bytes → 12.3 MB."""
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.1f} kB"


def duration(seconds: float) -> str:
    """Format seconds: 0.4 s, 12 s, 3:05 min, 2:03 h."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d} min" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02d} h"


def until(moment: float | None, now: float) -> str:
    """Format a future moment relative to `now` (both Unix seconds)."""
    if moment is None:
        return "–"
    return "now" if moment <= now else f"in {duration(moment - now)}"


def _console(file: IO[str]) -> Console:
    is_terminal = file.isatty()
    return Console(file=file, width=None if is_terminal else PIPED_WIDTH, markup=False, highlight=False, emoji=False)


COMPLETED, FAILED, USAGE, OPEN, INTERRUPTED = 0, 1, 2, 3, 130


def of_report(report: "RunReport") -> int:
    """Return COMPLETED, OPEN for what waits or lacks something, FAILED where nothing of it could be used, or a person
    must act first.
    """
    from swatchbook.domain.records import DocumentStatus
    from swatchbook.upkeep.reports.document_state import LOOK_AT_IT, describe_report, outcome_of_report

    shown = describe_report(report, now=0.0)
    if shown.word == LOOK_AT_IT and not outcome_of_report(report).lacking:
        return COMPLETED
    if shown.severity == "warning":
        return OPEN
    return COMPLETED if report.status is DocumentStatus.COMPLETED and shown.severity == "good" else FAILED


def worst(codes: Iterable[int]) -> int:
    """Return the most severe of the exit codes: FAILED, USAGE, OPEN, COMPLETED in this order."""
    seen = set(codes)
    return next((code for code in (FAILED, USAGE, OPEN) if code in seen), COMPLETED)


@contextmanager
def resumable() -> Iterator[None]:
    """On Ctrl-C, say how to resume and exit with 130."""
    try:
        yield
    except KeyboardInterrupt:
        from swatchbook.doors.cli.prefect_run import leave

        note("Interrupted. Finished work is kept; run the same command again to resume.")
        leave(INTERRUPTED)
