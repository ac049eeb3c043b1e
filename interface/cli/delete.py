"""`swatchbook delete`: the question before (on a terminal, or --yes) and the summary after. It is done in
`pipeline/delete.py`, and counted beforehand in `ledger/queries/deletion.py`.
"""

import sys

import typer

from interface.cli.exit_status import FAILED
from interface.cli.terminal import clean, note, say_json
from swatchbook.ledger.documents import Document
from swatchbook.ledger.queries.deletion import Deletion


def confirm_delete(document: Document, counted: Deletion) -> None:
    """Ask for confirmation. Raises BadParameter when stdin is not a terminal, Exit when the answer is no."""
    summary = f"{document.name} ({document.id[:8]}, of {document.owner}): {_described(counted)} will be deleted."
    if not sys.stdin.isatty():
        raise typer.BadParameter(
            f"{summary} stdin is not a terminal, so no confirmation is possible: add --yes.", param_hint="--yes"
        )
    note(f"{summary} Images that other documents use stay.")
    if not typer.confirm(clean(f"Delete {document.name}?"), err=True):
        note("Nothing was deleted.")
        raise typer.Exit(FAILED)


def print_deleted(document: Document, counted: Deletion, *, finished: bool, as_json: bool) -> None:
    """Print what was deleted; `finished` is False while the index still holds some of it."""
    if as_json:
        fields = {"document_id": document.id, "name": document.name, "owner": document.owner, "finished": finished}
        say_json(fields | counted.model_dump())
    elif finished:
        note(f"{document.name}: {_described(counted)} deleted.")
    else:
        note(f"{document.name}: deleted from the ledger, but not yet from the index. To finish: swatchbook retry")


def _described(counted: Deletion) -> str:
    return f"{counted.documents} document, {_plural(counted.images, 'image')} and {_plural(counted.vectors, 'vector')}"


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
