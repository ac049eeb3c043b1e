"""The import rule of the house, between its packages and between the rooms of the domain."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RANK = {"swatchbook": 0, "blocks": 1, "tasks": 2, "flows": 3, "scheduler": 4, "deployments": 4, "interface": 5}
FOREIGN_TO_THE_DOMAIN = {"prefect", "prefect_docker", "fastapi", "typer", "rich"}
PDF_LIBRARIES = {"pymupdf", "pymupdf4llm", "fitz"}
FILES = [path for package in RANK for path in sorted((ROOT / package).rglob("*.py"))]


def imported(path: Path) -> Iterator[str]:
    """Yield the dotted name of everything that a file imports, at the top or inside a function."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names)


def room(parts: tuple[str, ...]) -> str:
    """Return the room of the domain that a module lies in: a folder below `swatchbook/`, or a single module there."""
    return Path(parts[1]).stem if len(parts) > 1 else ""


def rooms_imported() -> dict[str, dict[str, list[str]]]:
    """Return room -> room that it imports -> the imports, as "file imports name"."""
    arrows: dict[str, dict[str, list[str]]] = {}
    for path in (ROOT / "swatchbook").rglob("*.py"):
        here = room(path.relative_to(ROOT).parts)
        for name in imported(path):
            there = room(tuple(name.split("."))) if name.startswith("swatchbook.") else ""
            if there and there != here:
                arrows.setdefault(here, {}).setdefault(there, []).append(f"{path.relative_to(ROOT)} imports {name}")
    return arrows


def test_imports_point_one_way() -> None:
    offenders = []
    for path in FILES:
        package = path.relative_to(ROOT).parts[0]
        for name in imported(path):
            head = name.split(".")[0]
            against = RANK.get(head, 0) > RANK[package]
            foreign = package == "swatchbook" and head in FOREIGN_TO_THE_DOMAIN
            if against or foreign or not head:  # a relative import has no head
                offenders.append(f"{path.relative_to(ROOT)} imports {name}")
    assert not offenders


def test_rooms_of_the_domain_have_no_import_cycle() -> None:
    arrows = rooms_imported()
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as error:
        cycle: list[str] = list(reversed(error.args[1]))
        steps = [f"{a} → {b}: {'; '.join(arrows[a][b])}" for a, b in pairwise(cycle)]
        pytest.fail("\n".join(["the rooms import each other:", *steps]))


def test_only_the_pdf_room_imports_pymupdf() -> None:
    importers = {path for path in FILES if {name.split(".")[0] for name in imported(path)} & PDF_LIBRARIES}
    assert importers
    assert {path.parent for path in importers} == {ROOT / "swatchbook" / "pdf"}
