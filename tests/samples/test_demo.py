"""`make demo` makes the whole sample searchable without a network; and what people ask of it comes first: a scored
table, so that every change of search shows what it cost.
"""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from samples.demo import serves
from samples.generate import BUILD
from tests.command import bare_environment, finish
from tests.fixtures import ROOT

pytestmark = pytest.mark.stack

_PAGE = (ROOT / "samples" / "README.md").read_text()
ONLY_LOOPBACK = ["unshare", *([] if os.geteuid() == 0 else ["--map-root-user"]), "--net", "sh", "-c"]


@pytest.fixture(scope="module")
def demo(catalogue: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    home = tmp_path_factory.mktemp("demo") / "home"
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "SWATCHBOOK_", "HF_"))}
    alone = subprocess.run(
        [*ONLY_LOOPBACK, 'ip link set lo up && ! ip route get 192.0.2.1 && exec "$@"', "sh",
         sys.executable, "-m", "samples.demo", str(home)],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=500,
    )  # fmt: skip
    assert alone.returncode == 0, alone.stdout[-2000:] + alone.stderr[-4000:]
    return home, alone.stdout


def test_demo_ingests_and_searches_without_a_network(demo: tuple[Path, str]) -> None:
    _, printed = demo
    assert "263 = 263 complete" in printed
    for found in ("Nordvik Oak", "Alentejo Cork", "Palladio Terrazzo"):
        assert found in printed
    assert "the web page" not in demo[1]
    assert [serves(None, on_terminal=each) for each in (True, False)] == [True, False]
    assert [serves("1", on_terminal=False), serves("0", on_terminal=True)] == [True, False]


def test_searches_to_try_find_what_the_page_says(demo: tuple[Path, str]) -> None:
    """Each line of the table of samples/README.md, as it is printed, in the folder that the page is about."""
    lines = re.findall(r"^\| `swatchbook (search .*)` \| ([^,|]*)(, among the first three)?.* \|$", _PAGE, re.MULTILINE)
    assert len(lines) == 7
    environment = bare_environment() | {"SWATCHBOOK_HOME": str(demo[0])}
    for typed, product, among in lines:
        printed = finish(shlex.split(typed), environment, ROOT).stdout
        results = re.findall(r"^ *\d+ +\d+% +.*$", printed, re.MULTILINE)
        assert any(product in result for result in results[: 3 if among else 1]), printed


@pytest.mark.parametrize("line", re.findall(r"^    python -m (samples\.generate.*?) *#", _PAGE, re.MULTILINE))
def test_samples_are_made_as_printed(catalogue: Path, line: str) -> None:
    made = subprocess.run([sys.executable, "-m", *line.split()], cwd=ROOT, capture_output=True, text=True, check=True)
    files = [Path(each) for each in made.stdout.splitlines()]
    assert files != []
    assert all(file.is_file() and file.is_relative_to(BUILD) for file in files)
