"""`swatchbook spaces`: list the spaces of each role; activate, roll back and drop them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from swatchbook.doors.cli.shared_arguments import Json, Roles, Yes, confirm, opened_resources, parse_roles
from swatchbook.doors.cli.terminal import cell, note, out, say_json, table

if TYPE_CHECKING:
    from swatchbook.domain.records import RoleTag
    from swatchbook.upkeep.reports.stale import StaleRole
    from swatchbook.upkeep.spaces import RoleSpaces


app = typer.Typer(
    invoke_without_command=True,
    help="Change a model without downtime: list and switch spaces; `fill spaces` fills them.",
)


@app.callback()
def list_spaces(context: typer.Context, as_json: Json = False) -> None:
    """List the spaces of each role: which is searched, how full the others are, and what is stale."""
    if context.invoked_subcommand is not None:
        return
    with opened_resources() as resources:
        from swatchbook.upkeep import spaces
        from swatchbook.upkeep.reports.stale import stale_roles

        listed, stale = spaces.list_spaces(resources), stale_roles(resources.ledger, resources.settings)
        say_json({"roles": listed, "stale": stale}) if as_json else out().print(draw_spaces(listed, stale))


def draw_spaces(listed: "Sequence[RoleSpaces]", stale: "Sequence[StaleRole]") -> RenderableType:
    """Return the spaces by role, the searched one first, and a line for each role with stale vectors."""
    from swatchbook.doors.cli.run_report import draw_warnings

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
    return Group(rows, *draw_warnings(each.line for each in stale))


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
    if as_json:
        say_json({what: pairs})
        return
    for pair in pairs:
        note(f"{pair.role}: {pair.tag} is {what} now.")
    if not pairs:
        note("Nothing to do.")


COMMANDS = {"Operation": {"spaces": app}}
