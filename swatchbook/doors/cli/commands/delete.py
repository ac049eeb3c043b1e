"""`swatchbook delete` and `trash`: delete documents, list what was deleted within a day, and restore it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import RenderableType

from swatchbook.doors.cli.shared_arguments import (
    All,
    AllOwners,
    Json,
    OwnerName,
    ReferenceOrAll,
    Yes,
    check_choice,
    check_text,
    choose_document,
    choose_one_owner,
    choose_owner,
    opened_resources,
)
from swatchbook.doors.cli.terminal import cell, duration, note, out, say_json, table
from swatchbook_base.one_line import clean

if TYPE_CHECKING:
    from swatchbook.domain.records import Trashed


app = typer.Typer(
    invoke_without_command=True, help="List the documents that were deleted within a day, and restore them."
)


@app.callback()
def list_trash(
    context: typer.Context, owner: OwnerName = None, all_owners: AllOwners = False, as_json: Json = False
) -> None:
    """List the documents in the trash, with what they had and when they are deleted for good."""
    if context.invoked_subcommand is not None:
        return
    with opened_resources() as resources:
        from swatchbook.store.ledger.trashed_documents import list_trash as read

        found = read(resources.ledger, choose_owner(resources.ledger, owner, all_owners))
        if as_json:
            say_json(found)
        elif found:
            out().print(draw_trash(found, now=resources.ledger.now(), owners=all_owners))
        else:
            note("The trash is empty.")


def draw_trash(found: "Sequence[Trashed]", *, now: float, owners: bool) -> RenderableType:
    """Return the documents in the trash, the latest first. `owners`: of several owners."""
    from swatchbook.store.ledger.retention import TRASH_SECONDS

    names = ("document", "name", *(("owner",) if owners else ()), "products", "images", "for good in")
    drawn = table(*names)
    for each in found:
        left = max(0.0, each.at + TRASH_SECONDS - now)
        whose = (clean(each.owner),) if owners else ()
        drawn.add_row(
            each.document[:8], clean(each.name), *whose, cell(each.products), cell(each.images), duration(left)
        )
    return drawn


@app.command("restore")
def restore_document(
    document: Annotated[str, typer.Argument(metavar="DOCUMENT", help="Id, beginning of an id, or name.")],
    owner: OwnerName = None,
) -> None:
    """Bring a document back with everything in it. Nothing is embedded again."""
    check_text(document, "DOCUMENT")
    with opened_resources() as resources:
        from swatchbook.ingest.delete import restore
        from swatchbook.store.ledger.trashed_documents import find_trashed

        found = find_trashed(resources.ledger, document, choose_one_owner(resources.ledger, owner))
        restored = restore(resources, found.document)
        note(f"{restored.name}: restored, {restored.status.value}.")


def delete(
    document: ReferenceOrAll = None,
    every: All = False,
    owner: OwnerName = None,
    now: Annotated[
        bool, typer.Option("--now", help="Delete it for good, with vectors and files; also what is in the trash.")
    ] = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Move a document to the trash, or with --all every one of the owner. Asks first; `trash restore` brings it back.

    A day later it is deleted for good, with its vectors and files. Images that other documents use stay.
    """
    with opened_resources() as resources:
        from swatchbook.domain.errors import InvalidReference
        from swatchbook.doors.cli.delete import delete_document, delete_owner, end_trashed
        from swatchbook.store.ledger.trashed_documents import find_trashed

        check_choice(document, every)
        whose = choose_one_owner(resources.ledger, owner)
        if document is None:
            code = delete_owner(resources, whose, now=now, yes=yes, as_json=as_json)
        else:
            try:
                row = choose_document(resources.ledger, document, whose)
            except InvalidReference as unknown:
                try:
                    trashed = find_trashed(resources.ledger, document, whose)
                except InvalidReference:
                    raise unknown from None
                code = end_trashed(resources, trashed, now=now, yes=yes, as_json=as_json)
            else:
                code = delete_document(resources, row, now=now, yes=yes, as_json=as_json)
    raise typer.Exit(code)


COMMANDS = {"Everyday": {"delete": delete, "trash": app}}
