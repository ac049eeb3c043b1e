"""Print how large the project is, as a Markdown table: what a newcomer has to carry.

Usage: python -m devtools.size [COMMIT…]
The columns are the commits, or the last tag where none is given, and the working tree. A change that raises a figure
says why in its commit. Lines of the core are what its wheel has; `packages/` is counted on its own.
"""

import ast
import io
import re
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from devtools.generated_pages import ROOT

PACKAGES = ("swatchbook", "blocks", "tasks", "flows", "deployments")
"""Folders of what the core's wheel has; `swatchbook` has links to the others."""

_FOLDERS = {*PACKAGES, "scheduler", "interface"}
"""The same, and those that earlier commits had beside them."""

Files = Mapping[str, str]
"""Path -> text."""


def shipped_modules() -> list[Path]:
    """Return the Python files of the core, and of the packages of `packages/` without their tests."""
    folders = (*(ROOT / name for name in PACKAGES), *ROOT.glob("packages/*/swatchbook_*"))
    return [path for folder in folders for path in sorted(folder.rglob("*.py"))]


def files_at(commit: str) -> Files:
    """Return the files that are counted at a commit. Raises CalledProcessError for an unknown one."""
    archive = subprocess.check_output(["git", "archive", commit], cwd=ROOT)
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        named = [each for each in tar if each.isfile() and _is_counted(each.name)]
        return {each.name: tar.extractfile(each).read().decode() for each in named}  # type: ignore[union-attr]


def files_now() -> Files:
    """Return the files that are counted in the working tree."""
    listed = subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True).splitlines()
    return {name: (ROOT / name).read_text() for name in listed if _is_counted(name) and (ROOT / name).is_file()}


def figures(files: Files) -> dict[str, str]:
    """Return name -> figure of the files of a commit."""

    def lines(pattern: str) -> str:
        return f"{sum(text.count(chr(10)) for path, text in files.items() if re.fullmatch(pattern, path)):,}"

    project = tomllib.loads(files["pyproject.toml"])["project"]
    return {
        "lines of the core": lines(rf"({'|'.join(sorted(_FOLDERS))})/.+\.py|packages/base/swatchbook_base/.+\.py"),
        "lines of packages": lines(r"packages/(?!base/)\w+/(?!tests/).+\.py"),
        "lines of tests": lines(r"(packages/\w+/)?tests/.+\.py"),
        "lines of documentation": lines(r"(docs/.+|README|packages/\w+/README)\.md"),
        "settings, with those in groups": "{}, {}".format(*_settings(files)),
        "commands": f"{sum(_commands(path, text) for path, text in files.items())}",
        "tables of the ledger": f"{_of_core(files, 'ledger/tables.py').count(' = Table(')}",
        "terms of the glossary": f"{_rows(files['docs/glossary.md'])}",
        "required packages, extras": f"{len(project['dependencies'])}, {len(project['optional-dependencies'])}",
    }


def table(columns: Mapping[str, Mapping[str, str]]) -> str:
    """Return a Markdown table of column -> its figures, in this order."""
    rows = [["", *columns], ["---", *("---:" for _ in columns)]]
    rows += [[name, *(each[name] for each in columns.values())] for name in next(iter(columns.values()))]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows).replace("|  |", "| |")


def _is_counted(path: str) -> bool:
    return path.endswith((".py", ".md", "pyproject.toml"))


def _of_core(files: Files, name: str) -> str:
    """Return the text of a file of the core, which has moved between rooms; empty where there is none."""
    return next((text for path, text in files.items() if re.fullmatch(rf"swatchbook/(.+/)?{name}", path)), "")


def _settings(files: Files) -> tuple[int, int]:
    """Return how many settings there are at the top, a group as one, and how many variables."""
    sources = (_of_core(files, f"setting{name}.py") for name in ("_groups", "s"))
    classes = {node.name: node for each in sources for node in ast.parse(each).body if isinstance(node, ast.ClassDef)}

    def fields(name: str) -> dict[str, str]:
        """Return field -> type of a class with its bases."""
        if name not in classes:
            return {}
        inherited = [fields(ast.unparse(base)) for base in classes[name].bases]
        own = {
            ast.unparse(n.target): ast.unparse(n.annotation) for n in classes[name].body if isinstance(n, ast.AnnAssign)
        }
        return {field: kind for each in (*inherited, own) for field, kind in each.items()}

    top = fields("Settings").values()
    return len(top), sum(len(fields(kind)) or 1 for kind in top)


def _commands(path: str, source: str) -> int:
    """Return how many commands a file registers at the top, by the panels of its COMMANDS or by entry points."""
    if path.endswith("pyproject.toml"):
        named = tomllib.loads(source)["project"].get("entry-points", {}).get("swatchbook.commands", ())
        return sum("." not in name for name in named)
    if "/cli/commands/" not in f"/{path}":
        return 0
    panels = [
        node.value
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "COMMANDS"
    ]
    names = [name for each in panels for panel in ast.walk(each) if isinstance(panel, ast.Dict) for name in panel.keys]
    at_top = [name for name in names if name is not None and " " not in ast.literal_eval(name)]
    return len(at_top) - sum(len(each.keys) for each in panels if isinstance(each, ast.Dict))


def _rows(page: str) -> int:
    """Return how many rows the Markdown tables of a page have, without their heads."""
    return len(re.findall(r"^\| ", page, re.MULTILINE)) - 2 * len(re.findall(r"^\| -", page, re.MULTILINE))


def _last_tag() -> list[str]:
    found = subprocess.run(["git", "describe", "--tags", "--abbrev=0"], cwd=ROOT, capture_output=True, text=True)
    return found.stdout.split()


def main(commits: Sequence[str]) -> None:
    """Print the table of the commits and of the working tree."""
    counted = {f"`{commit}`": figures(files_at(commit)) for commit in commits or _last_tag()}
    print(table({**counted, "now": figures(files_now())}), end="")  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
