"""`swatchbook config` and `doctor`: show the settings, check the installation."""

import typer

from swatchbook.doors.cli.shared_arguments import Json, opened_resources
from swatchbook.doors.cli.terminal import COMPLETED, FAILED, err, note, out, say_json


def config(as_json: Json = False) -> None:
    """Show every setting, its value and its source. Secrets are masked."""
    from swatchbook.domain.settings import load_settings, origins, unknown_variables
    from swatchbook.doors.cli.config import describe, draw

    rows = describe(load_settings(), origins())
    say_json(rows) if as_json else out().print(draw(rows, width=out().width))
    for name in unknown_variables():
        note(f"Unknown setting: {name}.")


def doctor(as_json: Json = False) -> None:
    """Check every part of the installation with a real request, and show how to fix what fails."""
    with opened_resources(begins=True) as resources:
        from swatchbook.doors.cli.doctor import draw, examine

        with err().status("checking …"):
            findings = examine(resources)
        say_json(findings) if as_json else out().print(draw(findings))
    raise typer.Exit(COMPLETED if all(finding.ok for finding in findings) else FAILED)


COMMANDS = {"Operation": {"config": config, "doctor": doctor}}
