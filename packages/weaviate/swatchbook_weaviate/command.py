"""`swatchbook spaces move`: another vector index or tenants for the spaces that are there, while they are searched."""

import typer

from swatchbook.doors.cli.shared_arguments import DryRun, Json, opened_resources
from swatchbook.doors.cli.terminal import err, note, resumable, say_json

app = typer.Typer()
"""What the entry point names."""


@app.command()
def move(dry_run: DryRun = False, as_json: Json = False) -> None:
    """Move spaces in Weaviate into the vector index and tenants of the settings, while they are searched.

    Run it again to resume after an interruption.
    """
    with opened_resources() as resources, resumable():
        from swatchbook.doors.cli.progress import counting
        from swatchbook_weaviate.move_spaces import move_spaces, plan_move

        if dry_run:
            moved = plan_move(resources)
        else:
            with counting("move", err()) as progress:
                moved = move_spaces(resources, progress=progress)
    if as_json:
        say_json({"moves": moved})
        return
    for each in moved:
        note(f"{each.space}: {each.before} → {each.after}")
    if not moved:
        note("Nothing to do.")
