"""Show the live progress of a document, read from the ledger, so that it works for a run in any process.

A terminal shows a bar with stages and rates, read four times a second; else there is a line for each finished stage,
read once a second.
"""

import os
import platform
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress

from rich.console import Console, Group
from rich.live import Live
from rich.progress import Progress
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from swatchbook.domain.errors import Failure, LedgerDown
from swatchbook.domain.records import RunReport, Stage, overall_percent
from swatchbook.doors.cli.run_report import WORK
from swatchbook.doors.cli.terminal import cell, duration
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.queries.activity import StageTiming, stage_timings
from swatchbook.store.ledger.queries.document_figures import DocumentFigures, found_so_far
from swatchbook.store.ledger.queries.report import document_report
from swatchbook.store.ledger.run_queries import LiveRun, live_run, live_runs
from swatchbook.store.ledger.stored_documents import PDF, Document
from swatchbook.upkeep.reports.document_state import describe_progress, describe_step
from swatchbook_base.one_line import clean
from swatchbook_base.truncate import plural

POLL_SECONDS = 0.25
_COUNT_SECONDS = 1.0  # between two counts of products and images
_LINE_SECONDS = 1.0  # seconds; only finished stages are printed, and a look costs the run as much


def label_of(kind: str, stage: Stage) -> str:
    """Return what a stage does with a document of this kind."""
    return "scan" if kind != PDF and stage is Stage.EXTRACTED else WORK[stage]


def draw(
    document: Document,
    run: LiveRun | None,
    finished: Sequence[StageTiming] = (),
    *,
    seconds: float,
    rate: float = 0.0,
    figures: str = "",
    before: str = "",
) -> Group:
    """Return an overall bar, a line for each finished stage, and what the run does at the moment.

    `rate`: units in a second; `figures`: products and images so far; `before`: what is done before the run begins.
    """
    stage = run.stage if run else None
    whole = overall_percent(stage, run.done, run.total) if run and stage else 0.0
    head = Table.grid(padding=(0, 1))
    head.add_row(
        cell(document.name, "bold"),
        ProgressBar(total=100, completed=whole, width=30, complete_style="cyan", finished_style="green"),
        Text(f"{whole:3.0f} %"),
        Text(clock(seconds), "dim"),
    )
    lines = Table.grid(padding=(0, 1))
    for column in ("left", "left", "right", "right"):
        lines.add_column(justify="right" if column == "right" else "left", no_wrap=True)
    for each in finished:
        unit = describe_step(document.kind, each.stage).unit
        counts = Text(plural(each.units, unit) if each.units and unit else "", "dim")
        label = Text(label_of(document.kind, each.stage), "dim")
        lines.add_row(Text("✓", "green"), label, counts, Text(duration(each.seconds), "dim"))
    step = describe_step(document.kind, stage, run.done, run.total, run.note) if run and stage else None
    doing = step.sentence if step else before or describe_progress(None).sentence
    speed = per_second(rate, f"{step.unit}s" if step.unit else "") if step and rate > 0 else ""
    lines.add_row(Spinner("dots", style="cyan"), Text(clean(doing), "bold"), "", speed)
    if figures:
        lines.add_row("", Text(figures, "dim"))
    if run and stage and (run.pid, run.host) != (os.getpid(), platform.node()):
        return Group(head, lines, Text(f"following process {run.pid} on {run.host}", "dim"))
    return Group(head, lines)


def per_second(rate: float, unit: str) -> str:
    """Format a rate: 120 images/s, 3.4 images/s, 0.25 images/s."""
    return f"{rate:.{0 if rate >= 100 else 1 if rate >= 1 else 2}f} {unit}/s" if unit else f"{rate:.1f}/s"


def figures_in_words(found: DocumentFigures | None) -> str:
    """Return how many products and images are found so far, "" before the first."""
    if found is None:
        return ""
    counts = ((found.products, "product"), (found.images, "image"))
    return " · ".join(plural(count, noun) for count, noun in counts if count)


def clock(seconds: float) -> str:
    """Format elapsed time: 0:07, 12:34, 1:02:03."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}" if minutes >= 60 else f"{minutes}:{rest:02d}"


@contextmanager
def watching(
    ledger: Ledger, document: Document, console: Console, *, before: Callable[[], str] = lambda: ""
) -> Iterator[None]:
    """Show the document's progress while the block runs: live on a terminal, else one line per finished stage.

    `before`: what this process does before the run begins, in words.
    """
    over = threading.Event()
    with ExitStack() as stack:
        if console.is_terminal:
            shown = draw(document, None, seconds=0.0)
            live = stack.enter_context(Live(shown, console=console, auto_refresh=False, transient=True))
            watcher = threading.Thread(target=_watch, args=(ledger, document, live, over, before), daemon=True)
        else:
            watcher = threading.Thread(target=_print_stages, args=(ledger, document, console, over), daemon=True)
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
    rate = per_second(timing.units / timing.seconds, "images") if is_counted else ""
    what = label_of(document.kind, timing.stage)
    return " · ".join(filter(None, (clean(document.name), what, result, duration(timing.seconds), rate)))


@contextmanager
def counting(label: str, console: Console) -> Iterator[Callable[[int, int], None]]:
    """Show a bar; yields a function that updates it with (done, total)."""
    with Progress(
        *Progress.get_default_columns(), console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _watch(ledger: Ledger, document: Document, live: Live, over: threading.Event, before: Callable[[], str]) -> None:
    begun = time.monotonic()
    counted, figures, run, finished = 0.0, "", None, list[StageTiming]()
    stage, since, done = None, begun, 0  # of the stage at work: when it was first seen, and what was done by then
    while not over.wait(POLL_SECONDS):
        now = time.monotonic()
        with suppress(LedgerDown):  # the run itself reports a lasting outage
            run = live_run(ledger, document.id) or run
            if run is not None and now - counted > _COUNT_SECONDS:
                counted, finished = now, stage_timings(ledger, run.token)
                figures = figures_in_words(found_so_far(ledger, [document.id]).get(document.id))
        if run is not None and run.stage is not stage:
            stage, since, done = run.stage, now, run.done
        rate = (run.done - done) / (now - since) if run is not None and now - since >= 1 else 0.0
        shown = draw(document, run, finished, seconds=now - begun, rate=rate, figures=figures, before=before())
        live.update(shown, refresh=True)


def _print_stages(ledger: Ledger, document: Document, console: Console, over: threading.Event) -> None:
    """Print a line for each stage that the document's run finishes, the last ones after its end."""
    token: str | None = None
    printed: set[Stage] = set()
    last = False
    while not last:
        last = over.wait(_LINE_SECONDS)
        try:
            token = next((run.token for run in live_runs(ledger) if run.document == document.id), token)
            timings = stage_timings(ledger, token) if token else []
            unprinted = {timing.stage for timing in timings} - printed
            report = document_report(ledger, document.id) if unprinted else None
        except Failure:  # ledger outage, or the document was deleted: the run itself reports it
            continue
        for timing in timings:
            if report and timing.stage in unprinted:
                console.print(Text(stage_line(document, timing, report)), soft_wrap=True)
                printed.add(timing.stage)
