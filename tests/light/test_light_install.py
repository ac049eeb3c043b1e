"""What `make install` gives, run as a person runs it, in an environment within that of the tests.

Without it these tests are skipped; `make test` makes it.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.command import bare_environment
from tests.tables import text_of

BIN = Path(sys.prefix) / "light" / "bin"
MOST_PACKAGES = 155
MOST_BYTES = 1_500_000_000  # on disk

pytestmark = [
    pytest.mark.light,
    pytest.mark.skipif(not (BIN.parent / ".installed").exists(), reason="`make test` makes it, and runs it"),
]


def light(program: str, *arguments: str | Path, home: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = bare_environment() | {f"SWATCHBOOK_{name}": value for name, value in settings.items()}
    environment = {name: value for name, value in environment.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return subprocess.run(
        [BIN / program, *arguments],
        cwd=home.parent, env=environment | {"SWATCHBOOK_HOME": str(home)}, capture_output=True, text=True, timeout=400,
    )  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, small_catalogue: Path) -> Path:
    home = tmp_path_factory.mktemp("light") / "home"
    done = light("swatchbook", "ingest", small_catalogue, home=home)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return home


def test_it_is_small_and_has_no_extra(tmp_path: Path) -> None:
    code = (
        "import json, sysconfig; from importlib.metadata import distributions\n"
        "from swatchbook.domain.extras import MODULES, is_installed\n"
        "others = [each for each in distributions() if not each.name.startswith('swatchbook')]\n"
        "print(json.dumps([sysconfig.get_path('purelib'), len(others),\n"
        "    [extra for extra in MODULES if is_installed(extra)]]))"
    )
    folder, packages, extras = json.loads(light("python", "-c", code, home=tmp_path / "home").stdout)
    assert extras == []
    assert packages <= MOST_PACKAGES
    # hard links into the cache of uv count, too: they are what another machine would have
    assert sum(file.stat().st_blocks * 512 for file in Path(folder).rglob("*") if file.is_file()) <= MOST_BYTES


TRIED = text_of(__file__, "tried")
"""Prints what commands print, and the status codes of pages, of one process."""


@pytest.mark.nightly
def test_search_doctor_and_pages_work_without_extras(home: Path, tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    Image.radial_gradient("L").resize((64, 64)).save(photo)
    commands = ("search", "matt grey terrazzo"), ("search", "--image", str(photo)), ("doctor",)
    pages = ("/", "/ui/coverage", "/ui/documents", "/metrics")
    run = light("python", "-c", TRIED, json.dumps([commands, pages]), home=home)
    assert run.returncode == 0, run.stderr
    printed, codes = json.loads(run.stdout)
    by_text, by_picture, examined = map(json.loads, printed)
    assert by_text
    assert by_picture
    findings = {each["check"]: each for each in examined}
    assert {name for name, each in findings.items() if not each["ok"]} <= {"memory"}  # of a busy machine
    assert findings["extras"]["found"] == "installed: none; the settings need no other"
    assert codes == [200] * len(pages)
