"""docs/commands.md has every command with its options, as the program has them."""

from devtools.commands import PAGE, page
from interface.cli.main import PANELS
from tests.conftest import ROOT

MOST_WORDS = 1_500


def test_page_is_what_the_program_says() -> None:
    assert PAGE.read_text() == page(), "run `make commands`"


def test_every_command_has_a_section_in_its_group() -> None:
    sections = page().split("\n## ")[1:]
    assert [section.splitlines()[0] for section in sections] == list(PANELS)
    for section, commands in zip(sections, PANELS.values(), strict=True):
        assert [line[4:] for line in section.splitlines() if line.startswith("### ")] == list(commands)


def test_first_page_is_short() -> None:
    assert len((ROOT / "README.md").read_text().split()) <= MOST_WORDS
