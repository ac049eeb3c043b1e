"""Print the models that can be chosen (`swatchbook/choices.py`) and those that `models/pull.py` has downloaded."""

from rich.table import Table

from interface.cli.terminal import cell, note, table
from swatchbook.choices import Choice
from swatchbook.extras import require_extras
from swatchbook.models.pull import Pulled, chosen, pull
from swatchbook.settings import Settings


def pull_chosen(settings: Settings) -> list[Pulled]:
    """Download each chosen model from the hub, with progress bars on stderr. Raises what `pull` raises."""
    checkpoints = chosen(settings)
    if not checkpoints:
        note(f"Nothing to download: SWATCHBOOK_ENCODER={settings.encoder} uses no model from the hub.")
    require_extras(settings, "encoder")
    return [pull(checkpoint) for checkpoint in checkpoints]


def draw_choices(choices: list[Choice]) -> Table:
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


def draw(pulled: list[Pulled]) -> Table:
    """Return the downloaded models as a table."""
    rows = table("model", "revision", "files", "MB", "folder", right=("files", "MB"))
    for each in pulled:
        size = f"{each.megabytes:,.1f}"
        rows.add_row(cell(each.model), cell(each.revision[:12]), cell(each.files), cell(size), cell(each.folder))
    return rows
