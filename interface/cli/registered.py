"""Process registered documents: the program that `swatchbook.Swatchbook` starts as a child, for it has no command.

`python -m interface.cli.registered OPTIONS ID…`: the options of the ingest as JSON, and the ids of documents.
"""

import sys

from interface.cli.ingest import ingest_registered
from interface.cli.main import run_guarded
from interface.cli.shared_arguments import opened_resources
from interface.cli.terminal import resumable
from swatchbook.records import IngestOptions


def run() -> None:
    """Process them, and exit with the code of an ingest."""
    options, *documents = sys.argv[1:]
    with opened_resources() as resources, resumable():
        code = ingest_registered(resources, documents, IngestOptions.model_validate_json(options))
    sys.exit(code)


if __name__ == "__main__":
    run_guarded(run)
