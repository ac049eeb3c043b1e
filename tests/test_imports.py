"""The import rule of the house: between its packages, and between the rooms of the domain.

What is not shipped (devtools, samples, benchmarks, tests) may import anything, and nothing that is shipped imports it.
"""

import ast
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RANK = {"swatchbook": 0, "blocks": 1, "tasks": 2, "flows": 3, "scheduler": 4, "deployments": 4, "interface": 5}
NOT_SHIPPED = {"devtools", "samples", "benchmarks", "tests"}
FOREIGN_TO_THE_DOMAIN = {"prefect", "prefect_docker", "fastapi", "typer", "rich"}
STRANGERS = {
    "pdf": {"catalogue", "ledger", "index"},
    "catalogue": {"pdf", "ledger", "index"},
    "teaching": {"pdf", "ledger", "index"},
}
"""Room -> rooms that it may not import, though that makes no circle: reading and meaning are separate and pure."""
PDF_PARSER = {"pymupdf", "pymupdf4llm", "fitz", "pypdfium2", "pypdfium2_raw"}


def imported(source: str) -> set[str]:
    """Return the full names that this source imports. Raises ValueError for a relative import."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError(f"line {node.lineno} has a relative import")
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


_HANDED_OUT = ("async_client", "client", "client_errors", "python")
LAZY = {"swatchbook.__init__": {f"interface.{name}" for name in _HANDED_OUT}}
"""The one exception: `swatchbook.Client`, `AsyncClient` and `Swatchbook`, imported when they are asked for."""


def is_allowed(package: str, name: str) -> bool:
    """Return whether a module of this top-level package may import `name`."""
    head = name.partition(".")[0]
    if head in NOT_SHIPPED or RANK.get(head, 0) > RANK[package]:
        return False
    return package != "swatchbook" or head not in FOREIGN_TO_THE_DOMAIN


def is_lazy(module: str, name: str) -> bool:
    """Return whether `name` is what this module may hand out although it lies above it."""
    return any(f"{name}.".startswith(f"{handed_out}.") for handed_out in LAZY.get(module, ()))


def room(module: str) -> str:
    """Return the room of the domain that a module or name lies in: a folder below `swatchbook/`, or a file there."""
    return module.split(".")[1] if "." in module else ""


def find_cycle(arrows: dict[str, set[str]]) -> list[str]:
    """Return rooms that import each other in a circle, the first one again at the end; empty where there are none."""
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return []


@pytest.fixture(scope="module")
def shipped() -> dict[str, set[str]]:
    """Each shipped module -> what it imports, at its top or inside a function."""
    return {
        path.relative_to(ROOT).with_suffix("").as_posix().replace("/", "."): imported(path.read_text())
        for package in RANK
        for path in sorted((ROOT / package).rglob("*.py"))
    }


def test_imports_point_one_way(shipped: dict[str, set[str]]) -> None:
    assert shipped
    offenders = [
        f"{module} imports {name}"
        for module, names in shipped.items()
        for name in sorted(names)
        if not is_allowed(module.partition(".")[0], name) and not is_lazy(module, name)
    ]
    assert offenders == []


@pytest.mark.parametrize(
    ("package", "name", "allowed"),
    [
        ("swatchbook", "swatchbook.errors", True),
        ("swatchbook", "prefect.client", False),
        ("tasks", "prefect", True),
        ("tasks", "flows.ingest_catalogue", False),
        ("interface", "scheduler.launch", True),
        ("scheduler", "interface.cli", False),
        ("deployments", "devtools.weaviate", False),
        ("interface", "tests.conftest", False),
    ],
)
def test_the_rule_knows_both_directions(package: str, name: str, allowed: bool) -> None:
    assert is_allowed(package, name) is allowed


def test_client_and_collection_are_imported_lazily() -> None:
    assert is_lazy("swatchbook.__init__", "interface.client.Client")
    assert is_lazy("swatchbook.__init__", "interface.python.Swatchbook")
    assert not is_lazy("swatchbook.__init__", "interface.cli.main")
    assert not is_lazy("swatchbook.__init__", "interface.clients")
    assert not is_lazy("swatchbook.settings", "interface.client")
    code = (
        "import sys, swatchbook, swatchbook.settings; before = set(sys.modules); swatchbook.Client;"
        "after = set(sys.modules); print('httpx' in before, 'interface.client' in before, 'interface.client' in after,"
        "any(name in after for name in ('fastapi', 'sqlalchemy', 'torch', 'prefect')), 'interface.python' in after);"
        "swatchbook.Swatchbook; print('interface.python' in sys.modules,"
        "any(name in sys.modules for name in ('fastapi', 'torch', 'prefect', 'pandas', 'lancedb')))"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "False", "True", "False", "False", "True", "False"]


def test_rooms_of_the_domain_import_each_other_one_way(shipped: dict[str, set[str]]) -> None:
    imports = [(m, name) for m, names in shipped.items() for name in names if m.startswith("swatchbook.")]
    inside = [(m, name) for m, name in imports if name.startswith("swatchbook.") and room(m) != room(name)]
    arrows: dict[str, set[str]] = {}
    for module, name in inside:
        arrows.setdefault(room(module), set()).add(room(name))
    assert {"ledger", "pipeline", "search"} <= arrows.keys()
    steps = set(pairwise(find_cycle(arrows)))
    assert [f"{m} imports {name}" for m, name in inside if (room(m), room(name)) in steps] == []


def test_a_cycle_of_rooms_is_found() -> None:
    assert find_cycle({"a": {"b"}, "b": {"c"}}) == []
    assert set(pairwise(find_cycle({"a": {"b"}, "b": {"c"}, "c": {"a"}}))) == {("a", "b"), ("b", "c"), ("c", "a")}


def test_reading_and_meaning_know_neither_each_other_nor_the_ledger(shipped: dict[str, set[str]]) -> None:
    assert {room(module) for module in shipped} >= STRANGERS.keys() | {"ledger", "index"}
    inside = [(m, name) for m, names in shipped.items() for name in names if room(m) in STRANGERS]
    own = [(m, name) for m, name in inside if name.startswith("swatchbook.")]
    assert [f"{m} imports {name}" for m, name in own if room(name) in STRANGERS[room(m)]] == []


def test_only_the_pdf_room_imports_pymupdf(shipped: dict[str, set[str]]) -> None:
    importers = {module for module, names in shipped.items() if {n.partition(".")[0] for n in names} & PDF_PARSER}
    assert importers
    assert {room(module) for module in importers} == {"pdf"}


def test_the_wheel_has_the_shipped_packages_and_no_others() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]["find"]["include"]
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert packages == RANK.keys() | NOT_SHIPPED
    assert {name for name in packages if any(fnmatch(name, pattern) for pattern in declared)} == RANK.keys()
