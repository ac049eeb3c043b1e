"""`swatchbook serve`, `serve setup` and `serve worker`: the commands and their options."""

from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from swatchbook.doors.cli.shared_arguments import Json, read_settings
from swatchbook.doors.cli.terminal import COMPLETED, OPEN, cell, note, out, say_json, table

if TYPE_CHECKING:
    from swatchbook_service.setup import Line, Mode

app = typer.Typer()
"""What the entry point names: it has the group `serve`."""

group = typer.Typer(invoke_without_command=True)
app.add_typer(group, name="serve", rich_help_panel="Everyday")


@group.callback()
def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen on; other than loopback needs API keys.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port to listen on; 0 picks a free one.")] = None,
    with_prefect: Annotated[
        bool, typer.Option("--with-prefect", help="Also run a Prefect server and a worker, and end them with it.")
    ] = False,
) -> None:
    """Run the HTTP service: uploads, webhooks, search, and the background loop that retries due documents."""
    if context.invoked_subcommand is not None:
        return
    from swatchbook.doors.cli.log import show
    from swatchbook_service.serve import running_prefect
    from swatchbook_service.serve import serve as run

    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    settings = read_settings().model_copy(update=given)

    def say(line: str) -> None:
        out().print(line, soft_wrap=True)
        show()  # only now: an error at start-up is printed as one line, without the log

    with running_prefect(settings, out().print) if with_prefect else nullcontext():
        run(settings, say)


_POOLS = ("docker", "kubernetes", "process")
"""Kinds of pools for shards; `pools.Kind` is imported with Prefect, late."""


@group.command()
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
    from swatchbook_service.pools import Kind, describe_unshared
    from swatchbook_service.setup import Mode, Outcome, set_up

    mode, kind = Mode(check=check, force=force), Kind(pool) if pool else None
    lines = asyncio.run(set_up(settings, mode, kind, namespace))
    say_json(lines) if as_json else out().print(draw_setup(lines, mode))
    if kind and (unshared := describe_unshared(kind, settings)):
        note(unshared)
    changes = any(line.outcome in (Outcome.CREATED, Outcome.UPDATED) for line in lines)
    raise typer.Exit(OPEN if mode.check and changes else COMPLETED)


def draw_setup(lines: "Sequence[Line]", mode: "Mode") -> Table:
    """Return the lines as a table."""
    from swatchbook_service.setup import Outcome

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


@group.command()
def worker() -> None:
    """Run a worker that embeds shards in Docker containers on this machine.

    On Ctrl-C or SIGTERM it waits for running containers to finish.
    """
    from swatchbook.doors.cli.log import show
    from swatchbook_service.worker import work_on_shards

    raise typer.Exit(work_on_shards(read_settings(), show))  # not before: an error at start-up is one line, no log
