"""The pages that `make reference` writes have every command, setting and endpoint, as the program has them."""

import re
from types import ModuleType

import pytest
from typer.main import get_command

from devtools import commands, http_reference, llms, settings_reference
from devtools.generated_pages import stored
from swatchbook.domain.settings import FIELDS, load_settings, variable
from swatchbook.doors.cli.main import app
from swatchbook_service.app import create_app
from tests.fixtures import ROOT

MOST_WORDS = 1_500


@pytest.mark.parametrize("page", [commands, http_reference, llms, settings_reference], ids=lambda page: page.__name__)
def test_page_is_what_the_program_says(page: ModuleType) -> None:
    assert stored(page.pages()) == page.pages(), "run `make reference`"


def test_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().split()) <= MOST_WORDS


def test_every_command_is_listed_in_its_group() -> None:
    sections = commands.pages()[commands.TARGET].split("\n## ")[1:]
    panels = commands.names_by_panel(get_command(app))
    assert "mcp" in panels["Everyday"], "of a package"
    assert [section.splitlines()[0] for section in sections] == list(panels)
    for section, named in zip(sections, panels.values(), strict=True):
        assert [*dict.fromkeys(re.findall(r"^\| `([\w-]+)", section, re.MULTILINE))] == named


def test_every_endpoint_is_listed_with_what_it_takes() -> None:
    paths = create_app(load_settings()).openapi()["paths"]
    endpoints = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    page = http_reference.pages()[http_reference.TARGET]
    rows = dict(re.findall(r"^\| `(.+?)` \| [^|]+ \| (.*) \| [^|]+ \|$", page, re.MULTILINE))
    assert rows.keys() == endpoints
    assert re.findall(r"`(\w+)`:", rows["POST /documents/{document_id}/retry"]) == ["force"]


def test_every_setting_is_listed() -> None:
    page = settings_reference.pages()[settings_reference.TARGET]
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| [^|]+ \| [^|]+ \|$", page, re.MULTILINE)
    assert sorted(rows) == sorted(map(variable, FIELDS))
