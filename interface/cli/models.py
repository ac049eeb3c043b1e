"""`swatchbook models pull`: print what was downloaded. The download is in `swatchbook/models/pull.py`."""

from rich.table import Table

from interface.cli.terminal import cell, note, table
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


def draw(pulled: list[Pulled]) -> Table:
    """Return the downloaded models as a table."""
    rows = table("model", "revision", "files", "MB", "folder", right=("files", "MB"))
    for each in pulled:
        size = f"{each.megabytes:,.1f}"
        rows.add_row(cell(each.model), cell(each.revision[:12]), cell(each.files), cell(size), cell(each.folder))
    return rows
