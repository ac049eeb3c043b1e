"""`swatchbook delete`: what will go is told and confirmed before, and told again afterwards."""

import sys

import typer

from interface.cli.terminal import FAILED, clean, note, say_json
from swatchbook.ledger.documents import Document
from swatchbook.ledger.queries.deletion import Deletion


def check_is_meant(document: Document, counted: Deletion) -> None:
    """Ask whether all of this is to go. Raises BadParameter where nobody can answer, Exit where the answer is no."""
    going = f"{document.name} ({document.id[:8]}, of {document.owner}): {_described(counted)} will be deleted."
    if not sys.stdin.isatty():
        raise typer.BadParameter(f"{going} Nobody can be asked here: add --yes to delete it.", param_hint="--yes")
    note(f"{going} What other documents use stays.")
    if not typer.confirm(clean(f"Delete {document.name}?"), err=True):
        note("Nothing is deleted.")
        raise typer.Exit(FAILED)


def say_removed(document: Document, counted: Deletion, *, finished: bool, as_json: bool) -> None:
    """Tell what was deleted; `finished` is False where the index still holds some of it."""
    if as_json:
        told = {"document_id": document.id, "name": document.name, "owner": document.owner, "finished": finished}
        say_json(told | counted.model_dump())
    elif finished:
        note(f"{document.name}: {_described(counted)} deleted.")
    else:
        note(f"{document.name}: removed from the ledger; the index follows. Finish it: swatchbook retry")


def _described(counted: Deletion) -> str:
    return f"{counted.documents} document, {_plural(counted.images, 'image')} and {_plural(counted.vectors, 'vector')}"


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
