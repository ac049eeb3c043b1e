"""The arguments that several commands share: documents, owners, roles, --yes and --json.

--owner and --all-owners select the owners, DOCUMENT and --all the documents of these. Also refuses invalid names and
texts, and warns about unknown SWATCHBOOK_* variables.
"""

import gc
import getpass
import re
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from swatchbook.doors.cli.terminal import FAILED, note
from swatchbook_base.one_line import clean

if TYPE_CHECKING:
    from swatchbook.domain.records import Role
    from swatchbook.domain.settings import Settings
    from swatchbook.resources import Resources
    from swatchbook.store.ledger.database import Ledger
    from swatchbook.store.ledger.stored_documents import Document


OwnerName = Annotated[
    str | None, typer.Option("--owner", metavar="NAME", help="Owner of the documents; `default` if not given.")
]
OwnerNames = Annotated[
    list[str] | None,
    typer.Option("--owner", metavar="NAME", help="Owner of the documents; `default` if not given. May be repeated."),
]
AllOwners = Annotated[bool, typer.Option("--all-owners", help="The documents of all owners.")]
All = Annotated[bool, typer.Option("--all", help="Every document of the owner.")]
Reference = Annotated[str, typer.Argument(metavar="DOCUMENT", help="Document id, unique id prefix, or file name.")]
ReferenceOrAll = Annotated[
    str | None, typer.Argument(metavar="DOCUMENT", help="Document id, unique id prefix, or file name; or --all.")
]
Roles = Annotated[str, typer.Option("--roles", metavar="ROLE,…", help="Vector roles that it is for; all by default.")]
MaxUsd = Annotated[float | None, typer.Option(metavar="USD", min=0, help="Maximum cost of calls to paid providers.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only count what would be made, and its cost.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else, to stdout.")]


def given_path(text: str) -> Path:
    """Return the path that was typed. An empty one, such as of an unset variable, would mean the working directory."""
    if not text:
        raise typer.BadParameter("the path is empty; name a file or folder")
    return Path(text)


def given_source(text: str) -> str:
    """Return the path or URL that was typed, as `given_path`."""
    return text if "://" in text else str(given_path(text))


@contextmanager
def opened_resources(*, begins: bool = False) -> Iterator["Resources"]:
    """Load the settings and open the resources for the block. `begins`: the command may create the collection.

    Raises NoCollection if there is none and the command does not create it.
    """
    from swatchbook.resources import open_resources

    with open_resources(read_settings(begins=begins)) as resources:
        yield resources


def read_settings(*, begins: bool = True) -> "Settings":
    """Load the settings, write the log to their home, and print a note for each unknown SWATCHBOOK_* variable.

    From here on garbage is collected: a command works now. `begins`: the command may create the collection. Otherwise
    raises NoCollection if there is none, before any file is written.
    """
    from swatchbook.domain.settings import load_settings, unknown_variables
    from swatchbook.doors.cli.log import keep

    settings = load_settings()
    for name in unknown_variables():
        note(f"Unknown setting: {name}.")
    if not begins:
        from swatchbook.resources import require_collection

        require_collection(settings)
    keep(settings)
    gc.enable()
    return settings


def confirm(summary: str, question: str) -> None:
    """Print what will go and ask. Raises BadParameter when stdin is not a terminal, Exit when the answer is no."""
    if not sys.stdin.isatty():
        raise typer.BadParameter(
            f"{summary} stdin is not a terminal, so no confirmation is possible: add --yes.", param_hint="--yes"
        )
    note(summary)
    if not typer.confirm(clean(question), err=True):
        note("Nothing was deleted.")
        raise typer.Exit(FAILED)


