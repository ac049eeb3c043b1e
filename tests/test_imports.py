"""The one import rule of the house: interface, deployments → flows → tasks → blocks → swatchbook.

What is not shipped (devtools, samples, benchmarks, tests) may import anything, and nothing that is shipped imports it.
"""

import ast
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RANK = {"swatchbook": 0, "blocks": 1, "tasks": 2, "flows": 3, "deployments": 4, "interface": 4}
NOT_SHIPPED = {"devtools", "samples", "benchmarks", "tests"}
FOREIGN_TO_THE_DOMAIN = {"prefect", "prefect_docker", "fastapi", "typer", "rich"}
PDF_PARSER = {"pymupdf", "pymupdf4llm", "fitz"}


def imported(source: str) -> set[str]:
    """Full names of the modules that this source imports. Raises ValueError for a relative import."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError(f"line {node.lineno} has a relative import")
            names.add(node.module or "")
    return names


def is_allowed(room: str, name: str) -> bool:
    """Whether a module of this top-level package may import the module `name`."""
    head = name.partition(".")[0]
    if head in NOT_SHIPPED or RANK.get(head, 0) > RANK[room]:
        return False
    return room != "swatchbook" or head not in FOREIGN_TO_THE_DOMAIN


SHIPPED = {
    path.relative_to(ROOT).as_posix(): imported(path.read_text())
    for room in RANK
    for path in sorted((ROOT / room).rglob("*.py"))
}
"""Path of each shipped module -> what it imports."""


def test_imports_point_one_way() -> None:
    assert SHIPPED
    offenders = [
        f"{path} imports {name}"
        for path, names in SHIPPED.items()
        for name in sorted(names)
        if not is_allowed(path.partition("/")[0], name)
    ]
    assert offenders == []


@pytest.mark.parametrize(
    ("room", "name", "allowed"),
    [
        ("swatchbook", "swatchbook.errors", True),
        ("swatchbook", "prefect.client", False),
        ("tasks", "prefect", True),
        ("tasks", "flows.ingest_catalogue", False),
        ("interface", "scheduler.launch", True),
        ("deployments", "devtools.weaviate", False),
        ("interface", "tests.conftest", False),
    ],
)
def test_the_rule_knows_both_directions(room: str, name: str, allowed: bool) -> None:
    assert is_allowed(room, name) is allowed


def test_only_the_pdf_child_imports_pymupdf() -> None:
    importers = {path for path, names in SHIPPED.items() if {name.partition(".")[0] for name in names} & PDF_PARSER}
    assert importers
    assert all(path.startswith("swatchbook/pdf/") for path in importers), importers


def test_the_wheel_has_the_shipped_packages_and_no_others() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]["find"]["include"]
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert packages == RANK.keys() | NOT_SHIPPED
    assert {name for name in packages if any(fnmatch(name, pattern) for pattern in declared)} == RANK.keys()
