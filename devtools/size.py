"""Print how large the project is, as a Markdown table: what a newcomer has to carry, at one commit after the other.

Usage: python -m devtools.size COMMIT…
Shipped code is the packages of the wheel; a file is counted as it is tracked by git.
"""

import ast
import io
import re
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Mapping, Sequence
from statistics import median

from devtools.generated_pages import ROOT

PACKAGES = ("swatchbook", "blocks", "tasks", "flows", "deployments")
"""Folders of what the wheel has; `swatchbook` has links to the others."""

LONG = 50
"""Lines from which a function is hard to take in at once."""

Function = ast.FunctionDef | ast.AsyncFunctionDef
Files = Mapping[str, str]
"""Path -> text."""


def files_at(commit: str) -> Files:
    """Return the Python files and the others that are counted. Raises CalledProcessError for an unknown commit."""
    archive = subprocess.check_output(["git", "archive", commit], cwd=ROOT)
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        named = [each for each in tar if each.isfile() and each.name.endswith((".py", ".md", ".toml"))]
        return {each.name: tar.extractfile(each).read().decode() for each in named}  # type: ignore[union-attr]


def figures(files: Files) -> dict[str, str]:
    """Return name -> figure of the files of a commit."""
    shipped = {path: text for path, text in files.items() if path.endswith(".py") and path.split("/")[0] in PACKAGES}
    trees = {path: ast.parse(text) for path, text in shipped.items()}
    lengths = [text.count("\n") for text in shipped.values()]
    functions = [node for tree in trees.values() for node in ast.walk(tree) if isinstance(node, Function)]
    public = [node for tree in trees.values() for node in _public(tree)]
    tests = {path: text for path, text in files.items() if path.startswith("tests/") and path.endswith(".py")}
    names = re.findall(r"^(?:async )?def (test_\w+)", "\n".join(tests.values()), re.MULTILINE)
    project = tomllib.loads(files["pyproject.toml"])["project"]
    return {
        "modules": f"{len(shipped)}",
        "lines": f"{sum(lengths):,}",
        "lines of a module, median and most": f"{median(lengths):.0f}, {max(lengths)}",
        f"functions of over {LONG} lines": f"{sum(map(_is_long, functions))} of {len(functions):,}",
        "public classes and functions with a docstring": f"{sum(map(_is_documented, public)) / len(public):.0%}",
        "terms of the glossary": f"{len(_rows(files['docs/glossary.md']))}",
        "settings": f"{_settings(trees['swatchbook/settings.py'])}",
        "tables of the ledger": f"{files['swatchbook/ledger/tables.py'].count(' = Table(')}",
        "required packages, extras": f"{len(project['dependencies'])}, {len(project['optional-dependencies'])}",
        "lines of tests": f"{sum(text.count(chr(10)) for text in tests.values()):,}",
        "words in a test's name, median": f"{median(name.count('_') for name in names):.0f}",
    }


def table(commits: Mapping[str, Mapping[str, str]]) -> str:
    """Return a Markdown table of commit -> its figures, in this order."""
    rows = [["", *commits], ["---", *("---:" for _ in commits)]]
    rows += [[name, *(each[name] for each in commits.values())] for name in next(iter(commits.values()))]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows).replace("|  |", "| |")


def _public(tree: ast.Module) -> list[Function | ast.ClassDef]:
    """Return the public classes and functions of a module, and public methods of its classes."""
    found = [node for node in tree.body if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_")]
    classes = [node for node in found if isinstance(node, ast.ClassDef)]
    methods = [each for node in classes for each in node.body if isinstance(each, Function)]
    return [*found, *(method for method in methods if not method.name.startswith("_"))]


def _is_documented(node: Function | ast.ClassDef) -> bool:
    return ast.get_docstring(node) is not None


def _is_long(function: Function) -> bool:
    return (function.end_lineno or 0) - function.lineno >= LONG


def _rows(page: str) -> list[str]:
    """Return the rows of a page's Markdown tables, without their heads."""
    lines = page.splitlines()
    heads = {number for number, line in enumerate(lines, start=-1) if re.match(r"\| -", line)}
    heads |= {number + 1 for number in heads}
    return [line for number, line in enumerate(lines) if line.startswith("| ") and number not in heads]


def _settings(tree: ast.Module) -> int:
    (settings,) = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Settings")
    return sum(isinstance(node, ast.AnnAssign) for node in settings.body)


def main(commits: Sequence[str]) -> int:
    """Print the table of the commits. Return 2 when none is given."""
    if not commits:
        print((__doc__ or "").strip(), file=sys.stderr)  # noqa: T201
        return 2
    print(table({f"`{commit}`": figures(files_at(commit)) for commit in commits}), end="")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
