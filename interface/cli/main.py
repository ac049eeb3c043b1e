"""`swatchbook`: every command with its name and its panel of the help, and what happens to errors. The functions are in
`commands/`.
"""

import gc
import logging
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from interface.cli.commands import (
    configure,
    evaluate,
    ingest,
    inspect,
    maintain,
    models,
    owners,
    products,
    review,
    search,
    serve,
    spaces,
)

if TYPE_CHECKING:
    from swatchbook.errors import Failure

log = logging.getLogger(__name__)

PANELS: Mapping[str, Mapping[str, typer.Typer | Callable[..., None]]] = {
    "Ingest": {
        "ingest": ingest.ingest,
        "ingest-images": ingest.ingest_images,
        "import": ingest.import_table,
    },
    "Search and inspect": {
        "search": search.search,
        "facets": search.facets,
        "show": inspect.show,
        "diff": inspect.diff,
        "inspect": inspect.inspect,
        "audit": inspect.audit,
        "label": inspect.label,
        "export": inspect.export,
        "status": inspect.status,
        "coverage": inspect.coverage,
        "stats": inspect.stats,
        "near-duplicates": search.near_duplicates,
        "evaluate": evaluate.app,
        "products": products.app,
    },
    "Maintain": {
        "retry": maintain.retry,
        "embed": maintain.embed,
        "backfill": maintain.backfill,
        "cancel": maintain.cancel,
        "delete": maintain.delete,
        "verify": maintain.verify,
        "tick": maintain.tick,
        "gc": maintain.gc,
        "rebuild-index": maintain.rebuild_index,
        "backup": maintain.backup,
        "restore": maintain.restore,
        "owners": owners.app,
        "review": review.app,
        "spaces": spaces.app,
    },
    "Serve": {
        "serve": serve.serve,
        "worker": serve.worker,
    },
    "Configure": {
        "config": configure.config,
        "setup": configure.setup,
        "doctor": configure.doctor,
        "models": models.app,
    },
}
"""Panel of the help -> its commands in the order of the help: name -> function, or the app of a group of commands."""

app = typer.Typer(
    name="swatchbook",
    help="Turn product catalogues (PDF) into one searchable, fully accounted collection.",
    epilog="Exit status: 0 completed · 1 failed, blocked, cancelled, or the input was refused · 2 wrong usage · "
    "3 waiting, or completed with failures · 130 interrupted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _register(panels: Mapping[str, Mapping[str, typer.Typer | Callable[..., None]]]) -> None:
    for panel, commands in panels.items():
        for name, command in commands.items():
            if isinstance(command, typer.Typer):
                app.add_typer(command, name=name, rich_help_panel=panel)
            else:
                app.command(name, rich_help_panel=panel)(command)


_register(PANELS)


def main() -> None:
    """Run the command line; print one line for any error and exit with its code."""
    gc.disable()  # what is created while modules are loaded stays; `read_settings` switches it on
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # looking for them reads all installed packages
    from swatchbook.errors import Failure, as_failure

    prefect_url = os.environ.get("PREFECT_API_URL")
    try:
        app()
    except SystemExit as ended:
        if os.environ.get("PREFECT_API_URL") != prefect_url:  # set by the command: its own server, which ends with it
            from interface.cli.prefect_run import leave

            leave(int(ended.code or 0))
        raise
    except Exception as error:  # the outermost boundary: the traceback goes to the log, one line to the terminal
        from interface.cli.terminal import say_failure

        log.error("the command failed", exc_info=error)
        failure = _blame_full_disk(as_failure(error))
        if not isinstance(error, Failure) and failure.kind == Failure.kind:
            failure.advice = "This is a bug. Run the command again as `swatchbook --debug …` to see the traceback."
        sys.exit(say_failure(failure))


def _blame_full_disk(failure: "Failure") -> "Failure":
    """Return DiskFull instead of an error that a full disk may have caused."""
    from swatchbook.runtime.disk import blame_full_disk
    from swatchbook.settings import load_settings

    with suppress(Exception):  # settings that cannot be read are the failure itself
        return blame_full_disk(failure, load_settings().home)
    return failure


def _print_version(requested: bool) -> None:
    if requested:
        from importlib.metadata import PackageNotFoundError, version

        try:
            typer.echo(f"swatchbook {version('swatchbook')}")
        except PackageNotFoundError:
            typer.echo("swatchbook (not installed as a package)")
        raise typer.Exit


@app.callback()
def prepare(
    env_file: Annotated[
        Path | None, typer.Option("--env-file", metavar="FILE", help="Read settings from this file instead of .env.")
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Print the log, with tracebacks, to stderr.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Turn product catalogues (PDF) into one searchable, fully accounted collection."""
    from interface.cli.log import start

    start(debug=debug)
    if env_file is not None:
        os.environ["SWATCHBOOK_ENV_FILE"] = str(env_file.expanduser().absolute())


if __name__ == "__main__":
    main()
