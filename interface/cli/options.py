"""What several commands share: --owner and --json, the default owner, refused names and texts, the note about an
unknown SWATCHBOOK_* variable, and what Ctrl-C does (say how to resume, exit with 130).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from swatchbook.ledger.database import Ledger
    from swatchbook.resources import Resources
    from swatchbook.settings import Settings

DEFAULT_OWNER = "default"

Json = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else, to stdout.")]
AnyOwner = Annotated[str | None, typer.Option("--owner", help="Owner of the documents; all owners by default.")]


@contextmanager
def opened_resources() -> Iterator["Resources"]:
    """Load the settings and open the resources for the block."""
    from swatchbook.resources import open_resources

    with open_resources(read_settings()) as resources:
        yield resources


def read_settings() -> "Settings":
    """Load the settings, write the log to their home, and print a note for each unknown SWATCHBOOK_* variable."""
    from interface.cli.log import keep
    from interface.cli.terminal import note
    from swatchbook.settings import load_settings, unknown_variables

    settings = load_settings()
    keep(settings)
    for name in unknown_variables():
        note(f"Unknown setting: {name}.")
    return settings


@contextmanager
def resumable() -> Iterator[None]:
    """On Ctrl-C, say how to resume and exit with 130."""
    try:
        yield
    except KeyboardInterrupt:
        from interface.cli.exit_status import INTERRUPTED
        from interface.cli.prefect_run import leave
        from interface.cli.terminal import note

        note("Interrupted. Finished work is kept; run the same command again to resume.")
        leave(INTERRUPTED)


def check_text(text: str, what: str) -> None:
    """Raise BadParameter for text that is not UTF-8: Python decodes it to lone surrogates, which no database stores."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise typer.BadParameter("it is not UTF-8", param_hint=what) from None


def check_owner(owner: str) -> None:
    """Raise BadParameter for an invalid owner name."""
    from pydantic import TypeAdapter, ValidationError

    from swatchbook.records import Owner

    try:
        TypeAdapter(Owner).validate_python(owner)
    except ValidationError:
        message = f"{owner!r}: use up to 64 letters, digits and _ . @ -, starting with a letter or digit."
        raise typer.BadParameter(message, param_hint="--owner") from None


def choose_owner(ledger: "Ledger", owner: str | None) -> str:
    """Return the given owner, else "default".

    Raises UnknownOwner, but not for the default in an empty ledger.
    """
    from swatchbook.ledger.queries.owners import known_owners, require_owner

    if owner is not None or known_owners(ledger):
        require_owner(ledger, owner or DEFAULT_OWNER)
    return owner or DEFAULT_OWNER
