"""How the command line speaks: results on stdout, everything else on stderr, plain where nobody watches."""

import json
import re
import sys
from collections.abc import Iterable
from typing import IO, Any

from pydantic import TypeAdapter
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from swatchbook.errors import Failure, InvalidReference
from swatchbook.records import Stage

COMPLETED, FAILED, USAGE, OPEN, INTERRUPTED = 0, 1, 2, 3, 130
"""Exit codes. OPEN: waiting, or completed with failures."""

WORK = {
    Stage.REGISTERED: "register",
    Stage.READ: "read pages",
    Stage.DISCOVERED: "find products",
    Stage.PLANNED: "plan pages",
    Stage.CHUNKED: "cut text",
    Stage.EXTRACTED: "extract images",
    Stage.EMBEDDED: "make vectors",
    Stage.ASSEMBLED: "link products",
    Stage.COMPLETED: "report",
}
"""The work that leads to each stage, as people read it."""

PIPED_WIDTH = 160  # columns; rich's 80 would fold tables in files and logs


_DRIVING = re.compile(r"[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What JSON leaves as it is: C1 controls, changes of writing direction, line separators, lone surrogates."""


def worst(codes: Iterable[int]) -> int:
    """One exit code for many documents: failed before misused before open before completed."""
    given = set(codes)
    return next((code for code in (FAILED, USAGE, OPEN) if code in given), COMPLETED)


def out() -> Console:
    """Results."""
    return _console(sys.stdout)


def err() -> Console:
    """Progress, notes and errors."""
    return _console(sys.stderr)


def say_json(value: Any) -> None:
    """Any records, as indented JSON on stdout; what could drive a terminal, or is no Unicode, is escaped."""
    plain = TypeAdapter(Any).dump_python(value, mode="json")
    written = json.dumps(plain, indent=2, ensure_ascii=False)
    sys.stdout.write(_DRIVING.sub(lambda found: json.dumps(found[0])[1:-1], written) + "\n")


def say_failure(failure: Failure, subject: str = "") -> int:
    """One clear line on stderr, its advice below. Returns the exit code that the failure stands for."""
    said = Text.assemble(
        ("✗ ", "bold red"), (clean(f"{subject}: {failure.message}" if subject else failure.message), "red")
    )
    err().print(said, soft_wrap=True)
    if failure.advice:
        err().print(Text("  " + clean(failure.advice)), soft_wrap=True)
    return USAGE if isinstance(failure, InvalidReference) else FAILED


def note(message: str) -> None:
    """A remark on stderr."""
    err().print(Text(clean(message), "dim"), soft_wrap=True)


def table(*columns: str, title: str | None = None, right: Iterable[str] = ()) -> Table:
    """An empty table in the house's look; `right` names the columns of figures."""
    made = Table(
        box=box.SIMPLE_HEAD, title=title, title_justify="left", title_style="bold", header_style="dim", pad_edge=False
    )
    for column in columns:
        figures = column in right
        made.add_column(column, justify="right" if figures else "left", no_wrap=figures, overflow="fold")
    return made


def facts(pairs: Iterable[tuple[str, Text | str]]) -> Table:
    """Names and values below one another."""
    made = Table.grid(padding=(0, 2))
    made.add_column(style="dim", no_wrap=True)
    made.add_column(overflow="fold")
    for name, value in pairs:
        made.add_row(name, value if isinstance(value, Text) else cell(value))
    return made


def cell(value: object, style: str = "") -> Text:
    """A value as a table shows it. Names and messages come from strangers' files, so control characters go."""
    return Text("–" if value is None else clean(str(value)), style)


def clean(text: str) -> str:
    """Without control characters, which could move the cursor or recolour the terminal; line ends stay."""
    return "".join(c if c.isprintable() or c == "\n" else " " for c in text)


def megabytes(size: int) -> str:
    """12,345,678 bytes → 12.3 MB."""
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.1f} kB"


def duration(seconds: float) -> str:
    """0.42 s, 12 s, 3:05 min, 2:03 h."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d} min" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02d} h"


def until(moment: float | None, now: float) -> str:
    """A time to come, seen from now (Unix seconds)."""
    if moment is None:
        return "–"
    return "now" if moment <= now else f"in {duration(moment - now)}"


def _console(file: IO[str]) -> Console:
    watched = file.isatty()
    return Console(file=file, width=None if watched else PIPED_WIDTH, markup=False, highlight=False, emoji=False)
