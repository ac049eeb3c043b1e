"""Every `swatchbook …` and `make …` in README.md, CONTRIBUTING.md, docs/, docs/tutorials/, samples/README.md and
tests/truth/README.md does what the text says.

Each command is run here, on a home that holds the small sample, or is listed with the test that runs it. A documented
command that is in neither table fails, and so does an entry that is no longer documented.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.command import bare_environment, finish
from tests.fixtures import ROOT
from tests.tables import rows_of
from tests.test_reliability import is_there

GENERATED = ("commands.md", "http.md")
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "samples/README.md", "tests/truth/README.md")),
    *sorted(set((ROOT / "docs").glob("*.md")) - {ROOT / "docs" / name for name in GENERATED}),
    *sorted((ROOT / "docs" / "tutorials").glob("*.md")),
]
"""All pages but those that are written from docstrings and helps, which name commands without examples."""

_BLOCK = re.MULTILINE | re.DOTALL
_COMMAND = re.compile(r"(?:^|&& |service |swatchbook(?= swatchbook) )((?:swatchbook|make) [^&]+)")


def commands(text: str) -> Iterator[str]:
    """Yield the commands of a page: in console blocks, in backticks, and in the table of `make`."""
    text = re.sub(r"^ +(?=```|\$ )", "", text, flags=re.MULTILINE)  # of blocks in lists
    for block in re.findall(r"^```console\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        for line in re.findall(r"^\$ (.*)$", block, re.MULTILINE):
            yield from (found.strip() for found in _COMMAND.findall(line.partition("  #")[0]))
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    yield from (" ".join(quoted.split()) for quoted in re.findall(r"`((?:swatchbook|make) [^`]+)`", prose))
    for cell in re.findall(r"^\| ((?:`[a-z][^`/_]*`(?:, )?)+) \|", _section(prose, "## Commands"), re.MULTILINE):
        names = re.findall(r"`([^`]+)`", cell)
        yield from (name if name.startswith("make ") else f"swatchbook {name}" for name in names)


def _section(text: str, heading: str) -> str:
    return text.partition(f"\n{heading}\n")[2].partition("\n## ")[0]


DOCUMENTED = {command: page.name for page in PAGES for command in commands(page.read_text())}

FIRST = {*commands((ROOT / "README.md").read_text())}
"""Commands of the README, which the gate runs."""

Finished = subprocess.CompletedProcess[str]


RUN_HERE: Mapping[str, Sequence[Any]] = {command: how for command, *how in rows_of(__file__, "run")}
"""Command -> its arguments (empty: as documented), and words of its stdout and stderr."""

TESTED_ELSEWHERE: Mapping[str, str] = {
    **dict.fromkeys(
        commands((ROOT / "samples" / "README.md").read_text()),
        "tests/samples/test_demo.py::test_searches_to_try_find_what_the_page_says",
    ),
    **{
        command: "tests/test_tutorials.py::test_commands_print_what_the_page_says"
        for name in ("catalogue.md", "items.md")
        for command in commands((ROOT / "docs" / "tutorials" / name).read_text())
        if command not in {*RUN_HERE, "swatchbook serve"}
    },
    **{command: node for node, run in rows_of(__file__, "elsewhere") for command in run},
}
"""Command -> the test that runs it."""

OTHER_PROGRAMS: Mapping[str, str] = {line: node for node, run in rows_of(__file__, "others") for line in run}
"""Beginning of a line that runs another program -> the test that runs it, or why none does."""

DEVELOPERS = {
    *("make install", "make install-all", "make check", "make test", "make test-stack", "make nightly"),
    *("make test-python", "make test-kubernetes"),
    *("make reference", "make notebook", "make site", "make sbom"),
    *("make soak", "make bench", "make lock", "make lock-check", "make release-check", "make workflow-check"),
}
"""Targets that install, or run the tests: only their existence is tested here."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, small_catalogue: Path) -> Path:
    folder = tmp_path_factory.mktemp("documented")
    shutil.copy(small_catalogue, folder / "catalogue.pdf")
    Image.radial_gradient("L").resize((64, 64)).save(folder / "photo.jpg")
    (folder / "shop.yaml").write_text(mapping_of_a_shop())
    done = swatchbook(folder, "ingest catalogue.pdf", seconds=400)
    assert done.returncode == 0, done.stderr
    return folder


def mapping_of_a_shop() -> str:
    return (ROOT / "docs" / "shops.md").read_text().partition("```yaml\n")[2].partition("```")[0]


