"""Terminal output of `swatchbook spaces`: the spaces of each role, and results of filling and comparing them."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from interface.cli.terminal import cell, clean, table
from swatchbook.reports.stale import StaleRole
from swatchbook.truncate import truncate
from swatchbook.upkeep.spaces import Filled, FillPlan, RoleSpaces

SHOWN_FAILURES = 10


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


def draw_plan(plan: Sequence[FillPlan]) -> RenderableType:
    """Return what a fill would make, and its highest cost."""
    if not plan:
        return Text("Nothing to fill: the spaces of the models in the settings lack nothing.", "dim")
    rows = table("role", "space", "objects", "tokens", "at most", right=("objects", "tokens", "at most"))
    for each in plan:
        cost = "price unknown" if each.usd is None else f"{each.usd:.4f} USD" if each.usd else "free"
        rows.add_row(cell(each.role, "bold"), cell(each.tag, "dim"), cell(each.objects), cell(each.tokens), cell(cost))
    return rows


def draw_filled(filled: Filled) -> RenderableType:
    """Return what a fill has made and what is left, with the next command to run."""
    lines = [Text(f"{filled.made} items made in {filled.documents} documents · {filled.cost_usd:.4f} USD", "bold")]
    lines += [Text(f"✗ {clean(each)}", "red") for each in truncate(list(filled.failures), SHOWN_FAILURES)]
    if filled.busy:
        lines.append(Text(f"{filled.busy} documents are being filled by another process.", "yellow"))
    for lack in filled.lacks:
        failed = f", {lack.failed} have failed" if lack.failed else ""
        lines.append(Text(f"! {lack.role} by {clean(lack.tag)} still lacks {lack.open} objects{failed}", "yellow"))
    advice = "fill again: swatchbook spaces fill" if filled.lacks else "search with it: swatchbook spaces activate"
    return Group(*lines, Text(advice, "dim"))
