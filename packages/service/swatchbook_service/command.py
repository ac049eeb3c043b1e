"""`swatchbook serve`, `serve setup` and `serve worker`: the commands and their options."""

from contextlib import nullcontext
from typing import Annotated

import typer

from swatchbook.doors.cli.commands.configure import setup
from swatchbook.doors.cli.shared_arguments import read_settings
from swatchbook.doors.cli.terminal import out

app = typer.Typer()
"""What the entry point names: it has the group `serve`."""

group = typer.Typer(invoke_without_command=True)
app.add_typer(group, name="serve", rich_help_panel="Everyday")
group.command("setup")(setup)


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


@group.command()
def worker() -> None:
    """Run a worker that embeds shards in Docker containers on this machine.

    On Ctrl-C or SIGTERM it waits for running containers to finish.
    """
    from swatchbook.doors.cli.log import show
    from swatchbook_service.worker import work_on_shards

    raise typer.Exit(work_on_shards(read_settings(), show))  # not before: an error at start-up is one line, no log
