"""Write docs/modules.md: every module of the shipped packages with the first paragraph of its docstring.

`python -m devtools.modules` (`make modules`); `tests/devtools/test_modules.py` fails while the file is out of date.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
TARGET: Final = ROOT / "docs/modules.md"
PACKAGES: Final = ("swatchbook", "blocks", "tasks", "flows", "scheduler", "deployments", "interface")
_HEAD: Final = """# Modules

Every module, and the rules that it holds: the first paragraph of its docstring (`make modules` writes this page).
The packages in a few lines: [development.md](development.md). The words: [glossary.md](glossary.md).
"""


def summary(module: Path) -> str:
    """Return the first paragraph of a module's docstring on one line, or "" if it has none."""
    docstring = ast.get_docstring(ast.parse(module.read_text())) or ""
    return " ".join(docstring.split("\n\n")[0].split())


def page() -> str:
    """Return the page as Markdown: a section for each package, with its modules in alphabetical order."""
    return "\n".join([_HEAD, *(line for package in PACKAGES for line in _section(ROOT / package))])


def _section(package: Path) -> Iterator[str]:
    yield f"## {package.relative_to(ROOT)}/"
    yield ""
    if about := summary(package / "__init__.py"):
        yield about
        yield ""
    modules = [path for path in sorted(package.glob("*.py")) if path.name != "__init__.py"]
    for path in modules:
        yield f"- `{path.name}`: {summary(path)}"
    if modules:
        yield ""
    for folder in sorted(path.parent for path in package.glob("*/__init__.py")):
        yield from _section(folder)


if __name__ == "__main__":
    TARGET.write_text(page())
