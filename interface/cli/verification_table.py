"""Print the results of `verify`."""

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from interface.cli.terminal import cell, clean, table

if TYPE_CHECKING:
    from swatchbook.upkeep.verify import Damage, Verification


def draw_verification(verification: "Verification") -> RenderableType:
    """Return the missing and foreign rows of each space, and the lost and damaged files."""
    rows = table("space", "expected", "missing", "foreign", right=("expected", "missing", "foreign"))
    for space in verification.spaces:
        rows.add_row(
            cell(space.space),
            cell(space.expected),
            cell(space.missing, "red" if space.missing else "dim"),
            cell(space.foreign, "red" if space.foreign else "dim"),
        )
    parts: list[RenderableType] = [rows] if verification.spaces else []
    parts += [Text(f"✗ file {key} is missing; ingest its document again", "red") for key in verification.lost_files]
    parts += [Text(f"✗ {_describe_damage(damage)}", "red") for damage in verification.damaged_files]
    if verification.queued:
        parts.append(
            Text(
                f"{verification.queued} documents are queued: `swatchbook retry --all-owners` stores their files again"
            )
        )
    if verification.unpublished:
        parts.append(Text(f"{verification.unpublished} changes are not yet published", "yellow"))
    if verification.sound:
        parts.append(
            Text("✓ ledger, index and files agree" + (" after repair" if verification.repaired else ""), "green")
        )
    elif not verification.repaired:
        parts.append(Text("to repair: swatchbook verify --repair", "dim"))
    return Group(*parts)


def _describe_damage(damage: "Damage") -> str:
    names = clean(", ".join(damage.documents)) or "no document"
    advice = "; ingest or upload it again" if damage.upload_again else ""
    return f"file {damage.file} of {names} is damaged{advice}"
