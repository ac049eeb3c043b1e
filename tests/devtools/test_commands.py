"""docs/commands.md has every command with its options, as the program has them."""

import re

from typer.main import get_command

from devtools.commands import TARGET, names_by_panel, pages
from devtools.generated_pages import stored
from swatchbook.doors.cli.main import app
from tests.fixtures import ROOT

MOST_WORDS = 1_500


def test_page_is_what_the_program_says() -> None:
    assert stored(pages()) == pages(), "run `make reference`"
    assert len((ROOT / "README.md").read_text().split()) <= MOST_WORDS


def test_every_command_is_listed_in_its_group() -> None:
    sections = pages()[TARGET].split("\n## ")[1:]
    panels = names_by_panel(get_command(app))
    assert "mcp" in panels["Everyday"], "of a package"
    assert [section.splitlines()[0] for section in sections] == list(panels)
    for section, commands in zip(sections, panels.values(), strict=True):
        assert [*dict.fromkeys(re.findall(r"^\| `([\w-]+)", section, re.MULTILINE))] == commands
