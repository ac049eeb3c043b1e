"""`swatchbook ingest` and `retry`: register, run, report. A path that fails does not keep the others from going on."""

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

from interface import report as account
from interface.progress import watching
from interface.terminal import clean, err, megabytes, note, out, say_failure, worst
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
    registered: list[Registered] = []
    codes: list[int] = []
    for file in _expand_all(paths, codes):
        try:
            registered.append(_register(lab, file, owner=owner, options=options, quiet=quiet))
        except Failure as failure:
            log.info("not registered", extra={"path": str(file)}, exc_info=failure)
            codes.append(say_failure(failure))
    return _work(lab, registered, options, quiet=quiet, codes=codes)


def resume(lab: Lab, documents: Iterable[Document], *, force: bool, quiet: bool) -> tuple[list[RunReport], int]:
    """Work on documents that are known, each with the options it was last asked for."""
    reports: list[RunReport] = []
    codes: list[int] = []
    for document in documents:
        options = document.options.model_copy(update={"force": force})
        found, code = _work(lab, [Registered(document=document, unchanged=False)], options, quiet=quiet, codes=[])
        reports += found
        codes.append(code)
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
    lab: Lab, registered: Sequence[Registered], options: IngestOptions, *, quiet: bool, codes: list[int]
) -> tuple[list[RunReport], int]:
    reports: list[RunReport] = []
    for found in registered:
        try:
            report = (
                accounts.report(lab.ledger, found.document.id)
                if found.unchanged
                else _run(lab, found.document, options)
            )
        except Failure as failure:
            codes.append(say_failure(failure, found.document.name))
            continue
        reports.append(report)
        codes.append(account.exit_code(report))
        if not quiet:
            out().print(account.draw(report, now=lab.ledger.now()))
    return reports, worst(codes)


def _run(lab: Lab, document: Document, options: IngestOptions) -> RunReport:
    """The flow's report; where the flow ended in an error that the run wrote down, the ledger's. Raises others."""
    from interface.run import run_ingest

    try:
        with watching(lab.ledger, document.id, document.name, err()):
            return run_ingest(lab.settings, document, options)
    except Exception as error:  # one document's end is not the others'; the log has the traceback
        log.exception("the flow ended in an error", extra={"document": document.id})
        failure = as_failure(error)
        report = accounts.report(lab.ledger, document.id)
        if report.message != str(failure):
            raise failure from error
        return report
