"""`swatchbook owners`: list owners with what each has; rename and delete them (`upkeep/rename_owner.py`)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import RenderableType
from rich.text import Text

from swatchbook.doors.cli.shared_arguments import Json, Yes, check_owner, opened_resources
from swatchbook.doors.cli.terminal import cell, megabytes, note, out, say_json, table

if TYPE_CHECKING:
    from swatchbook.store.ledger.queries.account import OwnerCounts


app = typer.Typer(invoke_without_command=True, help="List owners and what each has; rename and delete them.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the owner.")]


@app.callback()
def list_owners(context: typer.Context, as_json: Json = False) -> None:
    """List owners with their documents by status, products, images, vectors, and the size of their files."""
    if context.invoked_subcommand is not None:
        return
    with opened_resources() as resources:
        from swatchbook.store.ledger.queries.account import count_owners

        counted = count_owners(resources.ledger)
        say_json(counted) if as_json else out().print(draw_owners(counted))


def draw_owners(owners: "Sequence[OwnerCounts]") -> RenderableType:
    """Return a row for each owner: its documents by status, products, images, vectors and bytes."""
    figures = ("products", "images", "vectors")
    rows = table("owner", "documents", *figures, "files", right=(*figures, "files"))
    for each in owners:
        statuses = " · ".join(f"{count:,} {status}" for status, count in sorted(each.documents.items()))
        counts = [cell(f"{getattr(each, figure):,}") for figure in figures]
        rows.add_row(cell(each.owner, "bold"), cell(statuses), *counts, cell(megabytes(each.bytes)))
    return rows if owners else Text("No owners yet: nothing has been ingested.", "dim")


@app.command("rename")
def rename_owner(
    old: Annotated[str, typer.Argument(metavar="OLD", help="Its name.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="Its new name, which no other owner has.")],
) -> None:
    """Rename an owner. Ids stay, and nothing is computed again; a file that is uploaded under the old name is new."""
    check_owner(old, parameter="OLD")
    check_owner(new, parameter="NEW")
    with opened_resources() as resources:
        from swatchbook.upkeep.rename_owner import rename, settings_naming

        rename(resources, old, new)
        note(f"{old} is {new} now.")
        for setting in settings_naming(resources.settings, old):
            note(f"{setting} still names {old}.")


@app.command("delete")
def delete_owner(name: Name, yes: Yes = False, as_json: Json = False) -> None:
    """Delete an owner with all its documents. Asks first.

    Images that other owners' documents use stay for these.
    """
    check_owner(name, parameter="NAME")
    with opened_resources() as resources:
        from swatchbook.doors.cli.delete import delete_owner as delete
        from swatchbook.store.ledger.owners import require_owner

        require_owner(resources.ledger, name)
        code = delete(resources, name, now=True, yes=yes, as_json=as_json)
    raise typer.Exit(code)


COMMANDS = {"Collection": {"owners": app}}
