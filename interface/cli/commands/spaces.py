"""`swatchbook spaces`: list the spaces of each role; fill, compare, activate, roll back and drop them."""

from typing import TYPE_CHECKING, Annotated

import typer

from interface.cli.interrupted import resumable
from interface.cli.shared_arguments import DryRun, Json, MaxUsd, Roles, Yes, confirm, opened_resources, parse_roles

if TYPE_CHECKING:
    from swatchbook.records import RoleTag

app = typer.Typer(
    invoke_without_command=True, help="Change a model without downtime: list, fill, compare and switch spaces."
)


@app.callback()
def list_spaces(context: typer.Context, as_json: Json = False) -> None:
    """List the spaces of each role: which is searched, how full the others are, and what is stale."""
    if context.invoked_subcommand is not None:
        return
    with opened_resources() as resources:
        from interface.cli.space_tables import draw_spaces
        from interface.cli.terminal import out, say_json
        from swatchbook.reports.stale import stale_roles
        from swatchbook.upkeep import spaces

        listed, stale = spaces.list_spaces(resources), stale_roles(resources.ledger, resources.settings)
        say_json({"roles": listed, "stale": stale}) if as_json else out().print(draw_spaces(listed, stale))


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
        from interface.cli.fill_missing import run_fill
        from swatchbook.upkeep.fill_missing import Fill

        fill = Fill(spaces="chosen", roles=wanted, max_usd=max_usd)
        code = run_fill(resources, fill, dry_run=dry_run, as_json=as_json)
    raise typer.Exit(code)


@app.command("compare")
def compare_spaces(
    roles: Roles = "",
    queries: Annotated[int, typer.Option(min=1, max=1_000, help="Sampled queries for each role.")] = 50,
    as_json: Json = False,
) -> None:
    """Compare the results of the new spaces with those of the searched ones; list the queries that differ most."""
    with opened_resources() as resources:
        from interface.cli.space_tables import draw_comparisons
        from interface.cli.terminal import out, say_json
        from swatchbook.upkeep.compare_spaces import compare_spaces as compare

        compared = compare(resources, roles=parse_roles(roles), queries=queries)
        say_json(compared) if as_json else out().print(draw_comparisons(compared))


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


def _print_switched(pairs: "list[RoleTag]", what: str, *, as_json: bool) -> None:
    from interface.cli.terminal import note, say_json

    if as_json:
        say_json({what: pairs})
        return
    for pair in pairs:
        note(f"{pair.role}: {pair.tag} is {what} now.")
    if not pairs:
        note("Nothing to do.")
