"""Register every command of `swatchbook` with its name and help panel, and handle errors.

The commands are in `commands/`; each file there lists its own as COMMANDS. Installed packages bring others as entry
points, whose metadata are read only for a name that is not among these, and for the list of all.
"""

import gc
import logging
import os
import re
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from swatchbook.domain.extras import installed_version, missing_package
from swatchbook.doors.cli.commands import (
    configure,
    delete,
    fill,
    findings,
    ingest,
    models,
    owners,
    products,
    review,
    search,
    show,
    spaces,
    upkeep,
)

if TYPE_CHECKING:
    from swatchbook.domain.errors import Failure

log = logging.getLogger(__name__)

_FILES = (
    ingest, search, findings, review, show, products, fill, delete, owners, configure,
    models, spaces, upkeep,
)  # fmt: skip
"""The files of commands, in the order of the help."""

PANELS = {
    panel: {name: command for file in _FILES for name, command in file.COMMANDS.get(panel, {}).items()}
    for panel in ("Everyday", "Collection", "Operation", "Evaluation")
}
"""Panel of the help -> its commands in the order of the help: name -> function, or the app of a group of commands.

A name of two words is a command of a group: `stats facets`.
"""

_OPEN_GROUPS = frozenset({"spaces", "upkeep"})
"""Groups to which packages add commands, named `upkeep.events`: for these their metadata are read."""

PACKAGED = {
    "import": "swatchbook-tables",
    "inspect": "swatchbook-web",
    "mcp": "swatchbook-assistants",
    "readings": "swatchbook-teach",
    "serve": "swatchbook-service",
    "spaces.move": "swatchbook-weaviate",
    "teach": "swatchbook-teach",
    "upkeep.backup": "swatchbook-backup",
    "upkeep.events": "swatchbook-buckets",
    "upkeep.restore": "swatchbook-backup",
}
"""Command -> the package that brings it, which is named where it is not installed."""


