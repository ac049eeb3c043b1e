"""Write docs/modules.md and docs/modules/: every shipped module with the first paragraph of its docstring.

`python -m devtools.modules` (`make reference`); `tests/devtools/test_modules.py` fails while a page is out of date.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from devtools.generated_pages import DOCS, ROOT, Pages, write

TARGET: Final = DOCS / "modules.md"
FOLDER: Final = DOCS / "modules"
PACKAGES: Final = ("swatchbook", "blocks", "tasks", "flows", "scheduler", "deployments", "interface")
_HEAD: Final = """# Modules

Every module, and the rules that it holds: the first paragraph of its docstring (`make reference` writes these pages).
The packages in a few lines: [development.md](development.md). The words: [glossary.md](glossary.md).

| package | modules | what it is |
| --- | ---: | --- |
"""


def summary(module: Path) -> str:
    """Return the first paragraph of a module's docstring on one line, or "" if it has none."""
    docstring = ast.get_docstring(ast.parse(module.read_text())) or ""
    return " ".join(docstring.split("\n\n")[0].split())


def pages() -> Pages:
    """Return the list of packages, and a page for each: of `swatchbook` also one for each of its folders."""
    domain = ROOT / PACKAGES[0]
    folders = [domain, *_subpackages(domain), *(ROOT / name for name in PACKAGES[1:])]
    made = {TARGET: _HEAD + "".join(map(_row, folders))}
    for folder in folders:
        sections = _section(folder, 1, deep=folder != domain)
        made[_page(folder)] = "\n".join(sections)
    return made


def _page(folder: Path) -> Path:
    return FOLDER / f"{'-'.join(folder.relative_to(ROOT).parts)}.md"


def _row(folder: Path) -> str:
    """Return the row of a package in the list."""
    modules = _modules(folder) if folder.name == PACKAGES[0] else [*folder.rglob("*.py")]
    count = sum(path.name != "__init__.py" for path in modules)
    about = summary(folder / "__init__.py").replace("|", "\\|")
    return f"| [{folder.relative_to(ROOT)}/](modules/{_page(folder).name}) | {count} | {about} |\n"


def _modules(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.glob("*.py")) if path.name != "__init__.py"]


def _subpackages(folder: Path) -> list[Path]:
    return sorted(path.parent for path in folder.glob("*/__init__.py"))


def _section(package: Path, level: int, *, deep: bool) -> Iterator[str]:
    """Yield the lines of a package; if `deep`, then those of the packages in it."""
    yield f"{'#' * level} {package.relative_to(ROOT)}/"
    yield ""
    if about := summary(package / "__init__.py"):
        yield about
        yield ""
    modules = _modules(package)
    for path in modules:
        yield f"- `{path.name}`: {summary(path)}"
    if modules:
        yield ""
    for folder in _subpackages(package) if deep else ():
        yield from _section(folder, 2, deep=True)


if __name__ == "__main__":
    write(pages(), FOLDER)
