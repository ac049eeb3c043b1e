"""Describe in words what a live run is doing: its step, the unit that it counts, and how many are done.

Web pages, the terminal, HTTP and Prefect show the same sentence.
"""

from swatchbook.ledger.documents import PDF
from swatchbook.ledger.runs import LiveRun
from swatchbook.records import PRINT, ShownProgress, Stage


def describe_progress(run: LiveRun | None) -> ShownProgress:
    """Return what a live run does; without a run, or before its first stage, that it starts."""
    if run is None or run.stage is None:
        return ShownProgress(step="Starting", unit="", done=0, total=0, sentence="Starting")
    return describe_step(run.source, run.stage, run.done, run.total, run.note)


def describe_step(kind: str, stage: Stage, done: int = 0, total: int = 0, note: str | None = None) -> ShownProgress:
    """Return the work that leads to a stage of a document of this kind, in words."""
    step, unit = _step(kind, stage)
    current = min(done + 1, total)  # the one at work
    if stage is Stage.READ and note == PRINT:
        sentence = f"Reading print of page {current}"
    elif not total:
        sentence = step
    elif stage is Stage.READ:
        sentence = f"Reading page {current:,} of {total:,}"
    elif unit in ("page", "item"):
        sentence = f"{step}: {unit} {current:,} of {total:,}"
    else:
        sentence = f"{step} {done:,} of {total:,}"
    if note and note != PRINT:
        sentence += f", {note}"
    return ShownProgress(step=step, unit=unit, done=done, total=total, sentence=sentence)


def _step(kind: str, stage: Stage) -> tuple[str, str]:
    """Return the name of a step, and what it counts; nothing where it is over in a moment."""
    match stage:
        case Stage.REGISTERED:
            return "Starting", ""
        case Stage.READ:
            return "Reading pages", "page"
        case Stage.DISCOVERED:
            return "Finding products", "page"
        case Stage.PLANNED:
            return "Choosing pages", ""
        case Stage.CHUNKED:
            return "Splitting text", ""
        case Stage.EXTRACTED:
            return ("Extracting pictures", "page") if kind == PDF else ("Scanning", "item")
        case Stage.EMBEDDED:
            return "Embedding", "picture"
        case Stage.ASSEMBLED:
            return ("Linking products" if kind == PDF else "Publishing"), ""
        case Stage.COMPLETED:
            return "Writing the report", ""
