"""The import rule of the house: between its packages, and between the rooms of the domain.

What is not shipped (devtools, samples, benchmarks, tests) may import anything, and nothing that is shipped imports it.
"""

import ast
import tomllib
from fnmatch import fnmatch
from functools import cache
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path

import pytest

from devtools.size import PACKAGES

ROOT = Path(__file__).parents[1]
RANK = {"blocks": 1, "tasks": 2, "flows": 3, "deployments": 4, "doors": 5}
"""Package above the domain -> its place. All others of `swatchbook`, the domain, know none of them."""
NOT_SHIPPED = {"devtools", "samples", "benchmarks", "tests"}
EXTENSIONS = {path.parent.name for path in ROOT.glob("packages/*/swatchbook_*/__init__.py")} - {"swatchbook_base"}
"""Import names of what is in `packages/`: entry points find it. The core is built on `swatchbook_base`."""
FOREIGN_TO_THE_DOMAIN = {"prefect", "prefect_docker", "fastapi", "typer", "rich"}
PDF_PARSER = {"pymupdf", "pymupdf4llm", "fitz", "pypdfium2", "pypdfium2_raw"}
pytestmark = pytest.mark.xdist_group("sources")


@cache
def parsed(path: Path) -> ast.Module:
    """Return a module of ours, which is parsed once for all tests of the group `sources`."""
    return ast.parse(path.read_text())


@cache
def imported(path: Path) -> set[str]:
    """Return the full names that a module imports. Raises ValueError for a relative import."""
    names = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError(f"line {node.lineno} has a relative import")
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def is_allowed(package: str, name: str) -> bool:
    head, place = name.partition(".")[0], RANK.get(package, 0)
    if head in NOT_SHIPPED | EXTENSIONS or (head == "swatchbook" and RANK.get(room(name), 0) > place):
        return False
    return place > 0 or head not in FOREIGN_TO_THE_DOMAIN


def room(module: str) -> str:
    """Return the room that a module or name lies in: a folder below `swatchbook/`, or a file there."""
    return module.split(".")[1] if "." in module else ""


def part(module: str) -> str:
    """Return the room of a module or name, with the folder or the module of the domain that it is in there."""
    _, top, *below = [*module.split("."), ""]
    return f"{top}.{below[0]}" if (ROOT / "swatchbook" / top / below[0]).is_dir() and below[0] else top


def find_cycle(arrows: dict[str, set[str]]) -> list[str]:
    """Return rooms that import each other in a circle, the first one again at the end; empty where there are none."""
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return []


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts if parts[0] == "swatchbook" else ("swatchbook", *parts))


@pytest.fixture(scope="module")
def shipped() -> dict[str, set[str]]:
    """Each shipped module -> what it imports, at its top or inside a function."""
    paths = (path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py")))
    return {module_of(path): imported(path) for path in paths}


def test_imports_point_one_way(shipped: dict[str, set[str]]) -> None:
    assert shipped
    offenders = [
        f"{module} imports {name}"
        for module, names in shipped.items()
        for name in sorted(names)
        if not is_allowed(room(module), name)
    ]
    assert offenders == []


def test_rooms_of_the_domain_import_without_cycles(shipped: dict[str, set[str]]) -> None:
    imports = [(m, name) for m, names in shipped.items() for name in names if room(m) not in RANK]
    inside = [(m, name) for m, name in imports if name.startswith("swatchbook.") and part(m) != part(name)]
    arrows: dict[str, set[str]] = {}
    for module, name in inside:
        arrows.setdefault(part(module), set()).add(part(name))
    assert {"store.ledger", "ingest", "search"} <= arrows.keys()
    steps = set(pairwise(find_cycle(arrows)))
    assert [f"{m} imports {name}" for m, name in inside if (part(m), part(name)) in steps] == []


def test_service_never_imports_the_command_line() -> None:
    modules = (ROOT / "packages" / "service").glob("swatchbook_service/*.py")
    names = {name for path in modules if path.name != "command.py" for name in imported(path)}
    assert any(name.startswith("swatchbook.doors.") for name in names)
    assert {name for name in names if name.startswith("swatchbook.doors.cli")} == set()


@pytest.mark.parametrize("package", ["base", "catalogue"])
def test_base_and_library_know_nothing_of_the_core(package: str) -> None:
    modules = [*(ROOT / "packages" / package).glob("swatchbook_*/**/*.py")]
    names = {name for path in modules for name in imported(path)}
    assert any(name.startswith("swatchbook_base.") for name in names)
    strange = {"swatchbook", *EXTENSIONS, *FOREIGN_TO_THE_DOMAIN} - {"swatchbook_catalogue"}
    assert {name for name in names if name.partition(".")[0] in strange} == set()


JOIN_BOTH = {"extract", "stages", "discover_with_model", "catalogue"}
"""Modules of the library that use both what reads PDFs and what finds products in them."""


def test_reading_and_meaning_know_not_each_other() -> None:
    library = ROOT / "packages/catalogue/swatchbook_catalogue"
    names = {path.relative_to(library): imported(path) for path in library.rglob("*.py")}
    reading = {path: found for path, found in names.items() if path.parts[0] == "pdf"}
    meaning = {path: found for path, found in names.items() if path not in reading and path.stem not in JOIN_BOTH}
    assert min(len(reading), len(meaning)) > 20
    pdf = "swatchbook_catalogue.pdf"
    wrong = {n for found in reading.values() for n in found if n.startswith("swatchbook_catalogue") and pdf not in n}
    assert wrong | {n for found in meaning.values() for n in found if n.startswith(pdf)} == set()


def test_only_the_reader_of_pdfs_imports_their_parsers(shipped: dict[str, set[str]]) -> None:
    importers = {module for module, names in shipped.items() if {n.partition(".")[0] for n in names} & PDF_PARSER}
    assert importers == set()
    library = [*(ROOT / "packages/catalogue/swatchbook_catalogue").rglob("*.py")]
    inside = {p.parent.name for p in library if {n.partition(".")[0] for n in imported(p)} & PDF_PARSER}
    assert inside == {"pdf"}


def test_wheel_has_the_shipped_packages_and_no_others() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]["find"]["include"]
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert packages == {*PACKAGES} | NOT_SHIPPED
    assert {name for name in packages if any(fnmatch(name, pattern) for pattern in declared)} == {"swatchbook"}
    links = {path.name: path.readlink() for path in (ROOT / "swatchbook").iterdir() if path.is_symlink()}
    assert links == {name: Path("..") / name for name in PACKAGES if name != "swatchbook"}
