"""Who may write to the ledger: `dirty.py` alone the column `dirty`, `queries/` nothing at all."""

import ast
from collections.abc import Iterator
from pathlib import Path

from devtools.size import shipped_modules

ROOT = Path(__file__).parents[3]
LEDGER = ROOT / "swatchbook" / "store" / "ledger"
WRITING = {"write", "insert", "update", "delete", "upsert", "upsert_rows", "insert_new_rows", "execute_in"}


def written_columns(text: str) -> Iterator[str]:
    """Yield the columns that `values(...)` names, and the keys of all mappings, which may be spread into it."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in ("values", "dict", "update"):
            yield from (keyword.arg for keyword in node.keywords if keyword.arg)
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
            if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
                yield node.slice.value
        elif isinstance(node, ast.Dict):
            yield from (key.value for key in node.keys if isinstance(key, ast.Constant) and isinstance(key.value, str))


def names(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr


def test_only_one_module_writes_dirty() -> None:
    files = [file for file in shipped_modules() if "versions" not in file.parts]
    texts = {file: text for file in files if "dirty" in (text := file.read_text())}
    writers = {file for file, text in texts.items() if "dirty" in written_columns(text)}
    assert writers == {LEDGER / "dirty.py"}


def test_queries_only_read() -> None:
    files = list((LEDGER / "queries").glob("*.py"))
    assert len(files) > 5
    assert [file.name for file in files if WRITING & set(names(file))] == []
