"""The examples of docs/examples print what they say: one after the other, in one process and with one collection."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from samples import classes
from tests.command import bare_environment
from tests.fixtures import ROOT
from tests.test_tutorials import blocks, files

FOLDER = ROOT / "docs" / "examples"
PAGES = ("duplicates.md", "photo.md", "compare-editions.md", "cost.md", "own-encoder.md")
MARK = "--- the end of a block"

pytestmark = pytest.mark.stack


def programs(page: Path) -> list[str]:
    """Return the blocks of Python of a page that are no files to be saved."""
    saved = {text for _, text in files(page)}
    return [block for block in blocks(page, "python") if block not in saved]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, small_catalogue: Path) -> Path:
    """A folder like a clone after the commands of README.md, with the plugin of a page installed."""
    assert small_catalogue.is_file()
    place = tmp_path_factory.mktemp("examples")
    (place / "samples").symlink_to(ROOT / "samples")
    classes.write(place / "build" / "pictures", ("planks", "terrazzo", "linen"))
    for name, text in files(FOLDER / "own-encoder.md"):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)
    plugin = place / "build" / "colorgrid"
    declared = tomllib.loads((plugin / "pyproject.toml").read_text())["project"]
    ((group, points),) = declared["entry-points"].items()
    installed = plugin / "colorgrid-1.dist-info"  # what pip makes of it
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: colorgrid\nVersion: 1\n")
    lines = [f"[{group}]", *(f"{name} = {value}" for name, value in points.items())]
    (installed / "entry_points.txt").write_text("\n".join(lines))
    return place


@pytest.fixture(scope="module")
def printed(place: Path, prefect_server: str) -> dict[str, list[str]]:
    """Return what each page prints, block by block."""
    lines = ["import sys"]
    for page in PAGES:
        lines += [f"print({page!r}); names = {{}}"]
        for block in programs(FOLDER / page):
            lines.append(f"exec(compile({block!r}, {page!r}, 'exec'), names); print({MARK!r})")
    path = f"{ROOT}:{place / 'build' / 'colorgrid'}"
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], cwd=place, capture_output=True, text=True,
        env=bare_environment() | {"PYTHONPATH": path, "PREFECT_API_URL": prefect_server},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr[-4000:]
    _, *pages = re.split(rf"^({'|'.join(map(re.escape, PAGES))})\n", done.stdout, flags=re.MULTILINE)
    shown = zip(pages[::2], pages[1::2], strict=True)
    return {page: [text for text in out.split(f"{MARK}\n") if text] for page, out in shown}


@pytest.mark.parametrize("page", PAGES)
def test_example_prints_what_the_page_says(printed: dict[str, list[str]], page: str) -> None:
    assert printed[page] == blocks(FOLDER / page, "text")


def test_every_example_is_listed() -> None:
    listed = re.findall(r"\((\w[\w-]*\.md)\)", (FOLDER / "README.md").read_text())
    assert listed == list(PAGES)
    assert {*listed, "README.md"} == {page.name for page in FOLDER.glob("*.md")}
