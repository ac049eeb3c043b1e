"""docs/commands.md and docs/commands/ have every command with its options, as the program has them."""

import re

from typer.main import get_command

from devtools.commands import FOLDER, TARGET, names_by_panel, pages
from devtools.generated_pages import stored
from swatchbook.doors.cli.main import app
from tests.fixtures import ROOT

MOST_WORDS = 1_500


def test_pages_are_what_the_program_says() -> None:
    assert stored(pages(), FOLDER) == pages(), "run `make reference`"
    assert len((ROOT / "README.md").read_text().split()) <= MOST_WORDS


def test_every_command_is_listed_in_its_group_and_has_a_section() -> None:
    sections = pages()[TARGET].split("\n## ")[1:]
    panels = names_by_panel(get_command(app))
    assert "mcp" in panels["Everyday"], "of a package"
    assert [section.splitlines()[0] for section in sections] == list(panels)
    for section, commands in zip(sections, panels.values(), strict=True):
        listed = re.findall(r"^\| \[(.+?)\]\(commands/([\w-]+\.md)", section, re.MULTILINE)
        assert [name for name, _ in listed] == commands
        for name, page in listed:
            assert re.search(rf"^##? {name}$", pages()[FOLDER / page], re.MULTILINE)
