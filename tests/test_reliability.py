"""What docs/RELIABILITY.md promises has its test: each row of its tables names test functions, and each is there."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "RELIABILITY.md"
MEASURED = "## A million items"
"""The section that promises nothing: its figures are what a benchmark printed."""

NODE = re.compile(r"`((?:packages/\w+/)?tests/[\w/]+\.py)::(test_\w+)(?:\[(\w+)\])?`")
"""A test function as pytest is given it, with the parameter that a row is about."""
GATE = " (gate)"
"""Behind a test that the gate runs."""


def promises(text: str) -> Iterator[str]:
    """Yield the rows of a page's tables, without heads and rules, and without the section that is measured."""
    for table in re.findall(r"(?:^\|.*\n)+", text.partition(MEASURED)[0] + "\n", re.MULTILINE):
        yield from table.splitlines()[2:]


def is_there(file: str, function: str, parameter: str) -> bool:
    """Return whether a file has a test of this name at its top, and names the parameter somewhere."""
    source = (ROOT / file).read_text() if (ROOT / file).exists() else ""
    return function in _tests(source) and (not parameter or re.search(rf"\b{parameter}\b", source) is not None)


@cache
def _tests(source: str) -> set[str]:
    return {each.name for each in ast.parse(source).body if isinstance(each, ast.FunctionDef)}


def test_every_promise_names_tests_and_each_is_there() -> None:
    rows = [*promises(PAGE.read_text())]
    assert len(rows) > 80
    assert [row for row in rows if not NODE.search(row)] == [], "without a test"
    named = {node for row in rows for node in NODE.findall(row)}
    assert [node for node in sorted(named) if not is_there(*node)] == []
    for row in promises(PAGE.read_text()):
        assert not re.search(r"`[\w/]*test_\w+\.py`", row)


def test_readme_promises_nothing_else() -> None:
    readme = (ROOT / "README.md").read_text().partition("## What it guarantees")[2].partition("\n## ")[0]
    table = PAGE.read_text().partition("## What the README promises")[2].partition("\n## ")[0]
    assert re.findall(r"^- \*\*(.*?)\*\*", readme, re.MULTILINE) == [row.split(" | ")[0][2:] for row in promises(table)]


@pytest.mark.nightly
def test_each_row_says_which_tests_the_gate_runs() -> None:
    text = PAGE.read_text()
    files = sorted({file for file, _, _ in NODE.findall(text) if Path(file).name.startswith("test_")})
    words = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-m", "not nightly", *files]
    found = subprocess.run(words, cwd=ROOT, capture_output=True, text=True).stdout
    gate = set(re.findall(r"^((?:packages/\w+/)?tests/[\w/]+\.py)::(test_\w+)", found, re.MULTILINE))
    marked = [(node.group(1, 2) in gate, text.startswith(GATE, node.end()), node[0]) for node in NODE.finditer(text)]
    assert [name for is_gate, says_gate, name in marked if is_gate != says_gate] == []
