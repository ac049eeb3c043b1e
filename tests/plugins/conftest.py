"""Plugins that this process finds as if they were installed."""

import itertools
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from swatchbook.domain import plugins
from swatchbook.domain.plugins import Kind
from tests.plugins.packages import write_package

numbers = itertools.count()

Install = Callable[[str, Mapping[Kind, Mapping[str, str]]], str]
"""Takes code and what it declares (kind -> name -> class or function), and returns the name of its module."""


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
        plugins.installed.cache_clear()
        modules.append(module)
        return module

    yield installed
    plugins.installed.cache_clear()
    for module in modules:
        sys.modules.pop(module, None)
