"""Register sources and process them in a child process.

The child has the settings of the collection, as from a terminal. It is given ids, and registers nothing: what is
deleted after it was registered stays deleted.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr

from swatchbook.domain.errors import KINDS, Failure, Unexpected
from swatchbook.domain.records import DocumentStatus, IngestOptions
from swatchbook.domain.settings import PREFIX, flatten, variable
from swatchbook.doors.cli.ingest import find_report
from swatchbook.doors.cli.terminal import COMPLETED, OPEN
from swatchbook.ingest.register import Registered
from swatchbook.ingest.register_path import register_source
from swatchbook.resources import Resources
from swatchbook.store.ledger.stored_documents import Document, get_kept
from swatchbook_notebook.results import Reports

_END_SECONDS = 15.0  # for an interrupted ingest to record its end
_NEED_A_PERSON = frozenset({DocumentStatus.FAILED, DocumentStatus.BLOCKED})

_OF_TERMINALS = frozenset({"FORCE_COLOR", "CLICOLOR_FORCE", "TTY_COMPATIBLE", "TTY_INTERACTIVE"})
"""Variables that Jupyter sets: an ingest would draw bars as on a terminal, one below the other."""


def child_environment(settings: Mapping[str, Any], home: Path) -> dict[str, str]:
    """Return the environment of this process with these settings; those that are None are left out."""
    given = {variable(name): _as_variable(value) for name, value in flatten(settings).items()}
    environment = {
        name: value
        for name, value in os.environ.items()
        if given.get(name, "") is not None and name not in _OF_TERMINALS
    }
    environment |= {name: value for name, value in given.items() if value is not None}
    return environment | {f"{PREFIX}HOME": str(home)}


class Child:
    """A process for the ingests of a collection: its folder and its environment, which has the settings."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder, self._environment = folder, dict(environment)

    def process(self, documents: Sequence[str], options: IngestOptions) -> Failure | None:
        """Process registered documents; what the child prints goes to stderr.

        Returns its last failure if it failed, else nothing. Raises KeyboardInterrupt when the child is over, too.
        """
        with tempfile.TemporaryDirectory(prefix="swatchbook-") as temporary:
            failures = Path(temporary) / "failures.jsonl"
            program = [sys.executable, "-P", "-m", "swatchbook_notebook.child", options.model_dump_json()]
            code = self._run([*program, str(failures), *documents])
            lines = failures.read_text().splitlines() if failures.exists() else []
        if code in (COMPLETED, OPEN):
            return None
        if not lines:
            return Unexpected(f"The ingest ended with status {code}.")
        last = json.loads(lines[-1])
        kind: type[Failure] = KINDS.get(last["kind"], Unexpected)
        return kind(last["message"], advice=last["advice"])

    def _run(self, command: Sequence[str]) -> int:
        """Run a program, pass on what it prints to stderr, and return its exit code."""
        with subprocess.Popen(
            command,
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
        ) as child:
            try:
                for line in child.stderr or ():
                    sys.stderr.write(line)  # a notebook has no descriptor that the child could write to
            except KeyboardInterrupt:
                child.send_signal(signal.SIGINT)  # Jupyter may have interrupted only the kernel
                try:
                    child.wait(_END_SECONDS)
                except subprocess.TimeoutExpired:
                    child.kill()
                raise
        return child.returncode


def ingest(
    resources: Resources,
    child: Child,
    sources: Mapping[Path, str | None],
    *,
    owner: str,
    options: IngestOptions,
    edition_of: str | None,
) -> Reports:
    """Register all sources, then process those that have changed. `sources`, `edition_of`: see `cli.ingest.ingest`.

    Raises what is wrong with a source, before any work, and the failure of a document that failed, is blocked, or was
    deleted meanwhile.
    """
    registered: list[Registered] = [
        register_source(resources, path, kind=kind, owner=owner, options=options, edition_of=edition_of)
        for path, kind in sources.items()
    ]
    changed = [entry.document.id for entry in registered if not entry.unchanged]
    failure = child.process(changed, options) if changed else None
    return _reports(resources, {entry.document.id: entry.unchanged for entry in registered}, failure)


def process_again(resources: Resources, child: Child, document: Document) -> Reports:
    """Process a document that is registered and due. Raises its failure, as `ingest`."""
    return _reports(resources, {document.id: False}, child.process([document.id], document.options))


def _reports(resources: Resources, unchanged: Mapping[str, bool], failure: Failure | None) -> Reports:
    documents = [get_kept(resources.ledger, each) for each in unchanged]
    for document in documents:
        if document.status in _NEED_A_PERSON:
            kind: type[Failure] = KINDS.get(document.failure_kind or "", Unexpected)
            raise kind(f"{document.name}: {document.message or document.status}")
    if failure:  # it ended before it could record why
        raise failure
    return Reports(find_report(resources, each, unchanged=unchanged[each.id]) for each in documents)


def _as_variable(value: Any) -> str | None:
    """Return a setting as the text of its variable, None for none."""
    if value is None:
        return None
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return str(value) if isinstance(value, str | Path) else json.dumps(value, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return dict(value)
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return str(value) if isinstance(value, Path) else list(value)
