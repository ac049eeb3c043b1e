"""What `swatchbook export` asks and says: its format, and a summary of what was written."""

from pathlib import Path

import typer

from swatchbook.domain.errors import Configuration
from swatchbook.doors.cli.terminal import note
from swatchbook.doors.export import Exported, find_format, hints
from swatchbook.upkeep.export.formats import exporter
from swatchbook_base.truncate import plural


def choose_format(given: str | None, to: Path | None) -> str:
    """Return the format as `find_format`. Raises BadParameter for an unknown one, and one that stdout cannot take."""
    try:
        form = find_format(given, to)
        is_text = exporter(form).is_text
    except Configuration as failure:
        raise typer.BadParameter(str(failure), param_hint="--format") from failure
    if to is None and not is_text:
        raise typer.BadParameter(f"{form} is written to a file: add --to PATH", param_hint="--format")
    return form


def note_exported(exported: Exported) -> None:
    """Say on stderr how much was written, and what is not complete."""
    into = f" → {exported.to}" if exported.to else ""
    variants = f" with {plural(exported.variants, 'variant')}" if exported.variants else ""
    whole = f"{plural(exported.products, 'product')}{variants} of {plural(exported.documents, 'document')}"
    note(f"{whole} compared" if exported.changes else f"{whole}{into}")
    if changes := exported.changes:
        when = f"{exported.since:%Y-%m-%d %H:%M:%S %Z}" if exported.since else "the earlier file"
        changed = "of documents that changed" if exported.since else "changed"
        note(
            f"Since {when}: {changes.new} new, {changes.changed} {changed}, {changes.gone} gone{into}; "
            f"{changes.unchanged} unchanged are left out."
        )
        if changes.elsewhere:
            count = plural(changes.elsewhere, "record")
            note(f"Left as they are: {count} of the earlier file, of documents outside this export.")
    if exported.since:
        note(
            "A time does not tell which products a document lost when it was ingested again, nor what has left the "
            "trash: compare with a file."
        )
    for hint in hints(exported):
        note(hint)
