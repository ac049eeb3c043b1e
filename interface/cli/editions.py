"""Print the differences of two editions (`swatchbook diff`)."""

from rich.console import Group, RenderableType
from rich.text import Text

from interface.cli.terminal import cell, clean, table
from swatchbook.records import EditionDiff, ProductChange
from swatchbook.reports.editions import count_line, describe_difference, picture_line

_STYLES = {"added": "green", "removed": "red", "renamed": "yellow", "changed": "yellow"}


def draw_diff(diff: EditionDiff) -> RenderableType:
    """Return the differences of two documents as a table, a product a row, and the counts below it."""
    rows = table("", "product", "code", "page", "difference", "matched by", right=("page",))
    for what in ("changed", "renamed", "added", "removed"):
        for each in getattr(diff, what):
            product = each.after if isinstance(each, ProductChange) else each
            said = "\n".join(map(describe_difference, each.differences)) if isinstance(each, ProductChange) else ""
            rows.add_row(
                cell(what, _STYLES[what]),
                cell(product.name, "bold"),
                cell(product.code),
                cell(product.page or ""),
                cell(said),
                cell(each.by if isinstance(each, ProductChange) else "", "dim"),
            )
    head = Text(f"{clean(diff.before.name)} ({diff.before.id[:8]}) → {clean(diff.after.name)} ({diff.after.id[:8]})")
    counts = count_line(
        added=len(diff.added),
        removed=len(diff.removed),
        renamed=len(diff.renamed),
        changed=len(diff.changed),
        unchanged=diff.unchanged,
    )
    return Group(
        head,
        *([rows] if rows.row_count else []),
        Text(f"products: {counts}"),
        Text(f"pictures: {picture_line(diff.pictures, diff.pictures_unchanged)}"),
    )