def check_text(text: str, what: str) -> None:
    """Raise BadParameter for text that is not UTF-8: Python decodes it to lone surrogates, which no database stores."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise typer.BadParameter("it is not UTF-8", param_hint=what) from None


def parse_roles(text: str) -> "frozenset[Role]":
    """Return the roles of --roles, none if it is empty. Raises BadParameter."""
    from swatchbook.domain.records import Role

    names = [name.strip() for name in text.split(",")] if text else []
    if unknown := sorted(set(names) - set(Role)):
        raise typer.BadParameter(f"there is no role {unknown[0]!r}. Roles: {', '.join(Role)}.", param_hint="--roles")
    return frozenset(map(Role, names))


_MOST_PAGES = 100_000


def parse_pages(text: str) -> tuple[int, ...]:
    """Return the page numbers of "3,5-7" in order, none of an empty text. Raises BadParameter."""
    numbers = set[int]()
    for part in filter(None, (part.strip() for part in text.split(","))):
        ends = [end.strip() for end in part.replace("–", "-").split("-")]
        if len(ends) > 2 or not all(end.isdecimal() for end in ends):
            raise typer.BadParameter(f"{part!r} is neither a page nor a range such as 5-7", param_hint="--pages")
        span = range(int(ends[0]), int(ends[-1]) + 1)
        if not 0 < len(span) <= _MOST_PAGES or span[0] < 1:
            raise typer.BadParameter(f"{part!r} holds no pages, which count from 1", param_hint="--pages")
        numbers.update(span)
    return tuple(sorted(numbers))


def parse_boxes(text: str, hint: str) -> tuple[str, ...]:
    """Return the lost pictures of "5:1,5:2", each once, none of an empty text. Raises BadParameter."""
    boxes = [part.strip() for part in text.split(",") if part.strip()]
    for box in boxes:
        if not re.fullmatch(r"[1-9][0-9]{0,6}:[1-9][0-9]{0,6}", box):
            raise typer.BadParameter(f"{box!r} is not a page and number such as 5:1", param_hint=hint)
    return tuple(dict.fromkeys(boxes))


# --- whose documents, and which ---------------------------------------------------------------------------------------


def check_owner(owner: str | None, all_owners: bool = False, *, parameter: str = "--owner") -> None:
    """Raise BadParameter for an invalid name, and for a name together with --all-owners."""
    from swatchbook.domain.records import OWNER_ADVICE, is_owner

    if owner is None:
        return
    if all_owners:
        raise typer.BadParameter("give either --owner or --all-owners", param_hint=parameter)
    if not is_owner(owner):
        raise typer.BadParameter(f"{owner!r} is not a valid name of an owner. {OWNER_ADVICE}", param_hint=parameter)


def choose_owner(
    ledger: "Ledger", owner: str | None, all_owners: bool = False, *, others: Collection[str] = ()
) -> str | None:
    """Return whose documents are meant: None for all owners', else as `choose_one_owner`."""
    check_owner(owner, all_owners)
    return None if all_owners else choose_one_owner(ledger, owner, others=others)


def choose_one_owner(ledger: "Ledger", owner: str | None, *, others: Collection[str] = ()) -> str:
    """Return the given owner, else the default. `others`: owners that need no document.

    Raises BadParameter, and UnknownOwner, but not for the default in an empty ledger.
    """
    from swatchbook.domain.records import DEFAULT_OWNER
    from swatchbook.store.ledger.owners import known_owners, require_owner

    check_owner(owner)
    if owner is not None or known_owners(ledger):
        require_owner(ledger, owner or DEFAULT_OWNER, others=others)
    return owner or DEFAULT_OWNER


def choose_owners(ledger: "Ledger", owners: "list[str] | None", all_owners: bool = False) -> "tuple[str, ...]":
    """Return whose documents are meant: none for all owners', else each as `choose_one_owner`."""
    for each in owners or ():
        check_owner(each, all_owners)
    if all_owners:
        return ()
    if not owners:
        return (choose_one_owner(ledger, None),)
    return tuple(dict.fromkeys(choose_one_owner(ledger, each) for each in owners))


def check_choice(reference: str | None, every: bool) -> None:
    """Raise BadParameter unless exactly one of DOCUMENT and --all is given."""
    if (reference is None) != every:
        raise typer.BadParameter("give either a DOCUMENT or --all", param_hint="DOCUMENT")


def choose_document(ledger: "Ledger", reference: str, owner: str | None) -> "Document":
    """Return the document that DOCUMENT names, of an owner or (None) of any. Raises BadParameter, InvalidReference."""
    from swatchbook.store.ledger.stored_documents import find_document

    check_text(reference, "DOCUMENT")
    if not reference:  # a prefix of every id
        raise typer.BadParameter("it is empty", param_hint="DOCUMENT")
    return find_document(ledger, reference, owner)


def choose_documents(
    ledger: "Ledger", reference: str | None, every: bool, owner: str | None, all_owners: bool = False
) -> "list[Document]":
    """Return the documents that a command is for: that which DOCUMENT names, or with --all every one, oldest first.

    Raises what `check_choice`, `choose_owner` and `choose_document` raise.
    """
    check_choice(reference, every)
    whose = choose_owner(ledger, owner, all_owners)
    if reference is not None:
        return [choose_document(ledger, reference, whose)]
    from swatchbook.store.ledger.stored_documents import all_documents

    return all_documents(ledger, whose)


def login_name() -> str:
    """Return the login name of the user."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in containers
        return "somebody"
