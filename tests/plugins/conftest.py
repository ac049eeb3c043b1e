"""The plugins of docs/plugins.md, and others, which this process finds as if they were installed."""

import itertools
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from swatchbook.domain import plugins
from swatchbook.domain.plugins import GROUPS, Kind
from swatchbook.ingest.sources import item_files
from tests.fixtures import ROOT

PAGE = (ROOT / "docs" / "plugins.md").read_text()
CODE = {
    next(
        name for name in ("ColorGrid", "Words", "Brightness", "write_markdown", "open_index", "Lines") if name in block
    ): block
    for block in re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
}
"""Name of the class or function -> its code on the page."""

(PYPROJECT,) = re.findall(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)

numbers = itertools.count()

Install = Callable[[str, Mapping[Kind, Mapping[str, str]]], str]
"""Takes code and what it declares (kind -> name -> class or function), and returns the name of its module."""


def forget_plugins() -> None:
    for known in (plugins.installed, item_files.readers, item_files.any_shape, item_files.suffixes):
        known.cache_clear()


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Install code as a new package, until the end of the test."""
    modules = list[str]()
    # A file that a test writes again within a second, as long as before, would be read from its old bytecode.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def installed(code: str, declared: Mapping[Kind, Mapping[str, str]]) -> str:
        module = f"plugin_{next(numbers)}"
        write_package(tmp_path / module, module, code, declared)
        monkeypatch.syspath_prepend(tmp_path / module)
        forget_plugins()
        modules.append(module)
        return module

    yield installed
    forget_plugins()
    for module in modules:
        sys.modules.pop(module, None)


def write_package(folder: Path, module: str, code: str, declared: Mapping[Kind, Mapping[str, str]]) -> None:
    """Write a module, and the metadata of its package, as an installer does. `declared`: kind -> name -> factory."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{module}.py").write_text(code)
    metadata = folder / f"swatchbook_{module}-0.1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.4\nName: swatchbook-{module}\nVersion: 0.1\nLicense-Expression: MIT\n"
    )
    sections = (
        f"[{GROUPS[kind]}]\n" + "".join(f"{name} = {module}:{factory}\n" for name, factory in names.items())
        for kind, names in declared.items()
    )
    (metadata / "entry_points.txt").write_text("\n".join(sections))
    (metadata / "RECORD").write_text(f"{module}.py,,{len(code)}\n")
