"""Commands of installed packages: found by name, imported only where they are asked for or listed."""

import re
import sys

import pytest
import typer.testing
from typer.main import get_command
from typer.testing import CliRunner, Result

from swatchbook.domain import plugins
from swatchbook.domain.errors import Configuration, MissingExtra
from swatchbook.domain.plugins import Kind
from swatchbook.doors.cli.main import app
from tests.plugins.conftest import Install
from tests.tables import text_of

TELL = text_of(__file__, "tell")
BROKEN = "import nothing_of_this_name"


@pytest.fixture(autouse=True)
def _commands_of_each_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without those of other tests: `tests/fixtures.py` keeps the prepared commands."""
    monkeypatch.setattr(typer.testing, "_get_command", get_command)


def ask(*words: str) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, words)


def test_installed_command_runs_and_is_in_the_help(install: Install) -> None:
    install(TELL, {Kind.COMMAND: {"tell": "app"}})
    assert ask("tell", "--loudly").output == "LOUD\n"
    (panel,) = [each for each in ask("--help").output.split("╭─ ") if each.startswith("Operation ")]
    assert re.search(r"│ tell +Tell what there is\. ", panel)
    assert "Did you mean 'tell'" in ask("tel").output


def test_other_commands_import_no_package(install: Install) -> None:
    told, broken = (install(code, {Kind.COMMAND: {name: "app"}}) for code, name in ((TELL, "tell"), (BROKEN, "mend")))
    assert ask("config", "--help").exit_code == 0
    assert ask("tell").output == "told\n"
    assert told in sys.modules
    assert broken not in sys.modules


def test_command_of_the_core_cannot_be_replaced(install: Install) -> None:
    module = install(TELL.replace("def tell", "def status"), {Kind.COMMAND: {"status": "app"}})
    assert "List documents that are running" in ask("status", "--help").output
    assert "Tell what there is" not in ask("--help").output
    assert module not in sys.modules


def test_command_without_its_package_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "installed", lambda kind: ())
    for words, command, package in (
        (("teach", "catalogue.pdf", "--likeliest"), "teach", "teach"),
        (("upkeep", "backup", "folder"), "upkeep backup", "backup"),
        (("spaces", "move", "--dry-run"), "spaces move", "weaviate"),
    ):
        asked = ask(*words)
        assert isinstance(asked.exception, MissingExtra)
        assert str(asked.exception).startswith(f"`swatchbook {command}` needs the package swatchbook-{package}.")


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (BROKEN, "raised ModuleNotFoundError: No module named 'nothing_of_this_name'."),
        ("app = 3", "is no class or function: "),
        (TELL.replace("def tell", "def say"), "raised KeyError: 'tell'."),
    ],
)
def test_package_that_cannot_be_used_is_named(install: Install, code: str, says: str) -> None:
    module = install(code, {Kind.COMMAND: {"tell": "app"}})
    asked = ask("tell", "--loudly", "now")
    assert isinstance(asked.exception, Configuration)
    assert str(asked.exception).startswith(f"The command plugin tell (swatchbook-{module} 0.1) {says}")
    listed = ask("--help")
    assert listed.exit_code == 0
    assert "The command plugin tell" in listed.output
