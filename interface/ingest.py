"""`swatchbook ingest` and `retry`: register, run, report. A path that fails does not keep the others from going on."""

import logging
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from interface.progress import watching
from interface.report import draw, exit_code
from interface.run import bring_back, run_ingest
from interface.terminal import COMPLETED, clean, err, megabytes, note, out, say_failure, worst
from swatchbook.errors import Failure, InvalidReference, UnsupportedFormat, as_failure
from swatchbook.lab import Lab
from swatchbook.ledger import accounts
from swatchbook.ledger.runs import Document
from swatchbook.records import IngestOptions, RunReport
from swatchbook.register import Registered, register

log = logging.getLogger(__name__)


def expand(path: Path) -> list[Path]:
    """A file as it is, a folder as the PDFs directly in it. Raises InvalidReference, UnsupportedFormat."""
    try:
        if not path.is_dir():
            return [path]
        found = sorted(p for p in path.iterdir() if p.suffix.lower() == ".pdf" and p.is_file())
    except PermissionError as error:
        raise InvalidReference(f"{path}: no right to read it.", advice="Check its owner and mode.") from error
    if not found:
        raise UnsupportedFormat(f"{path}: no PDF in this folder.", advice="Give PDF files, or a folder with some.")
    note(f"{path}: {len(found)} PDF{'s' if len(found) > 1 else ''}; other files and subfolders are left alone")
    return found


def ingest(
    lab: Lab, paths: Sequence[Path], *, owner: str, options: IngestOptions, quiet: bool
) -> tuple[list[RunReport], int]:
    """Register all paths first, so that none is lost, then work on each. Returns the reports and the exit code.

    `quiet`: stdout is kept for JSON.
    """
    codes: list[int] = []
    registered: list[Registered] = []
    for file in _expand_all(paths, codes):
        try:
            registered.append(_register(lab, file, owner=owner, options=options, quiet=quiet))
        except Failure as failure:
            log.info("not registered", extra={"path": str(file)}, exc_info=failure)
            codes.append(say_failure(failure))
    reports: list[RunReport] = []
    for found in registered:
        work = None if found.unchanged else partial(run_ingest, lab.settings, found.document, options)
        codes.append(_work(lab, found.document, work, reports, quiet=quiet))
    return reports, worst(codes)


def resume(lab: Lab, documents: Iterable[Document], *, quiet: bool) -> tuple[list[RunReport], int]:
    """Go on with documents that are known, each as its state asks for. Returns the reports and the exit code."""
    reports: list[RunReport] = []
    codes = [_work(lab, d, partial(bring_back, lab.settings, d), reports, quiet=quiet) for d in documents]
    return reports, worst(codes)


def _expand_all(paths: Iterable[Path], codes: list[int]) -> Iterable[Path]:
    seen: set[Path] = set()
    for path in paths:
        try:
            files = expand(path)
        except Failure as failure:
            codes.append(say_failure(failure))
            continue
        for file in files:
            if file.absolute() not in seen:
                seen.add(file.absolute())
                yield file


def _register(lab: Lab, file: Path, *, owner: str, options: IngestOptions, quiet: bool) -> Registered:
    """Say what is at hand before the bytes are read: a large file takes a while to hash and store."""
    console = err() if quiet else out()
    size = f" · {megabytes(file.stat().st_size)}" if file.is_file() else ""
    console.print(clean(file.name) + size, end="", soft_wrap=True)
    try:
        found = register(lab, file, owner=owner, options=options)
    except BaseException:
        console.print()
        raise
    known = "unchanged, nothing to do" if found.unchanged else "registered"
    console.print(f" · document {found.document.id[:8]} · {known}", soft_wrap=True)
    return found


def _work(
    lab: Lab, document: Document, work: Callable[[], object] | None, reports: list[RunReport], *, quiet: bool
) -> int:
    """Do what is to do for one document and show its account. Returns its exit code; a failure stays its own."""
    try:
        if work is not None:
            _watched(lab, document, work)
        report = accounts.report(lab.ledger, document.id)
    except InvalidReference:
        note(f"{document.name}: deleted.")
        return COMPLETED
    except Failure as failure:
        return say_failure(failure, document.name)
    reports.append(report)
    if not quiet:
        out().print(draw(report, now=lab.ledger.now()))
    return exit_code(report)


def _watched(lab: Lab, document: Document, work: Callable[[], object]) -> None:
    """Raises the Failure that ended the work, unless the run has written it down: then the account says it."""
    try:
        with watching(lab.ledger, document.id, document.name, err()):
            work()
    except Exception as error:  # one document's end is not the others'; the log has the traceback
        log.exception("the work ended in an error", extra={"document": document.id})
        failure = as_failure(error)
        if accounts.get_document(lab.ledger, document.id).message != str(failure):
            raise failure from error
