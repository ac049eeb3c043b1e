"""Print the results of `swatchbook backup` and `restore`; their exit status is 3 if stored files are missing."""

from rich.console import Group, RenderableType
from rich.text import Text

from interface.cli.exit_status import COMPLETED, OPEN
from interface.cli.terminal import cell, clean, facts, megabytes
from swatchbook.backup.restore import Restored
from swatchbook.backup.write import BackedUp

_SHOWN = 5  # missing files that are named


def draw_backup(done: BackedUp) -> RenderableType:
    """Return what the backup holds."""
    rows = [
        ("folder", cell(done.folder)),
        ("documents", cell(done.documents)),
        ("images", cell(done.images)),
        ("vectors", cell(done.vectors)),
        ("files", cell(f"{done.files:,}, {done.copied:,} of them new")),
        ("size", cell(megabytes(done.bytes))),
    ]
    return Group(facts(rows), *_missing(done.missing, "`swatchbook verify --repair` makes them again."))


def draw_restore(done: Restored) -> RenderableType:
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
    return Group(*parts, *_missing(done.missing, "`swatchbook verify --repair` makes them again."))


def exit_code(done: BackedUp | Restored) -> int:
    """Return OPEN where files are missing."""
    return OPEN if done.missing else COMPLETED


def _missing(keys: tuple[str, ...], advice: str) -> list[Text]:
    if not keys:
        return []
    more = f" … and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else ""
    named = ", ".join(keys[:_SHOWN]) + more
    return [Text(f"{len(keys)} stored files are missing or damaged: {named}. {advice}", "red")]
