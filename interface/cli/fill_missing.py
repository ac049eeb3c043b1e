"""Run `swatchbook spaces fill` and `swatchbook backfill`, and print the plan, what was made, and what is left."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from interface.cli.exit_status import COMPLETED, OPEN
from interface.cli.progress import counting
from interface.cli.terminal import cell, clean, duration, err, out, plural, say_json, table, until
from swatchbook.ledger.spaces import Lack
from swatchbook.resources import Resources
from swatchbook.truncate import truncate
from swatchbook.upkeep.fill_missing import Fill, Filled, FillPlan, fill_missing, plan_fill

SHOWN_FAILURES = 10


def run_fill(resources: Resources, fill: Fill, *, dry_run: bool, as_json: bool) -> int:
    """Make what is missing, or plan it, print the result and return the exit status."""
    if dry_run:
        plan = plan_fill(resources, fill)
        say_json(plan.model_dump(mode="json") | {"usd": plan.usd}) if as_json else out().print(draw_plan(plan))
        return COMPLETED
    with counting("fill", err()) as progress:
        done = fill_missing(resources, fill, progress=progress)
    now = resources.ledger.now()
    say_json(done) if as_json else out().print(draw_filled(done, fill, now=now))
    return OPEN if done.lacks or done.failures or done.busy else COMPLETED


def draw_plan(plan: FillPlan) -> RenderableType:
    """Return what a fill would make, about how long its calls take, and their highest cost."""
    if not plan.roles:
        nothing = Text("Nothing to make: no vector is missing that can be made now.", "dim")
        return Group(nothing, *_lost(plan.unreadable))
    cost = "cost unknown" if plan.usd is None else f"at most {plan.usd:.4f} USD" if plan.usd else "free"
    calls = sum(each.calls for each in plan.roles)
    head = f"{_objects(plan)} · {plural(calls, 'call')} · {cost}"
    figures = ("objects", "calls", "tokens ≤", "time of calls ≈", "cost ≤")
    rows = table("role", "space", *figures, right=figures)
    for each in plan.roles:
        usd = "price unknown" if each.usd is None else f"{each.usd:.4f} USD" if each.usd else "free"
        counts = (cell(f"{count:,}") for count in (each.objects, each.calls, each.tokens))
        seconds = cell(duration(each.seconds) if each.calls else "")
        rows.add_row(cell(each.role, "bold"), cell(each.tag, "dim"), *counts, seconds, cell(usd))
    return Group(Text(head, "bold"), rows, *_lost(plan.unreadable))


def draw_filled(done: Filled, fill: Fill, *, now: float) -> RenderableType:
    """Return what a fill has made and what is left, with the next command to run. `now` in Unix seconds."""
    cost = "cost unknown" if done.cost_usd is None else f"{done.cost_usd:.4f} USD"
    lines = [Text(f"{plural(done.made, 'item')} made for {_objects(done)} · {cost}", "bold")]
    lines += [Text(f"✗ {clean(each)}", "red") for each in truncate(list(done.failures), SHOWN_FAILURES)]
    lines += [Text(f"! {clean(reason)}", "yellow") for reason in done.busy]
    lines += [*_lost(done.unreadable), *(lack_line(lack, now) for lack in done.lacks)]
    return Group(*lines, *(Text(line, "dim") for line in _advice(done, fill, now)))


def lack_line(lack: Lack, now: float) -> Text:
    """Return what a space still lacks, what of it waits until when, and what has failed."""
    parts = [f"still lacks {plural(lack.open, 'object')}"] if lack.open else []
    parts += [f"{lack.waiting} wait for a later try ({until(lack.next_try, now)})"] if lack.waiting else []
    parts += [f"{plural(lack.failed, 'object')} failed for good"] if lack.failed else []
    return Text(f"! {lack.role} by {clean(lack.tag)}: {', '.join(parts)}", "yellow")


def _advice(done: Filled, fill: Fill, now: float) -> Iterator[str]:
    """Yield the next command to run, and when: what waits is not made before its next try."""
    tries = [lack.next_try for lack in done.lacks if lack.next_try is not None]
    if any(lack.open > lack.waiting for lack in done.lacks):
        if done.objects or fill.spaces == "chosen":  # else the same would be left
            yield "go on: the same command again"
    elif tries:
        yield f"nothing can be made now; go on {until(min(tries), now)}: the same command again"
    if any(lack.failed for lack in done.lacks):
        yield "what has failed for good: swatchbook retry DOCUMENT"
    if fill.spaces == "chosen" and not done.lacks:
        yield "search with it: swatchbook spaces activate"


def _objects(result: FillPlan | Filled) -> str:
    return f"{plural(result.objects, 'object')} of {plural(result.documents, 'document')}"


def _lost(count: int) -> list[Text]:
    what = f"! the stored file of {plural(count, 'image')} cannot be read; `swatchbook verify --repair` queues them"
    return [Text(what, "yellow")] if count else []
