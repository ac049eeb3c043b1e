"""Terminal output of `swatchbook spaces`: the spaces of each role, and results of filling and comparing them."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from interface.cli.terminal import cell, clean, plural, table, until
from swatchbook.ledger.spaces import Lack
from swatchbook.reports.stale import StaleRole
from swatchbook.truncate import truncate
from swatchbook.upkeep.compare_spaces import Comparison
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
    figures = ("objects", "calls", "tokens", "at most")
    rows = table("role", "space", *figures, right=figures)
    for each in plan:
        cost = "price unknown" if each.usd is None else f"{each.usd:.4f} USD" if each.usd else "free"
        counts = (cell(f"{count:,}") for count in (each.objects, each.calls, each.tokens))
        rows.add_row(cell(each.role, "bold"), cell(each.tag, "dim"), *counts, cell(cost))
    return rows


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


def draw_filled(filled: Filled, *, now: float) -> RenderableType:
    """Return what a fill has made and what is left, with the next command to run. `now` in Unix seconds."""
    cost = "cost unknown" if filled.cost_usd is None else f"{filled.cost_usd:.4f} USD"
    lines = [Text(f"{filled.made} items made in {filled.documents} documents · {cost}", "bold")]
    lines += [Text(f"✗ {clean(each)}", "red") for each in truncate(list(filled.failures), SHOWN_FAILURES)]
    lines += [Text(f"! {clean(reason)}", "yellow") for reason in filled.busy]
    lines += [lack_line(lack, now) for lack in filled.lacks]
    return Group(*lines, Text(_advice(filled.lacks, now), "dim"))


def lack_line(lack: Lack, now: float) -> Text:
    """Return what a space still lacks, what of it waits until when, and what has failed."""
    parts = [f"still lacks {plural(lack.open, 'object')}"] if lack.open else []
    parts += [f"{lack.waiting} wait for a later try ({until(lack.next_try, now)})"] if lack.waiting else []
    parts += [f"{plural(lack.failed, 'object')} failed for good"] if lack.failed else []
    return Text(f"! {lack.role} by {clean(lack.tag)}: {', '.join(parts)}", "yellow")


def _advice(lacks: Sequence[Lack], now: float) -> str:
    """Return the next command to run, and when: what waits is not made before its next try."""
    if not lacks:
        return "search with it: swatchbook spaces activate"
    tries = [lack.next_try for lack in lacks if lack.next_try is not None]
    if tries and all(lack.open == lack.waiting for lack in lacks):
        return f"nothing can be made now; fill again {until(min(tries), now)}: swatchbook spaces fill"
    return "fill again: swatchbook spaces fill"
