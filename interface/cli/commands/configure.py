"""`swatchbook config`, `setup` and `doctor`: the commands and their options."""

from typing import Annotated

import typer

from interface.cli.shared_arguments import Json, opened_resources, read_settings


def config(as_json: Json = False) -> None:
    """Show every setting, its value and its source. Secrets are masked."""
    from interface.cli.config import describe, draw
    from interface.cli.terminal import note, out, say_json
    from swatchbook.settings import load_settings, origins, unknown_variables

    rows = describe(load_settings(), origins())
    say_json(rows) if as_json else out().print(draw(rows, width=out().width))
    for name in unknown_variables():
        note(f"Unknown setting: {name}.")


def setup(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit with 3 if something would change.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Also overwrite saved blocks and the pool's concurrency limit.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Create or update work pools, blocks, deployments and the failure notification on the Prefect server.

    Safe to run again.
    """
    from interface.cli.prefect_environment import prepare

    settings = read_settings()
    prepare(settings)  # before anything imports Prefect
    from deployments.setup import Mode
    from interface.cli.setup import draw, exit_code, run_setup
    from interface.cli.terminal import out, say_json

    mode = Mode(check=check, force=force)
    lines = run_setup(settings, mode)
    say_json(lines) if as_json else out().print(draw(lines, mode))
    raise typer.Exit(exit_code(lines, mode))


def doctor(as_json: Json = False) -> None:
    """Check every part of the installation with a real request, and show how to fix what fails."""
    with opened_resources() as resources:
        from interface.cli.doctor import draw, examine
        from interface.cli.exit_status import COMPLETED, FAILED
        from interface.cli.terminal import err, out, say_json

        with err().status("checking …"):
            findings = list(examine(resources))
        say_json(findings) if as_json else out().print(draw(findings))
    raise typer.Exit(COMPLETED if all(finding.ok for finding in findings) else FAILED)
