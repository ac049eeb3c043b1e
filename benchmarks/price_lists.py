"""A long price list as a whole ingest: seconds, processor seconds and memory of the command with all its children.

The list is made here: rows of a code, a name, a size, a finish and a price. `python -m benchmarks.price_lists [ROWS
[PAGES]]` ingests one of 32 rows a page on 22 pages, or of what is given; `python -m benchmarks.price_lists FILE …`
takes PDFs instead. It prints the stages, and each process with its processor seconds and largest memory.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen
from typing import Any

import psutil
import pymupdf

from benchmarks.commands import SWATCHBOOK

ROWS, PAGES = 32, 22
_HEADS = ("Code", "Description", "Size", "Finish", "Price")
_COLUMNS = (48, 120, 300, 390, 500)  # points
_TOP, _BOTTOM = 120, 800
_WARES = (
    "Hinge", "Bracket", "Door handle", "Cabinet knob", "Rail end", "Drawer slide", "Coat hook", "Mortice lock",
    "Floor stop", "Shelf pin", "Corner plate", "Window stay",
)  # fmt: skip
_SERIES = (
    "Lugano", "Merano", "Tolmin", "Arosa", "Velden", "Corvara", "Soelden", "Bormio", "Livigno", "Davos", "Ischgl",
    "Zermatt",
)  # fmt: skip
_FINISHES = ("brushed nickel", "matt black", "polished brass", "chrome", "white", "antique bronze")
_SAMPLE_SECONDS = 0.25
_MIB = 1 << 20


@dataclass
class Process:
    """What one process used: processor seconds, and MiB at most (PSS)."""

    name: str
    processor: float = 0.0
    most: float = 0.0


@dataclass
class Cost:
    """What one ingest took: seconds, and MiB at most of the command with all its children at one moment."""

    wall: float = 0.0
    peak: float = 0.0
    processes: dict[int, Process] = field(default_factory=dict)
    report: Mapping[str, Any] = field(default_factory=dict)

    @property
    def processor(self) -> float:
        """The processor seconds of all processes, user and system, to the last sample of each."""
        return sum(process.processor for process in self.processes.values())


def make_price_list(path: Path, *, rows: int = ROWS, pages: int = PAGES) -> Path:
    """Write a list with so many rows on each page under one heading a page; the same libraries give the same text."""
    book = pymupdf.open()
    step = min(20.0, (_BOTTOM - _TOP) / rows)
    size = min(9.0, 0.7 * step)
    for number in range(pages):
        page = book.new_page()
        page.insert_text((48, 60), f"{_WARES[number % 12]}s, section {number + 1}", fontsize=18, fontname="hebo")
        for x, head in zip(_COLUMNS, _HEADS, strict=True):
            page.insert_text((x, _TOP - 14), head, fontsize=9, fontname="hebo")
        for n in range(rows):
            y = _TOP + step * n + size
            for x, cell in zip(_COLUMNS, _cells(rows * number + n, number, n), strict=True):
                page.insert_text((x, y), cell, fontsize=size)
            page.draw_line((44, y + 0.3 * step), (555, y + 0.3 * step), color=(0.7, 0.7, 0.7), width=0.4)
        page.insert_text((280, 825), str(number + 1), fontsize=8)
    book.save(path)
    return path


def _cells(number: int, section: int, row: int) -> tuple[str, ...]:
    name = f"{_WARES[section % 12]} {_SERIES[row % 12]} {100 + 5 * (number % 197)}"
    size = f"{20 + 4 * (row % 23)} x {30 + 6 * (number % 31)} mm"
    return f"HB-{10_000 + 7 * number}", name, size, _FINISHES[number % 6], f"{4 + number % 90}.{10 + number % 89} EUR"


def measure(path: Path) -> Cost:
    """Ingest a PDF into an empty home by the command. Raises RuntimeError if it fails."""
    cost = Cost()
    with tempfile.TemporaryDirectory() as home, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        environment = {**os.environ, "SWATCHBOOK_HOME": home}
        started = time.monotonic()
        command = Popen([SWATCHBOOK, "ingest", "--json", str(path)], env=environment, stdout=out, stderr=errors)
        root = psutil.Process(command.pid)
        while command.poll() is None:
            _sample(root, cost)
            time.sleep(_SAMPLE_SECONDS)
        cost.wall = time.monotonic() - started
        if command.returncode not in (0, 3):
            errors.seek(0)
            raise RuntimeError(f"exit {command.returncode}\n{errors.read().decode()[-3000:]}")
        out.seek(0)
        answer = json.loads(out.read())
        cost.report = answer[0] if isinstance(answer, list) else answer
    return cost


def _sample(root: psutil.Process, cost: Cost) -> None:
    """Add what each process of a tree uses at this moment."""
    total = 0.0
    with suppress(psutil.Error):
        for process in (root, *root.children(recursive=True)):
            with suppress(psutil.Error):
                times, used = process.cpu_times(), process.memory_full_info().pss / _MIB
                known = cost.processes.setdefault(process.pid, Process(_name(process.cmdline())))
                known.processor, known.most = times.user + times.system, max(used, known.most)
                total += used
    cost.peak = max(cost.peak, total)


def _name(command: Sequence[str]) -> str:
    return next((part for part in reversed(command) if part.startswith(("swatchbook.", "interface."))), "the command")


def main(arguments: Sequence[str]) -> None:
    numbers = [int(each) for each in arguments if each.isdigit()]
    files = [Path(each) for each in arguments if not each.isdigit()]
    with tempfile.TemporaryDirectory() as folder:
        if not files:
            rows, pages = (*numbers, *(ROWS, PAGES)[len(numbers) :])
            files = [make_price_list(Path(folder) / f"price-list-{rows}x{pages}.pdf", rows=rows, pages=pages)]
        for path in files:
            load = os.getloadavg()[0]
            _tell(path, measure(path), load)


def _tell(path: Path, cost: Cost, load: float) -> None:
    used = f"processor {cost.processor:.1f} s, peak {cost.peak:.0f} MiB"
    print(f"{path.name}: {cost.wall:.1f} s, {used}, load {load:.1f} before and {os.getloadavg()[0]:.1f} after")
    print("  " + ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in cost.report["seconds"].items()))
    print(f"  products {cost.report['products_discovered']}, chunks {cost.report['chunks_created']}")
    for process in cost.processes.values():
        print(f"  {process.processor:5.1f} s {process.most:6.0f} MiB  {process.name}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
