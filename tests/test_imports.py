"""The one import rule of the house: interface, deployments → flows → tasks → blocks → swatchbook."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RANK = {"swatchbook": 0, "blocks": 1, "tasks": 2, "flows": 3, "deployments": 4, "interface": 4}
FOREIGN_TO_THE_DOMAIN = {"prefect", "prefect_docker", "fastapi", "typer", "rich"}


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.add(node.module or "")
    return names


FILES = [path for room in RANK for path in sorted((ROOT / room).rglob("*.py"))]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_one_way(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0]
    for name in imported(path):
        head = name.split(".")[0]
        assert RANK.get(head, 0) <= RANK[room], f"{room} imports {name}, against the arrows"
        assert room != "swatchbook" or head not in FOREIGN_TO_THE_DOMAIN, f"the domain imports {name}"


def test_only_the_pdf_child_imports_pymupdf() -> None:
    importers = {
        str(path.relative_to(ROOT))
        for path in FILES
        if any(name.split(".")[0] in {"pymupdf", "pymupdf4llm", "fitz"} for name in imported(path))
    }
    assert importers
    assert all(path.startswith("swatchbook/pdf/") for path in importers), importers
