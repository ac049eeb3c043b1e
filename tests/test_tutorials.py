"""The tutorials of docs/tutorials do what they print: every command and every line of Python, in order, in one session.

What a command prints below it must be in its output, "…" standing for anything. It must succeed, unless `echo $?`
follows. What deploys with Compose runs in tests/containers.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command import bare_environment
from tests.fixtures import ROOT

FOLDER = ROOT / "docs" / "tutorials"
MARK = "--- the end of a command:"
pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


def files(page: Path) -> list[tuple[str, str]]:
    """Return path and text of each file that a page lets people save."""
    return re.findall(r"^Save this as `(.+?)`:\n\n```\w+\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


def commands(page: Path) -> list[tuple[str, list[str]]]:
    found: list[tuple[str, list[str]]] = []
    for line in "".join(blocks(page, "console")).splitlines():
        if line.startswith("$ "):
            found.append((line.removeprefix("$ "), []))
        else:
            found[-1][1].append(line)
    return found


def is_in(printed: str, output: str) -> bool:
    """Return whether a line of the page is in an output, with any spaces, and anything in place of `…`."""
    parts = [r"\s+".join(map(re.escape, part.split())) for part in printed.split("…")]
    return re.search(r"[^\n]*".join(parts), output) is not None


@pytest.fixture
def place(tmp_path: Path, small_catalogue: Path) -> Path:
    """A folder like a clone after `make install`."""
    assert small_catalogue.is_file()
    (tmp_path / "samples").symlink_to(ROOT / "samples")
    (tmp_path / "build").mkdir()
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "activate").write_text(f"PATH={Path(sys.executable).parent}:$PATH\n")
    return tmp_path


def run(place: Path, script: str, *program: str) -> str:
    environment = bare_environment() | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        program, input=script, cwd=place, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return done.stdout


def run_commands(place: Path, page: Path) -> None:
    for name, text in files(page):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)
    wanted = commands(page)
    script = "".join(f"{command}\ns=$?; echo; echo '{MARK}' $s; (exit $s)\n" for command, _ in wanted)
    outputs = re.split(rf"^{MARK} (\d+)\n", run(place, script, "bash"), flags=re.MULTILINE)
    assert len(outputs) == 2 * len(wanted) + 1, outputs[-1]
    for number, (command, lines) in enumerate(wanted):
        output, status = outputs[2 * number], outputs[2 * number + 1]
        asked = number + 1 < len(wanted) and wanted[number + 1][0] == "echo $?"
        assert status == "0" or asked, f"{command}\n{output}"
        assert [line for line in lines if not is_in(line, output)] == [], f"{command}\n{output}"


@pytest.mark.parametrize("name", ["catalogue.md", "items.md"])
@pytest.mark.gate
def test_commands_print_what_the_page_says(place: Path, name: str) -> None:
    run_commands(place, FOLDER / name)


@pytest.mark.gate
def test_python_prints_what_the_page_says(place: Path) -> None:
    page = FOLDER / "notebook.md"
    run_commands(place, page)
    script = "".join(f"{block}\nprint('{MARK}')\n" for block in blocks(page, "python"))
    environment = bare_environment() | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=place, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert done.stdout.split(f"{MARK}\n") == [*blocks(page, "text"), ""]


def test_every_tutorial_is_listed() -> None:
    listed = set(re.findall(r"\((\w+\.md)\)", (FOLDER / "README.md").read_text()))
    assert listed == {page.name for page in FOLDER.glob("*.md")} - {"README.md"}
