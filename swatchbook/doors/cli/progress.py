"""Show the live progress of a document, read from the ledger, so that it works for a run in any process.

There is a line for each finished stage; a terminal also shows a bar below them, and what the run does at the moment.
"""

import os
import platform
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

from rich.console import Console, Group
from rich.live import Live
from rich.progress import Progress
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from swatchbook.domain.errors import Failure
from swatchbook.domain.records import RunReport, Stage, overall_percent
from swatchbook.doors.cli.run_report import WORK
from swatchbook.doors.cli.terminal import cell, duration
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.queries.report import document_report
from swatchbook.store.ledger.queries.stage_times import StageTiming, stage_timings
from swatchbook.store.ledger.run_queries import LiveRun, live_run
from swatchbook.store.ledger.stored_documents import PDF, Document
from swatchbook.upkeep.reports.document_state import describe_progress, describe_step
from swatchbook_base.one_line import clean

_DRAW_SECONDS = 0.25  # between two looks at the run on a terminal
_LINE_SECONDS = 1.0  # between two looks at its finished stages, which cost the run as much


def draw(document: Document, run: LiveRun | None, *, seconds: float) -> Group:
    """Return an overall bar, and what the run does at the moment."""
    stage = run.stage if run else None
    whole = overall_percent(stage, run.done, run.total) if run and stage else 0.0
    head = Table.grid(padding=(0, 1))
    head.add_row(
        cell(document.name, "bold"),
        ProgressBar(total=100, completed=whole, width=30, complete_style="cyan", finished_style="green"),
        Text(f"{whole:3.0f} %"),
        Text(duration(seconds), "dim"),
    )
    step = describe_step(document.kind, stage, run.done, run.total, run.note) if run and stage else None
    doing = (step or describe_progress(None)).sentence
    elsewhere = run and stage and (run.pid, run.host) != (os.getpid(), platform.node())
    follows = [Text(f"following process {run.pid} on {run.host}", "dim")] if run and elsewhere else []
    return Group(head, Spinner("dots", Text(clean(doing), "bold"), style="cyan"), *follows)


@contextmanager
def watching(ledger: Ledger, document: Document, console: Console) -> Iterator[None]:
    """Show the document's progress while the block runs."""
    over = threading.Event()
    with ExitStack() as stack:
        live = None
        if console.is_terminal:
            shown = draw(document, None, seconds=0.0)
            live = stack.enter_context(Live(shown, console=console, auto_refresh=False, transient=True))
        watcher = threading.Thread(target=_watch, args=(ledger, document, console, live, over), daemon=True)
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join(5)


def stage_line(document: Document, timing: StageTiming, report: RunReport) -> str:
    """Return a line with a finished stage, its result, its time, and of images how many were made in a second."""
    result = {
        Stage.READ: f"{timing.units} pages" if timing.units else "",
        Stage.CHUNKED: f"{report.chunks_created} chunks",
        Stage.EXTRACTED: f"{report.images_found} images",
        # where all vectors were there already, they are published only with the next stage
        Stage.EMBEDDED: f"{report.images_complete} of {report.images_found} images complete"
        if timing.units
        else "nothing left to make",
        Stage.ASSEMBLED: f"{report.products_discovered} products",
    }.get(timing.stage, "")
    is_counted = timing.stage is Stage.EMBEDDED and timing.units and timing.seconds > 0
    rate = f"{timing.units / timing.seconds:.3g} images/s" if is_counted else ""
    what = "scan" if document.kind != PDF and timing.stage is Stage.EXTRACTED else WORK[timing.stage]
    return " · ".join(filter(None, (clean(document.name), what, result, duration(timing.seconds), rate)))


@contextmanager
def counting(label: str, console: Console) -> Iterator[Callable[[int, int], None]]:
    """Show a bar; yields a function that updates it with (done, total)."""
    with Progress(
        *Progress.get_default_columns(), console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _watch(ledger: Ledger, document: Document, console: Console, live: Live | None, over: threading.Event) -> None:
    """Print a line for each stage that the run finishes, the last ones after its end, and update the live bar."""
    begun = looked = time.monotonic()
    run: LiveRun | None = None
    printed, last = set[Stage](), False
    while not last:
        last = over.wait(_DRAW_SECONDS if live else _LINE_SECONDS)
        now = time.monotonic()
        with suppress(Failure):  # ledger outage, or the document was deleted: the run itself reports it
            run = live_run(ledger, document.id) or run
            if run and (last or now - looked >= _LINE_SECONDS):
                looked = now
                finished = [each for each in stage_timings(ledger, run.token) if each.stage not in printed]
                if finished:
                    report = document_report(ledger, document.id)
                    for timing in finished:
                        console.print(Text(stage_line(document, timing, report)), soft_wrap=True)
                        printed.add(timing.stage)
        if live:
            live.update(draw(document, run, seconds=now - begun), refresh=True)
