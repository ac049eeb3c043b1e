"""`swatchbook trash`: list what was deleted within a day, and restore it (`pipeline/trash.py`)."""

from typing import Annotated

import typer

from interface.cli.shared_arguments import (
    AllOwners,
    Json,
    OwnerName,
    check_text,
    choose_one_owner,
    choose_owner,
    opened_resources,
)

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
        from interface.cli.terminal import note, out, say_json
        from interface.cli.trash_table import draw_trash
        from swatchbook.ledger.trash import list_trash as read

        found = read(resources.ledger, choose_owner(resources.ledger, owner, all_owners))
        if as_json:
            say_json(found)
        elif found:
            out().print(draw_trash(found, now=resources.ledger.now(), owners=all_owners))
        else:
            note("The trash is empty.")


@app.command("restore")
def restore_document(
    document: Annotated[str, typer.Argument(metavar="DOCUMENT", help="Id, beginning of an id, or name.")],
    owner: OwnerName = None,
    as_json: Json = False,
) -> None:
    """Bring a document back with all that it had. Nothing is embedded again."""
    check_text(document, "DOCUMENT")
    with opened_resources() as resources:
        from interface.cli.terminal import note, say_json
        from swatchbook.ledger.trash import find_trashed
        from swatchbook.pipeline.trash import restore

        found = find_trashed(resources.ledger, document, choose_one_owner(resources.ledger, owner))
        restored = restore(resources, found.document)
        if as_json:
            say_json({"document_id": restored.id, "name": restored.name, "owner": restored.owner,
                      "status": restored.status.value})  # fmt: skip
        else:
            note(f"{restored.name}: restored, {restored.status.value}.")
