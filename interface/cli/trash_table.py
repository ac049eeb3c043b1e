"""Print the table of `swatchbook trash`."""

from collections.abc import Sequence

from rich.console import RenderableType

from interface.cli.terminal import cell, clean, duration, table
from swatchbook.ledger.retention import TRASH_SECONDS
from swatchbook.records import Trashed


def draw_trash(found: Sequence[Trashed], *, now: float, owners: bool) -> RenderableType:
    """Return the documents in the trash, the latest first. `owners`: of several owners."""
    names = ("document", "name", *(("owner",) if owners else ()), "products", "images", "for good in")
    drawn = table(*names)
    for each in found:
        left = max(0.0, each.at + TRASH_SECONDS - now)
        whose = (clean(each.owner),) if owners else ()
        drawn.add_row(
            each.document[:8], clean(each.name), *whose, cell(each.products), cell(each.images), duration(left)
        )
    return drawn
