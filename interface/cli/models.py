"""`swatchbook models pull`: the weights that the settings name, onto this machine."""

from rich.table import Table

from interface.cli.terminal import cell, note, table
from swatchbook.models.pull import Pulled, chosen, pull
from swatchbook.settings import Settings


def pull_chosen(settings: Settings) -> list[Pulled]:
    """Each of the chosen models from the hub; its progress bars are on stderr. Raises what `pull` raises."""
    named = chosen(settings)
    if not named:
        note(f"Nothing to fetch: SWATCHBOOK_ENCODER={settings.encoder} names no model on the hub.")
    return [pull(checkpoint) for checkpoint in named]


def draw(pulled: list[Pulled]) -> Table:
    """What is here now."""
    made = table("model", "revision", "files", "MB", "folder", right=("files", "MB"))
    for each in pulled:
        size = f"{each.megabytes:,.1f}"
        made.add_row(cell(each.model), cell(each.revision[:12]), cell(each.files), cell(size), cell(each.folder))
    return made
