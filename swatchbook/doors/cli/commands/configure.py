"""`swatchbook config`, `doctor` and `serve setup`: show the settings, set Prefect up, check the installation."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from swatchbook.doors.cli.shared_arguments import Json, opened_resources, read_settings
from swatchbook.doors.cli.terminal import COMPLETED, FAILED, OPEN, cell, err, note, out, say_json, table

if TYPE_CHECKING:
    from swatchbook.deployments.setup import Line, Mode


def config(as_json: Json = False) -> None:
    """Show every setting, its value and its source. Secrets are masked."""
    from swatchbook.domain.settings import load_settings, origins, unknown_variables
    from swatchbook.doors.cli.config import describe, draw

    rows = describe(load_settings(), origins())
    say_json(rows) if as_json else out().print(draw(rows, width=out().width))
    for name in unknown_variables():
        note(f"Unknown setting: {name}.")


_POOLS = ("docker", "kubernetes", "process")
"""Kinds of pools for shards; `swatchbook.deployments.shard_pools.Kind` is imported with Prefect, late."""


def setup(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit with 3 if something would change.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Also overwrite saved blocks and the pool's concurrency limit.")
    ] = False,
    pool: Annotated[
        str | None,
        typer.Option("--pool", help=f"What runs the shards: {', '.join(_POOLS)}. Without it, what runs them now."),
    ] = None,
    namespace: Annotated[
        str | None, typer.Option(help="Where `--pool kubernetes` creates jobs. Without it, where it creates them now.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Create or update work pools, blocks and deployments on the Prefect server.

    Safe to run again.
    """
    if pool is not None and pool not in _POOLS:
        raise typer.BadParameter(f"{pool} is not one of {', '.join(_POOLS)}.", param_hint="--pool")
    if namespace and pool is None:
        raise typer.BadParameter("It belongs to a --pool.", param_hint="--namespace")
    import asyncio  # it brings much that other commands do not need

    from swatchbook.doors.prefect_server import prepare_prefect

    settings = read_settings()
    prepare_prefect(settings)  # before anything imports Prefect
    from swatchbook.deployments.setup import Mode, Outcome, set_up
    from swatchbook.deployments.shard_pools import Kind, describe_unshared

    mode, kind = Mode(check=check, force=force), Kind(pool) if pool else None
    lines = asyncio.run(set_up(settings, mode, kind, namespace))
    say_json(lines) if as_json else out().print(draw_setup(lines, mode))
    if kind and (unshared := describe_unshared(kind, settings)):
        note(unshared)
    changes = any(line.outcome in (Outcome.CREATED, Outcome.UPDATED) for line in lines)
    raise typer.Exit(OPEN if mode.check and changes else COMPLETED)


def draw_setup(lines: "Sequence[Line]", mode: "Mode") -> Table:
    """Return the lines as a table."""
    from swatchbook.deployments.setup import Outcome

    style = {Outcome.SAME: "dim", Outcome.CREATED: "green", Outcome.UPDATED: "green", Outcome.KEPT: "yellow"}
    would = {Outcome.CREATED: "would be created", Outcome.UPDATED: "would be updated"}
    rows = table("object", "name", "outcome", "difference")
    for line in lines:
        outcome = would.get(line.outcome, line.outcome) if mode.check else line.outcome
        text = f"{outcome}; --force overwrites it" if line.outcome is Outcome.KEPT else outcome
        rows.add_row(
            cell(line.what, "dim"),
            cell(line.name, "bold"),
            cell(text, style[line.outcome]),
            cell("\n".join(line.difference)),
        )
    return rows


def doctor(as_json: Json = False) -> None:
    """Check every part of the installation with a real request, and show how to fix what fails."""
    with opened_resources(begins=True) as resources:
        from swatchbook.doors.cli.doctor import draw, examine

        with err().status("checking …"):
            findings = examine(resources)
        say_json(findings) if as_json else out().print(draw(findings))
    raise typer.Exit(COMPLETED if all(finding.ok for finding in findings) else FAILED)


COMMANDS = {"Operation": {"config": config, "doctor": doctor}}
