"""Process registered documents: the program that a collection starts as a child.

`python -m swatchbook_notebook.child OPTIONS FAILURES ID…`: the options of the ingest as JSON, a file to which failures
are written as lines of JSON (`kind`, `message`, `advice`), and the ids of documents.
"""

import json
import sys
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from swatchbook.domain.errors import DocumentDeleted, Failure
from swatchbook.domain.records import IngestOptions, RunReport
from swatchbook.doors.cli.ingest import Tell, process, run_flow, send_owed_notices
from swatchbook.doors.cli.main import run_guarded
from swatchbook.doors.cli.shared_arguments import opened_resources
from swatchbook.doors.cli.terminal import resumable, say_failure, worst
from swatchbook.ingest.hold_files import holding_files
from swatchbook.resources import Resources
from swatchbook.store.ledger.stored_documents import get_kept


def run() -> None:
    """Process them, and exit with the code of an ingest."""
    options, failures, *documents = sys.argv[1:]

    def tell(failure: Failure, subject: str) -> int:
        write_failure(Path(failures), failure, subject)
        return say_failure(failure, subject)

    try:
        with opened_resources() as resources, resumable():
            code = ingest_registered(resources, documents, IngestOptions.model_validate_json(options), tell)
    except Failure as failure:
        write_failure(Path(failures), failure)
        raise
    sys.exit(code)


def ingest_registered(resources: Resources, documents: Iterable[str], options: IngestOptions, tell: Tell) -> int:
    """Process documents by id that another process has registered for this, unless they were deleted since.

    Their reports are in the ledger; failures are printed. Returns the exit code.
    """
    codes: list[int] = []
    reports: list[RunReport] = []
    with holding_files(resources.ledger):
        for each in documents:
            try:
                document = get_kept(resources.ledger, each)
            except DocumentDeleted as deleted:
                codes.append(tell(deleted, ""))
                continue
            work = partial(run_flow, resources, document, options)
            codes.append(process(resources, document, work, reports, quiet=True, tell=tell))
    send_owed_notices(resources)
    return worst(codes)


def write_failure(file: Path, failure: Failure, subject: str = "") -> None:
    """Append a failure to a file of lines of JSON."""
    message = f"{subject}: {failure.message}" if subject else failure.message
    with file.open("a") as lines:
        lines.write(json.dumps({"kind": failure.kind, "message": message, "advice": failure.advice}) + "\n")


if __name__ == "__main__":
    run_guarded(run)
