"""Print the tables of `swatchbook spaces`: the spaces of each role, and results of comparing them."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from interface.cli.terminal import cell, clean, table
from swatchbook.reports.stale import StaleRole
from swatchbook.upkeep.compare_spaces import Comparison
from swatchbook.upkeep.spaces import RoleSpaces


def draw_spaces(listed: Sequence[RoleSpaces], stale: Sequence[StaleRole]) -> RenderableType:
    """Return the spaces by role, the searched one first, and a line for each role with stale vectors."""
    if not any(space.objects for role in listed for space in role.spaces):
        return Text("No spaces yet: the first ingest creates them.", "dim")
    rows = table("role", "space", "state", "in settings", "objects", "lacks", "failed", right=("objects", "lacks"))
    for role in listed:
        for number, space in enumerate(role.spaces):
            rows.add_row(
                cell("" if number else role.role, "bold"),
                cell(space.tag, "dim"),
                cell(space.state, "green" if space.state == "active" else ""),
                cell("yes" if space.chosen else ""),
                cell(space.objects),
                cell(space.lacks or "", "yellow"),
                cell(space.failed or "", "red"),
            )
    return Group(rows, *(Text(f"! {clean(each.line)}", "yellow") for each in stale))


def draw_comparisons(compared: Sequence[Comparison]) -> RenderableType:
    """Return how alike the results of new and searched spaces are, by role, and the queries that differ most."""
    if not compared:
        return Text("Nothing to compare: no other space is filled for a role that is searched.", "dim")
    figures = ("queries", "same of first ten", "rank correlation")
    rows = table("role", "searched", "new", *figures, right=figures)
    worst = table("role", "worst queries", "same of first ten", "rank correlation", right=figures)
    for each in compared:
        alike = (cell(f"{each.overlap:.0%}"), cell(f"{each.correlation:.2f}"))
        rows.add_row(
            cell(each.role, "bold"), cell(each.active, "dim"), cell(each.new, "dim"), cell(each.queries), *alike
        )
        for query in each.worst:
            figures_of = (cell(f"{query.overlap:.0%}"), cell(f"{query.correlation:.2f}"))
            worst.add_row(cell(each.role, "bold"), cell(query.query), *figures_of)
    return Group(rows, worst)
