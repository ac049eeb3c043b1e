"""What is counted of the project's size, and that docs/development.md has these figures."""

from devtools.size import figures
from tests.conftest import ROOT

MODULE = '''class Shelf:
    """Hold boards."""

    def put(self) -> None:
        pass

    def _lift(self) -> None:
        pass


def sort() -> None:
    """Sort."""
'''
FILES = {
    "swatchbook/shelf.py": MODULE,
    "swatchbook/long.py": "def work() -> None:\n" + "    pass\n" * 50,
    "swatchbook/settings.py": "class Settings:\n    home: str\n    port: int\n    LIMIT = 3\n",
    "swatchbook/ledger/tables.py": "boards = Table()\n",
    "devtools/fit.py": "x = 1\n",
    "tests/test_shelf.py": "def test_boards_are_held() -> None: ...\nasync def test_empty() -> None: ...\n",
    "docs/glossary.md": "# Terms\n\n| term | is |\n| --- | --- |\n| board | wood |\n| shelf | what holds |\n",
    "pyproject.toml": "[project]\ndependencies = ['a']\n[project.optional-dependencies]\ndev = ['b']\n",
}


def test_what_a_newcomer_carries_is_counted() -> None:
    assert figures(FILES) == {
        "modules": "4",
        "lines": "68",
        "lines of a module, median and most": "8, 51",
        "functions of over 50 lines": "1 of 4",
        "public classes and functions with a docstring": "40%",
        "terms of the glossary": "2",
        "settings": "2",
        "tables of the ledger": "1",
        "required packages, extras": "1, 1",
        "lines of tests": "2",
        "words in a test's name, median": "2",
    }


def test_the_documented_figures_are_those_that_are_counted() -> None:
    documented = (ROOT / "docs/development.md").read_text()
    assert all(f"| {name} | " in documented for name in figures(FILES))
