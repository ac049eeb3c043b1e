"""`swatchbook ingest` and `retry`: register, run, report. One that fails does not keep the others waiting."""

import logging
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from interface.cli.run_report import draw, exit_code
from interface.cli.terminal import COMPLETED, FAILED, clean, err, note, out, say_failure, worst
from swatchbook.errors import Failure, InvalidReference, RunRevoked, as_failure
from swatchbook.ledger.documents import Document, get_document
from swatchbook.ledger.queries import account
from swatchbook.pipeline.register import Registered, register
from swatchbook.records import DocumentStatus, IngestOptions, RunReport
from swatchbook.resources import Resources
from swatchbook.runtime.heap import release_memory

log = logging.getLogger(__name__)


def ingest(
    resources: Resources, files: Sequence[Path], *, owner: str, options: IngestOptions, quiet: bool
) -> tuple[list[RunReport], int]:
    """Register all files first, so that none is lost, then work on each. Returns the reports and the exit code.

    `quiet`: stdout is kept for JSON.
    """
    codes: list[int] = []
    registered: list[Registered] = []
    for file in files:
        try:
            registered.append(_register(resources, file, owner=owner, options=options, quiet=quiet))
        except Failure as failure:
            log.info("not registered", extra={"path": str(file)}, exc_info=failure)
            codes.append(say_failure(failure))
    reports: list[RunReport] = []
    for found in registered:
        work = None if found.unchanged else partial(_run, resources, found.document, options)
        codes.append(_work(resources, found.document, work, reports, quiet=quiet))
    return reports, worst(codes)


def resume(resources: Resources, documents: Iterable[Document], *, quiet: bool) -> tuple[list[RunReport], int]:
    """Go on with documents that are known, each as its state asks for. Returns the reports and the exit code."""
    reports: list[RunReport] = []
    codes = [_work(resources, d, partial(_bring_back, resources, d), reports, quiet=quiet) for d in documents]
    return reports, worst(codes)


def _run(resources: Resources, document: Document, options: IngestOptions) -> RunReport:
    from interface.cli.prefect_run import run_ingest  # when nothing is left to do, nothing of it is imported

    return run_ingest(resources, document, options)


def _bring_back(resources: Resources, document: Document) -> RunReport | None:
    from interface.cli.prefect_run import bring_back

    return bring_back(resources, document)


def _register(resources: Resources, file: Path, *, owner: str, options: IngestOptions, quiet: bool) -> Registered:
    found = register(resources, file, owner=owner, options=options)
    outcome = "unchanged, nothing to do" if found.unchanged else "registered"
    console = err() if quiet else out()
    console.print(f"{clean(file.name)} · document {found.document.id[:8]} · {outcome}", soft_wrap=True)
    return found


def _work(
    resources: Resources,
    document: Document,
    work: Callable[[], object] | None,
    reports: list[RunReport],
    *,
    quiet: bool,
) -> int:
    """Do what is to do for one document and show its account. Returns its exit code; a failure stays its own."""
    code = COMPLETED
    try:
        if work is not None:
            _watched(resources, document, work)
    except Failure as failure:
        code = say_failure(failure, document.name)
    try:
        report = account.document_report(resources.ledger, document.id)
    except InvalidReference:
        note(f"{document.name}: deleted.")
        wanted = document.status == DocumentStatus.DELETING  # what `retry` was to finish; an ingest did not get its end
        return code if wanted else FAILED
    reports.append(report)
    if code == COMPLETED and not quiet:
        out().print(draw(report, now=resources.ledger.now()))
    return worst([code, exit_code(report)])


def _watched(resources: Resources, document: Document, work: Callable[[], object]) -> None:
    """Raises the Failure that ended the work, unless the run has written it down: then the account says it."""
    from interface.cli.progress import watching

    try:
        with watching(resources.ledger, document.id, document.name, err()):
            work()
    except RunRevoked:  # cancelled or deleted meanwhile; the account says so
        return
    except Exception as error:  # one document's end is not the others'; the log has the traceback
        log.exception("the work ended in an error", extra={"document": document.id})
        failure = as_failure(error)
        if get_document(resources.ledger, document.id).message != str(failure):
            raise failure from error
    finally:
        release_memory()  # a command may have many documents to work on