def swatchbook(place: Path, typed: str, *, seconds: float = 120) -> Finished:
    environment = bare_environment() | {"SWATCHBOOK_HOME": str(place / "home")}
    return finish(shlex.split(typed), environment, place, seconds)


def plain(command: str) -> str:
    """Return the command without placeholders: `make install TORCH_INDEX=<…>` is `make install`."""
    return re.sub(r" [A-Z_]+=<.*>$", "", command)


def test_every_documented_command_is_run_or_tested_elsewhere() -> None:
    known = {*RUN_HERE, *TESTED_ELSEWHERE, *DEVELOPERS}
    found = {plain(command): page for command, page in DOCUMENTED.items()}
    assert {command: page for command, page in found.items() if command not in known} == {}
    assert known - found.keys() == set(), "no longer documented"
    assert [node for node in sorted(_NODES) if not is_there(*node.split("::"), "")] == []
    for command in sorted(c for c in {*TESTED_ELSEWHERE, *DEVELOPERS} if c.startswith("make ")):
        assert subprocess.run(["make", "-n", command.split()[1]], cwd=ROOT, capture_output=True).returncode == 0


@pytest.mark.stack
@pytest.mark.parametrize(
    "command", [pytest.param(each, marks=pytest.mark.gate) if each in FIRST else each for each in RUN_HERE]
)
def test_it_does_what_the_text_says(place: Path, command: str) -> None:
    typed, printed, told = RUN_HERE[command]
    typed = typed or command.removeprefix("swatchbook ")
    run = swatchbook(place, typed)
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-2000:]
    assert [word for word in printed if word not in run.stdout] == [], run.stdout[-2000:]
    assert [word for word in told if word not in run.stderr] == [], run.stderr[-2000:]
    assert "--json" not in typed or json.loads(run.stdout)


@pytest.mark.timeout(1_500)  # two minutes of processor time, which a busy machine may have only in ten
@pytest.mark.stack
def test_searches_are_scored_as_printed(tmp_path: Path, ingested_home: Path) -> None:
    """The block of docs/quality.md that scores searches, line by line, where the sample is the owner's of this name."""
    shutil.copytree(ingested_home, tmp_path / "home")
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    assert swatchbook(tmp_path, "owners rename anna sample").returncode == 0
    blocks = re.findall(r"^```console\n(.*?)^```", (ROOT / "docs" / "quality.md").read_text(), re.MULTILINE | re.DOTALL)
    (block,) = (each for each in blocks if "score_searches" in each)
    answerable, made, classes = (line.removeprefix("$ ") for line in block.splitlines())
    here = {"SWATCHBOOK_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)}
    programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"

    def run(line: str) -> str:
        environment = bare_environment() | here | {"PATH": programs}
        done = subprocess.run(["bash", "-euc", line], cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        return done.stdout

    assert all(role in run(answerable) for role in ("keyword", "understanding", "all, as they weigh"))
    assert "156 = 156 complete" in run(made)
    assert all(role in run(classes) for role in ("texture", "visual", "all, as they weigh"))


def test_every_module_documented_to_be_run_exists() -> None:
    texts = [page.read_text() for page in (*PAGES, *(ROOT / "benchmarks").glob("*.md"))]
    named = {name for text in texts for name in re.findall(r"python -m ([\w.]+)", text)} - {"pytest", "uv", "venv"}
    assert len(named) > 10
    places = {name: ROOT / name.replace(".", "/") for name in named}
    there = {n for n, p in places.items() if p.with_suffix(".py").is_file() or (p / "__main__.py").is_file()}
    assert named == there


def test_lines_of_other_programs_are_run_or_explained() -> None:
    blocks = [block for page in PAGES for block in re.findall(r"^ *```console\n(.*?)^ *```", page.read_text(), _BLOCK)]
    lines = {line for block in blocks for line in re.findall(r"^ *\$ (.*)$", block, re.MULTILINE)}
    others = {line for line in lines if not line.startswith(("swatchbook ", "make "))}
    assert {line for line in others if not line.startswith(tuple(OTHER_PROGRAMS))} == set()
    assert [each for each in OTHER_PROGRAMS if not any(line.startswith(each) for line in others)] == []


_NODES = {node for node in (*TESTED_ELSEWHERE.values(), *OTHER_PROGRAMS.values()) if not node.startswith("not run: ")}
