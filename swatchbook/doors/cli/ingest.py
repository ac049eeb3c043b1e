"""Run `swatchbook ingest` and `fill failed`: list the sources, register them all, then run and report each.

A source that fails does not stop the others. At the end the notices are sent.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

from swatchbook.buckets import find_buckets
from swatchbook.domain.errors import DiskFull, DocumentDeleted, Failure, InvalidReference, RunRevoked, as_failure
from swatchbook.domain.records import UNTAUGHT, DocumentStatus, IngestOptions, RunReport, Scan
from swatchbook.domain.runtime.heap import release_memory
from swatchbook.domain.settings import Settings
from swatchbook.doors.cli.run_report import draw
from swatchbook.doors.cli.terminal import COMPLETED, FAILED, err, megabytes, note, of_report, out, say_failure, worst
from swatchbook.ingest import find_sources
from swatchbook.ingest.delete import finish_delete
from swatchbook.ingest.find_sources import Source
from swatchbook.ingest.finish_run import tell_gone_items
from swatchbook.ingest.hold_files import holding_files
from swatchbook.ingest.register import Registered
from swatchbook.ingest.register_path import register_source
from swatchbook.ingest.run import block_document, make_room
from swatchbook.resources import Resources
from swatchbook.store.files.upload_buffer import is_remote
from swatchbook.store.ledger.queries.report import document_report
from swatchbook.store.ledger.source_items import count_items
from swatchbook.store.ledger.stored_documents import BATCH, FOLDER, PDF, Document, get_document, get_kept
from swatchbook_base.one_line import clean

log = logging.getLogger(__name__)

Tell = Callable[[Failure, str], int]
"""Tells a person of a failure, and what failed (its name, or ""); returns the exit code. `say_failure` is one."""


def ingest(
    resources: Resources,
    sources: Mapping[Path, str | None],
    *,
    owner: str,
    options: IngestOptions,
    quiet: bool,
    edition_of: str | None = None,
) -> tuple[list[RunReport], int]:
    """Register all sources first, so that none is lost, then process each. Return the reports and the exit code.

    `sources`: path -> its kind of document, None for what it was before, or looks like. `quiet`: write nothing to
    stdout, which is for JSON. `edition_of`: the document of which the one source is a newer edition.
    """
    codes, registered, reports = list[int](), list[Registered](), list[RunReport]()
    with holding_files(resources.ledger):  # pages are read, and stored, before a run begins
        for path, kind in sources.items():
            try:
                entry = register_source(resources, path, kind=kind, owner=owner, options=options, edition_of=edition_of)
                registered.append(entry)
                _say_registered(path, entry, quiet=quiet)
            except Failure as failure:
                log.info("source not registered", extra={"path": str(path)}, exc_info=failure)
                codes.append(say_failure(failure))
        for entry in registered:  # the flow registers it again: it may be started elsewhere, with a key
            work = None if entry.unchanged else partial(run_flow, resources, entry.document, options)
            codes.append(process(resources, entry.document, work, reports, quiet=quiet))
            if work is not None and entry.document.kind == PDF and not quiet:
                _say_offered(resources, entry.document.id)
        send_owed_notices(resources)
    return reports, worst(codes)


def _say_offered(resources: Resources, document: str) -> None:
    """Say if a document that is not taught looks like one that is: its reading probably fits."""
    from swatchbook.domain.plugins import Kind, installed
    from swatchbook.teacher import find_teacher

    if not installed(Kind.TEACHER):
        return
    try:
        row = get_document(resources.ledger, document)
        offer = find_teacher().describe_offer(resources, row) if row.options.taught == UNTAUGHT else None
    except Failure as failure:  # such as its delete meanwhile
        log.info("no reading was looked for", extra={"document": document}, exc_info=failure)
        return
    if offer:
        note(offer)


def resume(resources: Resources, documents: Iterable[Document], *, quiet: bool) -> tuple[list[RunReport], int]:
    """Continue registered documents, each according to its status. Return the reports and the exit code."""
    reports = list[RunReport]()
    codes = [
        process(resources, each, partial(_bring_back, resources, each), reports, quiet=quiet) for each in documents
    ]
    send_owed_notices(resources)
    return reports, worst(codes)


def send_owed_notices(resources: Resources) -> None:
    """Send what the receiver is owed, once; what is not delivered is left to the next command, or the loop."""
    if resources.settings.notice_url is None:
        return
    from swatchbook.ingest.notify import send_notices

    try:
        asyncio.run(send_notices(resources))
    except Failure as failure:
        log.warning("notices were not sent: %s", failure)


def _bring_back(resources: Resources, document: Document) -> RunReport | None:
    from swatchbook.doors.cli.prefect_run import bring_back  # imports Prefect: only when there is work to do

    return bring_back(resources, document)


def run_flow(resources: Resources, document: Document, options: IngestOptions) -> RunReport:
    """Ingest a registered document by its flow."""
    from swatchbook.doors.cli.prefect_run import run_ingest  # imports Prefect: only when there is work to do

    return run_ingest(resources, document, options)


def _say_registered(path: Path, entry: Registered, *, quiet: bool) -> None:
    outcome = "unchanged, nothing to do" if entry.unchanged else "registered"
    console = err() if quiet else out()
    console.print(
        f"{clean(path.name or entry.document.name)} · document {entry.document.id[:8]} · {outcome}", soft_wrap=True
    )


def process(
    resources: Resources,
    document: Document,
    work: Callable[[], object] | None,
    reports: list[RunReport],
    *,
    quiet: bool,
    tell: Tell = say_failure,
) -> int:
    """Run the work of one document and print its account. Return its exit code; failures are printed, not raised."""
    code, goes = COMPLETED, document.status is DocumentStatus.DELETING  # `fill failed` finishes deletes
    try:
        if work is not None:
            _run_with_progress(resources, document, work)
        if not goes:
            get_kept(resources.ledger, document.id, name=document.name)
    except DocumentDeleted as deleted:
        with suppress(Failure):  # of what this process was publishing; else the loop or `fill failed` finishes it
            finish_delete(resources, document.id, at_most=0)
        return tell(deleted, "")
    except Failure as failure:
        code = tell(failure, document.name)
    try:
        report = find_report(resources, document, unchanged=work is None)
    except InvalidReference:
        note(f"{document.name}: deleted.")
        return code if goes else FAILED
    reports.append(report)
    if code == COMPLETED and not quiet:
        due_at = get_document(resources.ledger, document.id).due_at
        out().print(draw(report, now=resources.ledger.now(), next_try=due_at))
    return worst([code, of_report(report)])


def find_report(resources: Resources, document: Document, *, unchanged: bool) -> RunReport:
    """Return the account; for an unchanged folder with its items and their messages, as this command found them."""
    report = document_report(resources.ledger, document.id)
    if unchanged and document.kind != PDF:
        all_complete = report.images_complete == report.images_found
        items = count_items(resources.ledger, document.id, all_complete=all_complete)
        return report.model_copy(
            update={"items": items, "warnings": tuple(tell_gone_items(items, Scan(), document.kind))}
        )
    return report


def _run_with_progress(resources: Resources, document: Document, work: Callable[[], object]) -> None:
    """Run the work and show its progress. Raises its Failure, unless the ledger has it and the account shows it."""
    from swatchbook.doors.cli.progress import watching

    try:
        with watching(resources.ledger, document, err()):
            work()
    except RunRevoked:  # cancelled or deleted meanwhile; the account shows it
        return
    except DocumentDeleted:
        raise
    except Exception as error:  # isolates documents from each other; the log has the traceback
        log.exception("the document failed", extra={"document": document.id})
        get_kept(resources.ledger, document.id, name=document.name)
        failure = make_room(resources, as_failure(error))
        if isinstance(failure, DiskFull):  # it may have ended Prefect's server before a run began
            block_document(resources, document.id, failure)
        recorded = get_document(resources.ledger, document.id)
        if recorded.message != str(failure) and recorded.failure_kind != DiskFull.kind:
            raise failure from error
    finally:
        release_memory()  # before the next document of this command


def name_sources(paths: Iterable[str], settings: Settings, *, quiet: bool) -> tuple[list[Source], list[int]]:
    """Return the sources to ingest without duplicates, and the exit codes of invalid ones. Prints a line for each.

    What a URL of an object store names is copied into the home first.
    """
    sources: dict[Path, Source] = {}
    codes: list[int] = []
    for given in paths:
        try:
            path = local_path(given, settings)
            sources |= {source.path.absolute(): source for source in expand(path)}
        except Failure as failure:
            codes.append(say_failure(failure))
    console = err() if quiet else out()
    for source in sources.values():
        what = megabytes(source.path.stat().st_size) if source.path.is_file() else _WORDS[source.kind][0]
        console.print(f"{clean(source.path.name or str(source.path.absolute()))} · {what}", soft_wrap=True)
    return list(sources.values()), codes


def local_path(given: str, settings: Settings) -> Path:
    """Return a path as it is, and of a URL of an object store the path of its copy, which is made or renewed first.

    Raises MissingExtra, and what the store's reading raises.
    """
    return _copy_bucket(given, settings) if is_remote(given) else Path(given)


def _copy_bucket(url: str, settings: Settings) -> Path:
    """Copy what can be ingested below a URL, and return the path of the copy. Tells how far it is."""
    buckets = find_buckets("A URL of an object store")
    with err().status(f"copying {clean(url)}") as status:
        copied = buckets.copy(
            settings, url, progress=lambda done, total: status.update(f"copying {clean(url)}: {done:,} of {total:,}")
        )
    note(f"{url}: {copied.found:,} objects, {copied.copied:,} of them new or changed")
    for name in copied.left_out:
        note(f"{url}: {name} is left out: it is too large, or its name cannot be a file's")
    return copied.path


def expand(path: Path) -> list[Source]:
    """Return the sources at a path. Raises InvalidReference, and UnsupportedFormat for a folder without any."""
    found = find_sources.find_sources(path)
    if not found:
        raise find_sources.nothing_in(path)
    if path.is_dir():
        counts = {kind: sum(source.kind == kind for source in found) for kind in _WORDS}
        words = ", ".join(f"{count:,} {_WORDS[kind][count > 1]}" for kind, count in counts.items() if count)
        note(f"{path}: {words}; other files are ignored")
    return found


_WORDS = {
    PDF: ("PDF", "PDFs"),
    BATCH: ("scraped batch", "scraped batches"),
    FOLDER: ("folder of pictures", "folders of pictures"),
}
"""Kind of document -> one, several."""
