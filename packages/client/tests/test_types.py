"""mypy --strict checks a program that uses Swatchbook as an installed package: it finds all types, and wrong calls."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.fixtures import ROOT
from tests.tables import rows_of, text_of


def test_the_package_says_that_it_has_types() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    assert declared["package-data"]["swatchbook"] == ["py.typed"]
    assert (ROOT / "swatchbook" / "py.typed").is_file()


@pytest.mark.stack
def test_program_is_checked_strictly(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(text_of(__file__, "program"))
    cache = f"{os.environ.get('MYPY_CACHE_DIR', tmp_path / 'cache')}-of-programs"  # other options, other cache
    path = f"{ROOT}:{ROOT}/packages/client:{ROOT}/packages/notebook"
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "program.py"], cwd=tmp_path, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": path, "MYPY_CACHE_DIR": cache},
    )  # fmt: skip
    found = re.findall(r"^program\.py:\d+: (note|error): (.*)$", done.stdout, re.MULTILINE)
    assert [*map(list, found)] == rows_of(__file__, "found"), done.stderr
