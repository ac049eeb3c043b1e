"""What commands share: options of the same name, settings and resources, and checks of arguments."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from swatchbook.ledger.database import Ledger
    from swatchbook.resources import Resources
    from swatchbook.settings import Settings

DEFAULT_OWNER = "default"

Json = Annotated[bool, typer.Option("--json", help="JSON on stdout, and nothing else there.")]
AnyOwner = Annotated[str | None, typer.Option("--owner", help="Whose collection; all if not given.")]


@contextmanager
def opened_resources() -> Iterator["Resources"]:
    from swatchbook.resources import open_resources

    with open_resources(read_settings()) as resources:
        yield resources


def read_settings() -> "Settings":
    """Loaded, with the log kept where they say. A name that no setting has is told: whoever set it means something."""
    from interface.cli.log import keep
    from interface.cli.terminal import note
    from swatchbook.settings import load_settings, unknown_variables

    settings = load_settings()
    keep(settings)
    for name in unknown_variables():
        note(f"{name} is set, but no setting is called that.")
    return settings


@contextmanager
def resumable() -> Iterator[None]:
    """Ctrl-C ends the command with 130 and a word on how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        from interface.cli.prefect_run import leave
        from interface.cli.terminal import INTERRUPTED, note

        note("Interrupted. What is done stays done; the same command goes on from here.")
        leave(INTERRUPTED)


def check_text(text: str, what: str) -> None:
    """Bytes that are no UTF-8 reach a program as lone surrogates, which no index and no ledger can hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise typer.BadParameter("it is not UTF-8", param_hint=what) from None


def check_owner(owner: str) -> None:
    from pydantic import TypeAdapter, ValidationError

    from swatchbook.records import Owner

    try:
        TypeAdapter(Owner).validate_python(owner)
    except ValidationError:
        message = f"{owner!r}: letters, digits and _ . @ - only, beginning with a letter or digit, 64 at most."
        raise typer.BadParameter(message, param_hint="--owner") from None


def choose_owner(ledger: "Ledger", owner: str | None) -> str:
    """The owner named, else "default". Raises UnknownOwner, but not where none is named and nothing is ingested yet."""
    from swatchbook.ledger.queries.owners import known_owners, require_owner

    if owner is not None or known_owners(ledger):
        require_owner(ledger, owner or DEFAULT_OWNER)
    return owner or DEFAULT_OWNER
