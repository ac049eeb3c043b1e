"""What is counted of the project's size, and that docs/development.md has these figures."""

from devtools.size import figures
from tests.fixtures import ROOT
from tests.tables import rows_of

COMMANDS = """COMMANDS = {"Everyday": {"ingest": ingest, "search": search}, "Operation": {"doctor": doctor}}\n"""
FILES = rows_of(__file__, "files")


def test_what_a_newcomer_carries_is_counted() -> None:
    assert figures(FILES) == {
        "lines of the core": "11", "lines of packages": "1", "lines of tests": "3", "lines of documentation": "7",
        "settings, with those in groups": "2, 4", "commands": "3", "tables of the ledger": "1",
        "terms of the glossary": "2", "required packages, extras": "1, 1",
    }  # fmt: skip


def test_the_documented_figures_are_those_that_are_counted() -> None:
    documented = (ROOT / "docs/development.md").read_text()
    assert all(f"| {name} | " in documented for name in figures(FILES))
