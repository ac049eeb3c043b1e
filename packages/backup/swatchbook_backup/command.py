"""`swatchbook upkeep backup` and `restore`: a whole collection in a folder, and back into any ledger and index."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from swatchbook.doors.cli.shared_arguments import Json, given_path, opened_resources
from swatchbook.doors.cli.terminal import COMPLETED, OPEN, cell, err, facts, megabytes, out, resumable, say_json
from swatchbook_base.one_line import clean

if TYPE_CHECKING:
    from swatchbook_backup.restore import Restored
    from swatchbook_backup.write import BackedUp

_SHOWN = 5
"""Missing files that are named."""

app = typer.Typer()
"""What the entry points name."""


@app.command()
def backup(
    folder: Annotated[
        Path, typer.Argument(parser=given_path, metavar="FOLDER", help="An empty folder, or an earlier backup.")
    ],
    as_json: Json = False,
) -> None:
    """Write everything but the settings to a folder: ledger, vectors and files. The collection may be in use.

    Run it again to add what is new.
    """
    with opened_resources() as resources, resumable():
        from swatchbook.doors.cli.progress import counting
        from swatchbook_backup.write import back_up

        with counting("back up", err()) as progress:
            done = back_up(resources, folder, progress=progress)
        say_json(done) if as_json else out().print(_draw_backup(done))
    raise typer.Exit(_exit_code(done))


def _draw_backup(done: "BackedUp") -> RenderableType:
    """Return what the backup holds."""
    rows = [
        ("folder", cell(done.folder)),
        ("documents", cell(done.documents)),
        ("images", cell(done.images)),
        ("vectors", cell(done.vectors)),
        ("files", cell(f"{done.files:,}, {done.copied:,} of them new")),
        ("size", cell(megabytes(done.bytes))),
    ]
    return Group(facts(rows), *_missing(done.missing, "`swatchbook upkeep verify --repair` makes them again."))


@app.command()
def restore(
    folder: Annotated[
        Path, typer.Argument(parser=given_path, metavar="FOLDER", help="A folder that `backup` has written.")
    ],
    as_json: Json = False,
) -> None:
    """Restore a backup into this ledger, file store and index, whichever these are; nothing is embedded again.

    What is here stays: documents that are here already are not changed. Run it again after an interruption.
    """
    with opened_resources(begins=True) as resources, resumable():
        from swatchbook.doors.cli.progress import counting
        from swatchbook_backup.restore import restore as run

        with counting("restore", err()) as progress:
            done = run(resources, folder, progress=progress)
        say_json(done) if as_json else out().print(_draw_restore(done))
    raise typer.Exit(_exit_code(done))


def _draw_restore(done: "Restored") -> RenderableType:
    """Return what was restored, and what is left to do."""
    rows = [("documents restored", cell(done.documents))]
    if done.kept:
        rows.append(("kept as they were", cell(done.kept)))
    rows.append(("images and chunks published", cell(done.published)))
    parts: list[RenderableType] = [facts(rows)]
    if done.unfinished:
        parts.append(Text(f"{done.unfinished} are not completed: `swatchbook status` lists them.", "dim"))
    parts += [
        Text(f"Searches here do not read {clean(each)}: `swatchbook spaces` shows the spaces.", "yellow")
        for each in done.unsearched
    ]
    return Group(*parts, *_missing(done.missing, "`swatchbook upkeep verify --repair` makes them again."))


def _exit_code(done: "BackedUp | Restored") -> int:
    """Return OPEN where files are missing."""
    return OPEN if done.missing else COMPLETED


def _missing(keys: tuple[str, ...], advice: str) -> list[Text]:
    if not keys:
        return []
    more = f" … and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else ""
    named = ", ".join(keys[:_SHOWN]) + more
    return [Text(f"{len(keys)} stored files are missing or damaged: {named}. {advice}", "red")]
