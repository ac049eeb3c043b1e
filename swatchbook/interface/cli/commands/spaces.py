"""`swatchbook spaces`: list the spaces of each role; fill, compare, activate, roll back, drop and move them.

Prints the plan of `spaces fill` and `backfill`, what was made, and what is left.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from swatchbook.interface.cli.shared_arguments import (
    DryRun,
    Json,
    MaxUsd,
    Roles,
    Yes,
    confirm,
    opened_resources,
    parse_roles,
)
from swatchbook.interface.cli.terminal import (
    COMPLETED,
    OPEN,
    cell,
    clean,
    duration,
    err,
    note,
    out,
    plural,
    resumable,
    say_json,
    table,
    until,
)
from swatchbook_base.truncate import truncate

if TYPE_CHECKING:
    from swatchbook.ledger.space_objects import Lack
    from swatchbook.records import RoleTag
    from swatchbook.reports.stale import StaleRole
    from swatchbook.resources import Resources
    from swatchbook.upkeep.compare_spaces import Comparison
    from swatchbook.upkeep.fill_missing import Fill, Filled, FillPlan
    from swatchbook.upkeep.spaces import RoleSpaces


app = typer.Typer(
    invoke_without_command=True, help="Change a model without downtime: list, fill, compare and switch spaces."
)


@app.callback()
def list_spaces(context: typer.Context, as_json: Json = False) -> None:
    """List the spaces of each role: which is searched, how full the others are, and what is stale."""
    if context.invoked_subcommand is not None:
        return
    with opened_resources() as resources:
        from swatchbook.reports.stale import stale_roles
        from swatchbook.upkeep import spaces

        listed, stale = spaces.list_spaces(resources), stale_roles(resources.ledger, resources.settings)
        say_json({"roles": listed, "stale": stale}) if as_json else out().print(draw_spaces(listed, stale))


def draw_spaces(listed: "Sequence[RoleSpaces]", stale: "Sequence[StaleRole]") -> RenderableType:
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


SHOWN_FAILURES = 10


@app.command("fill")
def fill_spaces(
    roles: Roles = "",
    dry_run: DryRun = False,
    max_usd: MaxUsd = None,
    as_json: Json = False,
) -> None:
    """Make what the spaces of the models in the settings lack. Searches stay as they are.

    Run it again to resume after an interruption.
    """
    wanted = parse_roles(roles)
    with opened_resources() as resources, resumable():
        from swatchbook.upkeep.fill_missing import Fill

        fill = Fill(spaces="chosen", roles=wanted, max_usd=max_usd)
        code = run_fill(resources, fill, dry_run=dry_run, as_json=as_json)
    raise typer.Exit(code)


def run_fill(resources: "Resources", fill: "Fill", *, dry_run: bool, as_json: bool) -> int:
    """Make what is missing, or plan it, print the result and return the exit status."""
    from swatchbook.interface.cli.progress import counting
    from swatchbook.upkeep.fill_missing import fill_missing, plan_fill

    if dry_run:
        plan = plan_fill(resources, fill)
        say_json(plan.model_dump(mode="json") | {"usd": plan.usd}) if as_json else out().print(draw_plan(plan))
        return COMPLETED
    with counting("fill", err()) as progress:
        done = fill_missing(resources, fill, progress=progress)
    now = resources.ledger.now()
    say_json(done) if as_json else out().print(draw_filled(done, fill, now=now))
    return OPEN if done.lacks or done.failures or done.busy else COMPLETED


def draw_plan(plan: "FillPlan") -> RenderableType:
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


def draw_filled(done: "Filled", fill: "Fill", *, now: float) -> RenderableType:
    """Return what a fill has made and what is left, with the next command to run. `now` in Unix seconds."""
    cost = "cost unknown" if done.cost_usd is None else f"{done.cost_usd:.4f} USD"
    lines = [Text(f"{plural(done.made, 'item')} made for {_objects(done)} · {cost}", "bold")]
    lines += [Text(f"✗ {clean(each)}", "red") for each in truncate(list(done.failures), SHOWN_FAILURES)]
    lines += [Text(f"! {clean(reason)}", "yellow") for reason in done.busy]
    lines += [*_lost(done.unreadable), *(lack_line(lack, now) for lack in done.lacks)]
    return Group(*lines, *(Text(line, "dim") for line in _advice(done, fill, now)))


def lack_line(lack: "Lack", now: float) -> Text:
    """Return what a space still lacks, what of it waits until when, and what has failed."""
    parts = [f"still lacks {plural(lack.open, 'object')}"] if lack.open else []
    parts += [f"{lack.waiting} wait for a later try ({until(lack.next_try, now)})"] if lack.waiting else []
    parts += [f"{plural(lack.failed, 'object')} failed for good"] if lack.failed else []
    return Text(f"! {lack.role} by {clean(lack.tag)}: {', '.join(parts)}", "yellow")


def _advice(done: "Filled", fill: "Fill", now: float) -> Iterator[str]:
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


def _objects(result: "FillPlan | Filled") -> str:
    return f"{plural(result.objects, 'object')} of {plural(result.documents, 'document')}"


def _lost(count: int) -> list[Text]:
    what = f"! the stored file of {plural(count, 'image')} cannot be read; `swatchbook verify --repair` queues them"
    return [Text(what, "yellow")] if count else []


@app.command("compare")
def compare_spaces(
    roles: Roles = "",
    queries: Annotated[int, typer.Option(min=1, max=1_000, help="Sampled queries for each role.")] = 50,
    as_json: Json = False,
) -> None:
    """Compare the results of the new spaces with those of the searched ones; list the queries that differ most."""
    with opened_resources() as resources:
        from swatchbook.upkeep.compare_spaces import compare_spaces as compare

        compared = compare(resources, roles=parse_roles(roles), queries=queries)
        say_json(compared) if as_json else out().print(draw_comparisons(compared))


def draw_comparisons(compared: "Sequence[Comparison]") -> RenderableType:
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


@app.command("activate")
def activate_spaces(
    roles: Roles = "",
    yes: Annotated[bool, typer.Option("--yes", help="Also when objects of a new space have failed.")] = False,
    as_json: Json = False,
) -> None:
    """Let searches use the models in the settings. Their spaces must be filled; `rollback` undoes it."""
    with opened_resources() as resources:
        from swatchbook.upkeep import spaces

        _print_switched(
            spaces.activate(resources, roles=parse_roles(roles), accept_failed=yes), "active", as_json=as_json
        )


@app.command("rollback")
def roll_back(roles: Roles = "", as_json: Json = False) -> None:
    """Let searches use the spaces that the last `activate` replaced."""
    with opened_resources() as resources:
        from swatchbook.upkeep import spaces

        _print_switched(spaces.rollback(resources, roles=parse_roles(roles)), "active", as_json=as_json)


@app.command("drop-old")
def drop_old_spaces(roles: Roles = "", yes: Yes = False, as_json: Json = False) -> None:
    """Delete the spaces that are neither searched nor named by the settings, with their vectors. Asks first."""
    wanted = parse_roles(roles)
    with opened_resources() as resources:
        from swatchbook.upkeep import spaces

        old = spaces.droppable(resources, wanted)
        if old and not yes:
            summary = f"{', '.join(f'{pair.role} by {pair.tag}' for pair in old)} will be deleted."
            confirm(summary, "Delete these spaces?")
        _print_switched(spaces.drop_old(resources, roles=wanted), "dropped", as_json=as_json)


@app.command("move")
def move_spaces(dry_run: DryRun = False, as_json: Json = False) -> None:
    """Move spaces in Weaviate into the vector index and tenants of the settings, while they are searched.

    Run it again to resume after an interruption.
    """
    with opened_resources() as resources, resumable():
        from swatchbook.interface.cli.progress import counting
        from swatchbook.upkeep.move_spaces import move_spaces as move
        from swatchbook.upkeep.move_spaces import plan_move

        if dry_run:
            moved = plan_move(resources)
        else:
            with counting("move", err()) as progress:
                moved = move(resources, progress=progress)
    if as_json:
        say_json({"moves": moved})
        return
    for each in moved:
        note(f"{each.space}: {each.before} → {each.after}")
    if not moved:
        note("Nothing to do.")


def _print_switched(pairs: "list[RoleTag]", what: str, *, as_json: bool) -> None:

    if as_json:
        say_json({what: pairs})
        return
    for pair in pairs:
        note(f"{pair.role}: {pair.tag} is {what} now.")
    if not pairs:
        note("Nothing to do.")


COMMANDS = {"Operation": {"spaces": app}}