class Commands(TyperGroup):
    """All commands, with those of installed packages."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command, and import the package that brings it."""
        if cmd_name not in self.commands or cmd_name in _OPEN_GROUPS:
            self._add_packaged(cmd_name)
        if cmd_name not in self.commands and cmd_name in PACKAGED:
            return _not_installed(cmd_name, PACKAGED[cmd_name])
        return super().get_command(ctx, cmd_name)

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all commands in the order of the help: groups are last, as Typer has them."""
        self._add_packaged(None)
        return sorted(super().list_commands(ctx), key=lambda name: isinstance(self.commands[name], TyperGroup))

    def _add_packaged(self, wanted: str | None) -> None:
        """Add the wanted command of an installed package; all there are if none has this name, for "did you mean"."""
        from swatchbook.domain.plugins import Kind, installed

        missing = dict[str, list[tuple[dict[str, Any], str]]]()
        for plugin in installed(Kind.COMMAND):
            group, _, name = plugin.name.rpartition(".")
            parent: Any = self.commands.get(group) if group else self
            if parent is not None and name not in parent.commands:
                missing.setdefault(group or name, []).append((parent.commands, plugin.name))
        for first in [wanted] if wanted in missing or wanted in self.commands else missing:
            for commands, full_name in missing.get(first or "", ()):
                commands[full_name.rpartition(".")[2]] = _packaged(full_name)
        for full_name, package in PACKAGED.items():
            group, _, name = full_name.rpartition(".")
            if group and group == wanted:
                opened: Any = self.commands[group]
                opened.commands.setdefault(name, _not_installed(f"{group} {name}", package))


def _packaged(name: str) -> Any:
    """Return the command of an installed package; one that only says why, where the package cannot be used."""
    from typer.main import get_group

    from swatchbook.domain.errors import Failure
    from swatchbook.domain.plugins import Kind, find

    try:
        plugin = find(Kind.COMMAND, name)
        with plugin.usable():
            its_app: Any = plugin.load()
            command: Any = get_group(its_app).commands[name.rpartition(".")[2]]
    except Failure as failure:
        command = _refused(name, failure)
    command.short_help = command.short_help or _first_clause(command.help)
    return command


def _not_installed(name: str, package: str) -> TyperCommand:
    """Return a command that names the package that brings it."""
    return _refused(name.rpartition(" ")[2], missing_package(f"`swatchbook {name}`", package))


def _refused(name: str, failure: "Failure") -> TyperCommand:
    """Return a command that raises this failure, whatever its arguments are."""

    def refuse() -> None:
        raise failure

    anything = {"ignore_unknown_options": True, "allow_extra_args": True}
    return TyperCommand(name, callback=refuse, help=failure.message, context_settings=anything)


app = typer.Typer(
    cls=Commands,
    name="swatchbook",
    help="Turn catalogues, pictures and scraped items into one searchable, fully accounted collection.",
    epilog="Where to begin: `swatchbook ingest PATH`, then `swatchbook search TEXT`, or `swatchbook serve` for the web "
    "page. Exit status: 0 completed · 1 failed, blocked, cancelled, deleted meanwhile, or the input was refused · "
    "2 wrong usage · 3 waiting, or completed with failures or without all pictures · 130 interrupted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _first_clause(text: str | None) -> str | None:
    """Return the first sentence of a help up to a colon or semicolon, so that the list of commands fits a screen."""
    return re.split(r"[.:;](?:\s|$)", text.strip(), maxsplit=1)[0] + "." if text else None


def _register(panels: Mapping[str, Mapping[str, typer.Typer | Callable[..., None]]]) -> None:
    for panel, commands in panels.items():
        for path, command in commands.items():
            *group, name = path.split()
            parent: Any = commands[group[0]] if group else app
            its_panel = None if group else panel
            if isinstance(command, typer.Typer):
                parent.add_typer(command, name=name, rich_help_panel=its_panel)
            else:
                parent.command(name, rich_help_panel=its_panel, short_help=_first_clause(command.__doc__))(command)


_register(PANELS)


def main() -> None:
    """Run the command line; print one line for any error and exit with its code."""
    run_guarded(app)


def run_guarded(run: "Callable[[], object]") -> None:
    """Run a program of the command line; print one line for any error and exit with its code."""
    gc.disable()  # what is created while modules are loaded stays; `read_settings` switches it on
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # looking for them reads all installed packages
    from swatchbook.domain.errors import Failure, as_failure

    prefect_url = os.environ.get("PREFECT_API_URL")
    try:
        run()
    except SystemExit as ended:
        if os.environ.get("PREFECT_API_URL") != prefect_url:  # set by the command: its own server, which ends with it
            from swatchbook.doors.cli.prefect_run import leave

            leave(int(ended.code or 0))
        raise
    except Exception as error:  # the outermost boundary: the traceback goes to the log, one line to the terminal
        from swatchbook.doors.cli.terminal import say_failure

        log.error("the command failed", exc_info=error)
        failure = _blame_full_disk(as_failure(error))
        if not isinstance(error, Failure) and failure.kind == Failure.kind:
            failure.advice = "This is a bug. Run the command again as `swatchbook --debug …` to see the traceback."
        sys.exit(say_failure(failure))
    finally:
        gc.freeze()  # else Python's last collection visits everything that was imported: a fifth of a cold search


def _blame_full_disk(failure: "Failure") -> "Failure":
    """Return DiskFull instead of an error that a full disk may have caused."""
    from swatchbook.domain.runtime.disk import blame_full_disk
    from swatchbook.domain.settings import load_settings

    with suppress(Exception):  # settings that cannot be read are the failure itself
        return blame_full_disk(failure, load_settings().home)
    return failure


def _print_version(requested: bool) -> None:
    if requested:
        typer.echo(f"swatchbook {installed_version()}")
        raise typer.Exit


TRACED = {"ingest", "ingest-images", "import", "fill", "review", "upkeep"}
"""Commands that begin a trace, where OpenTelemetry is on: those that make or publish something and then end."""


@app.callback()
def prepare(
    context: typer.Context,
    env_file: Annotated[
        Path | None, typer.Option("--env-file", metavar="FILE", help="Read settings from this file instead of .env.")
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Print the log, with tracebacks, to stderr.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Turn catalogues, pictures and scraped items into one searchable, fully accounted collection."""
    from swatchbook.doors.cli.log import start

    start(debug=debug)
    if env_file is not None:
        os.environ["SWATCHBOOK_ENV_FILE"] = str(env_file.expanduser().absolute())
    if context.invoked_subcommand in TRACED:
        from swatchbook.domain.tracing import span

        stack = ExitStack()
        stack.enter_context(span(f"swatchbook {context.invoked_subcommand}"))
        context.call_on_close(stack.close)  # without the exit status, which would look like an error


if __name__ == "__main__":
    main()
