"""Whole collections: the same flags in every command, `swatchbook owners`, and nothing of others by name."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner, Result

from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.records import DEFAULT_OWNER, DocumentStatus
from swatchbook.domain.settings import Settings
from swatchbook.doors.cli.main import app
from swatchbook.store.ledger.database import Ledger, open_ledger
from swatchbook.store.ledger.runs import end
from swatchbook.store.ledger.stored_documents import all_documents
from swatchbook.store.ledger.tables import documents
from tests.store.ledger.scene import begun, count, keys
from tests.tables import rows_of


@pytest.fixture
def ledger(home: Path) -> Iterator[Ledger]:
    """Anna has `catalogue.pdf` and `supplement.pdf`, Bert a `catalogue.pdf` too; all wait, and show three images."""
    opened = open_ledger(Settings(home=home).ledger)
    for owner, content in (("anna", "catalogue"), ("anna", "supplement"), ("bert", "catalogue")):
        end(opened, begun(opened, owner=owner, content=content, pictures=keys(3)), DocumentStatus.WAITING)
    yield opened
    opened.close()


def swatchbook(*words: str) -> Result:
    return CliRunner().invoke(app, words)


def asked(*words: str, expect: int = 0) -> Any:
    result = swatchbook(*words, "--json")
    assert result.exit_code == expect, result.output + str(result.exception)
    return json.loads(result.stdout)


def statuses(ledger: Ledger) -> dict[str, list[str]]:
    told = dict[str, list[str]]()
    for document in all_documents(ledger, None):
        told.setdefault(document.owner, []).append(document.status.value)
    return told


def commands(group: Any, *path: str) -> Iterator[tuple[str, Any]]:
    yield " ".join(path), group
    for name, command in getattr(group, "commands", {}).items():
        yield from commands(command, *path, name)


COMMANDS = dict(commands(get_command(app)))


def flags(command: Any) -> dict[str, Any]:
    return {name: parameter for parameter in command.params for name in parameter.opts}


def test_shared_flags_have_the_same_help_everywhere() -> None:
    for flag in ("--owner", "--all", "--all-owners", "--roles"):
        # `import` asks something else: whose rows of a table are taken
        said = {flags(c)[flag].help for name, c in COMMANDS.items() if flag in flags(c) and name != "import"}
        said = {words.removesuffix(" May be repeated.") for words in said}
        assert len(said) == 1, said
    assert f"`{DEFAULT_OWNER}`" in flags(COMMANDS["show"])["--owner"].help


def test_commands_take_an_owner_and_delete_only_theirs() -> None:
    for name, command in COMMANDS.items():
        given = flags(command)
        if "document" in given or "--all" in given or "--all-owners" in given:
            assert "--owner" in given, name
        if "--all" in given and name != "delete":
            assert "--all-owners" in given, name
    with_all = {name for name, command in COMMANDS.items() if "--all" in flags(command)}
    assert {"fill failed", "cancel", "delete", "fill outdated", "export"} <= with_all
    assert {"show", "status", "stats coverage", "search", "stats facets"} <= {
        n for n, c in COMMANDS.items() if "--owner" in flags(c)
    }
    assert not [name for name, command in COMMANDS.items() if "delete" in name and "--all-owners" in flags(command)]


def test_wrong_use_exits_2_and_changes_nothing(ledger: Ledger) -> None:
    before = statuses(ledger)
    for words in rows_of(__file__, "wrong"):
        assert swatchbook(*words).exit_code == 2, words
    assert statuses(ledger) == before


def test_what_is_counted_and_listed_is_the_owners(ledger: Ledger) -> None:
    assert len(asked("status", "--owner", "anna")["open"]) == 2
    assert {each["owner"] for each in asked("status", "--owner", "bert")["open"]} == {"bert"}
    assert len(asked("status", "--all-owners")["due"]) == 3
    assert asked("status", "--all-owners")["counts"]["waiting"] == 3
    assert asked("stats", "coverage", "--owner", "anna")["total_images"] == 3
    assert asked("stats", "coverage", "--all-owners")["total_images"] == 6
    assert asked("stats", "coverage", "--owner", "anna", "--roles", "text")["roles"] == []
    unknown = swatchbook("status")
    assert "There is no owner 'default'" in str(unknown.exception)
    for owner in ("anna", "bert"):
        assert asked("show", "catalogue.pdf", "--owner", owner)["document"]["owner"] == owner
    assert "may be any of" in str(swatchbook("show", "catalogue.pdf", "--all-owners").exception)
    anna, bert = asked("owners")
    assert anna == {
        "owner": "anna", "documents": {"waiting": 2}, "products": 0, "images": 3, "vectors": 0, "bytes": 2,
    }  # fmt: skip
    assert (bert["owner"], bert["documents"]) == ("bert", {"waiting": 1})
    assert "2 waiting" in swatchbook("owners").stdout
    assert "swatchbook fill failed --owner anna" in swatchbook("status", "--owner", "anna").stdout
    assert "swatchbook fill failed --all-owners" in swatchbook("status", "--all-owners").stdout
    cancelled = swatchbook("cancel", "catalogue.pdf", "--owner", "bert").stderr
    assert cancelled.rstrip().endswith("--owner bert")


def test_cancel_and_delete_all_keep_to_one_owner(ledger: Ledger) -> None:
    assert swatchbook("cancel", "--all", "--owner", "anna").exit_code == 0
    assert statuses(ledger) == {"anna": ["cancelled"] * 2, "bert": ["waiting"]}
    told = asked("delete", "--all", "--owner", "anna", "--yes")
    assert told == {"owner": "anna", "finished": True, "trash": True, "documents": 2, "images": 3}
    assert statuses(ledger) == {"bert": ["waiting"]}
    swatchbook("cancel", "--all", "--all-owners")
    assert statuses(ledger) == {"bert": ["cancelled"]}


def test_rename_says_what_still_has_the_old_name(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    keys_of = json.dumps([{"name": "shop", "key": "shop-0123456789abcdef", "owners": ["bert"]}])
    monkeypatch.setenv("SWATCHBOOK_API_KEYS", keys_of)
    for _ in range(2):  # the second time nothing is left to do
        renamed = swatchbook("owners", "rename", "bert", "lena")
        assert renamed.exit_code == 0, renamed.exception
        assert "bert is lena now." in renamed.stderr
        assert "SWATCHBOOK_API_KEYS still names bert." in renamed.stderr
    assert statuses(ledger).keys() == {"anna", "lena"}
    assert isinstance(swatchbook("owners", "rename", "anna", "lena").exception, InvalidReference)
    assert "There is no owner 'carl'" in str(swatchbook("owners", "rename", "carl", "mona").exception)


def test_owner_is_deleted_only_after_a_confirmation(ledger: Ledger) -> None:
    words = ("owners", "delete", "anna")
    silent = swatchbook(*words)
    assert (silent.exit_code, count(ledger, documents)) == (2, 3)
    assert swatchbook(*words, "--yes").exit_code == 0
    assert statuses(ledger).keys() == {"bert"}
    gone = swatchbook(*words, "--yes")
    assert "There is no owner 'anna'. Known owners: bert." in str(gone.exception)
