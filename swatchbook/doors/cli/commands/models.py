"""`swatchbook models`: list what can be chosen by name; download weights."""

from typing import TYPE_CHECKING

import typer
from rich.table import Table

from swatchbook.doors.cli.shared_arguments import Json, read_settings
from swatchbook.doors.cli.terminal import cell, note, out, say_json, table

if TYPE_CHECKING:
    from swatchbook.choices import Choice
    from swatchbook.domain.settings import Settings
    from swatchbook.models.registry import Pulled


app = typer.Typer(invoke_without_command=True, help="List models, indexes and formats, and download weights.")


@app.callback()
def list_models(context: typer.Context, as_json: Json = False) -> None:
    """List the models, indexes and export formats that are built in or come from plugins: which are active, which lack
    something, their licences and sizes, and the roles that they make, with the lengths of the vectors.
    """
    if context.invoked_subcommand is not None:
        return
    from swatchbook.choices import choices

    listed = choices(read_settings())
    say_json(listed) if as_json else out().print(draw_choices(listed))


def draw_choices(choices: "list[Choice]") -> Table:
    """Return what can be chosen as a table."""
    rows = table("what", "name", "from", "state", "licence", "MB", "makes", right=("MB",))
    for each in choices:
        state = each.lacks or ("active" if each.active else "installed")
        makes = ", ".join(f"{role} {size}" if size else role for role, size in each.makes.items())
        rows.add_row(
            cell(each.kind.word, "dim"),
            cell(each.name, "bold" if each.active else ""),
            cell(each.package or "built in"),
            cell(f"active; {state}" if each.active and each.lacks else state, "red" if each.lacks else ""),
            cell(each.licence),
            cell(None if each.megabytes is None else f"{each.megabytes:,.1f}"),
            cell(makes or None),
        )
    return rows


@app.command("pull")
def pull_models() -> None:
    """Download the weights of the models in the settings from the Hugging Face Hub, at their pinned revision."""
    pulled = pull_chosen(read_settings())
    if pulled:
        out().print(draw_pulled(pulled))
    for each in pulled:
        if each.pin:
            note(f"To pin this revision, set {each.pin}")


def pull_chosen(settings: "Settings") -> "list[Pulled]":
    """Download each chosen model from the hub, with progress bars on stderr. Raises what `pull` raises."""
    from swatchbook.models.registry import pull

    pulled = pull(settings)
    if not pulled:
        note(f"Nothing to download: SWATCHBOOK_ENCODER={settings.encoder} uses no model from the hub.")
    return pulled


def draw_pulled(pulled: "list[Pulled]") -> Table:
    """Return the downloaded models as a table."""
    rows = table("model", "revision", "files", "MB", "folder", right=("files", "MB"))
    for each in pulled:
        size = f"{each.megabytes:,.1f}"
        rows.add_row(cell(each.model), cell(each.revision[:12]), cell(each.files), cell(size), cell(each.folder))
    return rows


COMMANDS = {"Operation": {"models": app}}
