"""Process registered documents: the program that `swatchbook.Swatchbook` starts as a child, for it has no command.

`python -m swatchbook.doors.cli.registered OPTIONS FAILURES ID…`: the options of the ingest as JSON, a file to which
failures are written as lines of JSON (`kind`, `message`, `advice`), and the ids of documents.
"""

import json
import sys
from pathlib import Path

from swatchbook.domain.errors import Failure
from swatchbook.domain.records import IngestOptions
from swatchbook.doors.cli.ingest import ingest_registered
from swatchbook.doors.cli.main import run_guarded
from swatchbook.doors.cli.shared_arguments import opened_resources
from swatchbook.doors.cli.terminal import resumable, say_failure


def run() -> None:
    """Process them, and exit with the code of an ingest."""
    options, failures, *documents = sys.argv[1:]

    def tell(failure: Failure, subject: str = "") -> int:
        write_failure(Path(failures), failure, subject)
        return say_failure(failure, subject)

    try:
        with opened_resources() as resources, resumable():
            code = ingest_registered(resources, documents, IngestOptions.model_validate_json(options), tell=tell)
    except Failure as failure:
        write_failure(Path(failures), failure)
        raise
    sys.exit(code)


def write_failure(file: Path, failure: Failure, subject: str = "") -> None:
    """Append a failure to a file of lines of JSON."""
    message = f"{subject}: {failure.message}" if subject else failure.message
    with file.open("a") as lines:
        lines.write(json.dumps({"kind": failure.kind, "message": message, "advice": failure.advice}) + "\n")


if __name__ == "__main__":
    run_guarded(run)
