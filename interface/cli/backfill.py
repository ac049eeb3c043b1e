"""What `swatchbook backfill` prints: its plan, and what it has made and left."""

from rich.console import Group, RenderableType
from rich.text import Text

from interface.cli.space_tables import SHOWN_FAILURES, draw_plan, lack_line
from interface.cli.terminal import clean, plural
from swatchbook.truncate import truncate
from swatchbook.upkeep.backfill import Backfilled, BackfillPlan


def draw_backfill_plan(plan: BackfillPlan) -> RenderableType:
    """Return what a backfill would make, and its highest cost."""
    if not plan.roles:
        return Group(
            Text("Nothing to backfill: completed documents have the vectors that they ask for.", "dim"),
            *_unreadable(plan.unreadable),
        )
    cost = "cost unknown" if plan.usd is None else f"at most {plan.usd:.4f} USD" if plan.usd else "free"
    calls = sum(each.calls for each in plan.roles)
    counts = f"{plural(plan.objects, 'object')} of {plural(plan.documents, 'document')}"
    head = Text(f"{counts} · {plural(calls, 'call')} · {cost}", "bold")
    return Group(head, draw_plan(plan.roles), *_unreadable(plan.unreadable))


def draw_backfilled(done: Backfilled, *, now: float) -> RenderableType:
    """Return what a backfill has made and what is left, with the next command to run."""
    cost = "cost unknown" if done.cost_usd is None else f"{done.cost_usd:.4f} USD"
    counts = f"{plural(done.objects, 'object')} of {plural(done.documents, 'document')}"
    lines = [Text(f"{plural(done.made, 'item')} made for {counts} · {cost}", "bold")]
    lines += [Text(f"✗ {clean(each)}", "red") for each in truncate(list(done.failures), SHOWN_FAILURES)]
    lines += [Text(f"! {clean(reason)}", "yellow") for reason in done.busy]
    lines += [*_unreadable(done.unreadable), *(lack_line(lack, now) for lack in done.lacks)]
    if done.objects and any(lack.open > lack.waiting for lack in done.lacks):  # else the same would be left
        lines.append(Text("go on: the same command again", "dim"))
    if any(lack.failed for lack in done.lacks):
        lines.append(Text("what has failed for good: swatchbook retry DOCUMENT", "dim"))
    return Group(*lines)


def _unreadable(count: int) -> list[Text]:
    what = f"! the stored file of {plural(count, 'image')} cannot be read; `swatchbook verify --repair` queues them"
    return [Text(what, "yellow")] if count else []
