"""What is counted of the project's size, and that docs/development.md has these figures."""

from devtools.size import figures
from tests.fixtures import ROOT

COMMANDS = """COMMANDS = {"Everyday": {"ingest": ingest, "search": search}, "Operation": {"doctor": doctor}}\n"""
FILES = {
    "swatchbook/settings.py": "class Settings(BaseSettings):\n    home: str\n    vision: Vision\n    LIMIT = 3\n",
    "swatchbook/setting_groups.py": "class Model:\n    url: str\n    key: str\nclass Vision(Model):\n    side: int\n",
    "swatchbook/ledger/tables.py": "boards = Table()\n",
    "interface/cli/commands/show.py": COMMANDS,
    "packages/shops/shops/csv.py": "x = 1\n",
    "packages/shops/tests/test_csv.py": "def test_it() -> None: ...\n",
    "packages/shops/README.md": "# Shops\n",
    "devtools/fit.py": "x = 1\n",
    "tests/test_shelf.py": "def test_boards_are_held() -> None: ...\nasync def test_empty() -> None: ...\n",
    "docs/glossary.md": "# Terms\n\n| term | is |\n| --- | --- |\n| board | wood |\n| shelf | what holds |\n",
    "pyproject.toml": "[project]\ndependencies = ['a']\n[project.optional-dependencies]\ndev = ['b']\n",
}


def test_what_a_newcomer_carries_is_counted() -> None:
    assert figures(FILES) == {
        "lines of the core": "11",
        "lines of packages": "1",
        "lines of tests": "3",
        "lines of documentation": "7",
        "settings, with those in groups": "2, 4",
        "commands": "3",
        "tables of the ledger": "1",
        "terms of the glossary": "2",
        "required packages, extras": "1, 1",
    }


def test_the_documented_figures_are_those_that_are_counted() -> None:
    documented = (ROOT / "docs/development.md").read_text()
    assert all(f"| {name} | " in documented for name in figures(FILES))
