"""Check what a release publishes: build `dist/` from the tracked files, compare it with them, and use it as a newcomer.

`python -m devtools.release_check` (`make release-check`) installs the core's wheel into a fresh environment with the
versions of `make install`. There, outside the checkout, it ingests and searches a catalogue and a folder of pictures.
Then it installs the wheels of `packages/` and uses what each brings.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from collections.abc import Collection, Iterable
from configparser import ConfigParser
from functools import partial
from pathlib import Path
from typing import Any, Final

import pymupdf
from packaging.metadata import Metadata
from PIL import Image, ImageDraw

from devtools.generated_pages import ROOT
from devtools.lock import LOCK, up_to
from devtools.size import PACKAGES

PROJECT: Final[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
NAME: Final = f"{PROJECT['name'].replace('-', '_')}-{PROJECT['version']}"
UV: Final = str(Path(sys.executable).with_name("uv"))

DECLARATION: Final = "prefect.yaml"
BESIDE_PACKAGES: Final = {"CHANGELOG.md", "LICENSE", "MANIFEST.in", "README.md", "pyproject.toml", DECLARATION}
"""What the sdist has besides the packages, and besides what setuptools writes into it."""

EXAMPLES: Final = ("deployments/containers/", "deployments/helm/", "deployments/monitoring/")
"""Files in the packages that are for a checkout only: documentation names them, no code reads them."""


class NotPublishable(Exception):
    """What is wrong with the release, one problem on a line."""


def main() -> int:
    """Return 0 when `dist/` can be published, 1 with the reasons when it cannot."""
    try:
        sdist, wheel = build(ROOT / "dist")
        tracked = tracked_files()
        require(differences("sdist", files_of_sdist(sdist), shipped(tracked) | BESIDE_PACKAGES))
        require(differences("wheel", files_of_wheel(wheel), shipped(tracked) | {DECLARATION}))
        require(wrong_metadata(wheel))
        packages = [build_package(folder.parent, ROOT / "dist") for folder in ROOT.glob("packages/*/pyproject.toml")]
        with tempfile.TemporaryDirectory(prefix="swatchbook-release-") as folder:
            (base,) = [each for each in packages if each.name.startswith("swatchbook_base-")]
            programs = install(Path(folder), base, wheel)
            use(programs, Path(folder))
            add_packages(programs.parent, Path(folder), *packages)
            use_packages(programs, Path(folder))
    except NotPublishable as problems:
        print(problems, file=sys.stderr)
        return 1
    print(f"{sdist.name} and {wheel.name} in dist/ can be published.")
    return 0


def require(problems: Collection[str]) -> None:
    """Raise NotPublishable if there are problems."""
    if problems:
        raise NotPublishable("\n".join(problems))


def run(*command: str | Path, folder: Path, **settings: str) -> str:
    """Run a command without settings of this shell and return what it prints. Raises NotPublishable if it fails."""
    print(f"$ {shlex.join(map(str, command))}", flush=True)
    ours = ("SWATCHBOOK_", "PREFECT_", "PYTHONPATH", "VIRTUAL_ENV")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    done = subprocess.run(command, cwd=folder, env=kept | settings, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotPublishable(f"exit status {done.returncode}\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    return done.stdout


# --- what is built ----------------------------------------------------------------------------------------------------


def tracked_files() -> set[str]:
    """Return the files that git tracks in the working tree."""
    listed = run("git", "ls-files", "-z", folder=ROOT).split("\0")
    return {name for name in listed if name and ((ROOT / name).is_file() or (ROOT / name).is_symlink())}


def build(target: Path) -> tuple[Path, Path]:
    """Build the sdist from a copy of the tracked files, and the wheel from the sdist; return both.

    What earlier builds left in the checkout, such as a list of sources, would otherwise decide what is in them.
    """
    shutil.rmtree(target, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        for name in tracked_files():
            copy = Path(folder) / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, copy, follow_symlinks=False)
        run(UV, "build", "--quiet", "--python", sys.executable, "--out-dir", target, folder=Path(folder))
    (sdist,), (wheel,) = target.glob("*.tar.gz"), target.glob("*.whl")
    return sdist, wheel


def build_package(source: Path, target: Path) -> Path:
    """Build the wheel of a package of `packages/`, from its tracked files, and return it."""
    with tempfile.TemporaryDirectory() as folder:
        for name in tracked_files():
            if (ROOT / name).is_relative_to(source):
                copy = Path(folder) / (ROOT / name).relative_to(source)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / name, copy)
        run(UV, "build", "--quiet", "--wheel", "--python", sys.executable, "--out-dir", target, folder=Path(folder))
    name = tomllib.loads((source / "pyproject.toml").read_text())["project"]["name"].replace("-", "_")
    (wheel,) = target.glob(f"{name}-*.whl")
    return wheel


def shipped(tracked: Iterable[str]) -> set[str]:
    """Return the files that belong in sdist and wheel, all below `swatchbook/`: the packages without their examples."""
    files = {name for name in tracked if name.split("/")[0] in PACKAGES and not name.startswith(EXAMPLES)}
    inside = {name if name.startswith("swatchbook/") else f"swatchbook/{name}" for name in files}
    return inside - {f"swatchbook/{package}" for package in PACKAGES}  # links to them, for the checkout


def files_of_sdist(sdist: Path) -> set[str]:
    """Return the files of an sdist, without those that setuptools writes."""
    with tarfile.open(sdist) as archive:
        names = {member.name.removeprefix(f"{NAME}/") for member in archive if member.isfile()}
    return {name for name in names if name not in ("PKG-INFO", "setup.cfg") and ".egg-info/" not in name}


def files_of_wheel(wheel: Path) -> set[str]:
    """Return the files that a wheel installs, without its metadata; those of the data folder by their names only."""
    with zipfile.ZipFile(wheel) as archive:
        names = {info.filename for info in archive.infolist() if not info.is_dir()}
    data = f"{NAME}.data/data/share/swatchbook/"
    return {name.removeprefix(data) for name in names if not name.startswith(f"{NAME}.dist-info/")}


def differences(where: str, found: Collection[str], wanted: Collection[str]) -> list[str]:
    """Return a sentence for each file that is missing from the archive or does not belong in it."""
    return [
        *(f"The {where} lacks {name}." for name in sorted(set(wanted) - set(found))),
        *(f"The {where} has {name}, which does not belong in it." for name in sorted(set(found) - set(wanted))),
    ]


def wrong_metadata(wheel: Path) -> list[str]:
    """Return what is wrong with the wheel's metadata, by the rules of a package index."""
    inside = zipfile.Path(wheel) / f"{NAME}.dist-info"
    if not (inside / "METADATA").is_file():
        return [f"{wheel.name} is not the wheel of {NAME}."]
    try:
        metadata = Metadata.from_email((inside / "METADATA").read_bytes(), validate=True)
    except ExceptionGroup as invalid:
        return [f"Metadata: {each}" for each in invalid.exceptions]
    scripts, entry_points = ConfigParser(), inside / "entry_points.txt"
    scripts.read_string(entry_points.read_text() if entry_points.is_file() else "")
    wanted = {
        "version": str(metadata.version) == PROJECT["version"],
        "README.md as description": metadata.description == (ROOT / "README.md").read_text(),
        "LICENSE": metadata.license_files == PROJECT["license-files"] and (inside / "licenses" / "LICENSE").is_file(),
        "command swatchbook": scripts.has_option("console_scripts", "swatchbook"),
    }
    return [f"The metadata lack the {name}." for name, there in wanted.items() if not there]


# --- what a newcomer does ---------------------------------------------------------------------------------------------


def install(folder: Path, *wheels: Path) -> Path:
    """Install wheels and what they need into a fresh environment, in the versions of the lock. Return its programs."""
    environment = folder / "environment"
    run(UV, "venv", "--quiet", "--python", sys.executable, environment, folder=folder)
    run(*_pip(environment), "--constraint", _default_lock(folder), *wheels, folder=folder)
    run(UV, "pip", "check", "--quiet", "--python", environment, folder=folder)
    return environment / "bin"


def add_packages(environment: Path, folder: Path, *wheels: Path) -> None:
    """Add wheels of packages, and what those of `make install` need."""
    run(*_pip(environment), "--require-hashes", "-r", _default_lock(folder), folder=folder)
    run(*_pip(environment), "--no-deps", *wheels, folder=folder)


def _default_lock(folder: Path) -> Path:
    lock = folder / "default.lock"
    lock.write_text(up_to("default", LOCK.read_text()))
    return lock


def _pip(environment: Path) -> tuple[str | Path, ...]:
    return UV, "pip", "install", "--quiet", "--python", environment


def use(programs: Path, folder: Path) -> None:
    """Use the core alone: ingest a folder of pictures and a plain item file, and search. Raises NotPublishable."""
    draw_pictures(folder / "pictures")
    Image.new("RGB", (320, 320), "#b3262b").save(folder / "felt.png")
    item = {"id": "felt", "title": "Red felt", "images": ["felt.png"]}
    (folder / "items.jsonl").write_text(f"{json.dumps(item)}\n")

    swatchbook = partial(run, programs / "swatchbook", folder=folder, SWATCHBOOK_HOME=str(folder / "home"))
    version = swatchbook("--version").strip()
    require([] if version == f"swatchbook {PROJECT['version']}" else [f"--version prints {version!r}."])
    swatchbook("doctor")
    swatchbook("ingest", "pictures", "items.jsonl")
    for question, found in (("felt", "Red felt"), ("grey terrazzo", "grey terrazzo")):
        require([] if found in swatchbook("search", question, "--json") else [f"{question} does not find {found}."])
    declared = "from swatchbook.deployments.declared import flow_names; flow_names()"
    run(programs / "python", "-c", declared, folder=folder)


PAGE: Final = """
from fastapi.testclient import TestClient
from swatchbook.domain.settings import Settings
from swatchbook_service.app import create_app
print(TestClient(create_app(Settings()), base_url="http://127.0.0.1").get("/ui/static/page.js").status_code)
"""
"""Prints whether the service has the script of the web page."""


PROVIDER: Final = """
from swatchbook.domain.settings import Settings
from swatchbook.models.registry import load
print(load(Settings(llm={"url": "http://127.0.0.1:9/v1", "model": "a-model"})).llm.model)
"""
"""Prints the model of a provider, which the core finds in its package."""


def use_packages(programs: Path, folder: Path) -> None:
    """Use what each package adds, on what was ingested. Raises NotPublishable."""
    swatchbook = partial(run, programs / "swatchbook", folder=folder, SWATCHBOOK_HOME=str(folder / "home"))
    draw_catalogue(folder / "catalogue.pdf")
    swatchbook("ingest", "catalogue.pdf")
    require([] if "catalogue.pdf" in swatchbook("search", "oak floor", "--json") else ["The catalogue is not found."])
    library = "from swatchbook_catalogue import read_catalogue; print(len(read_catalogue('catalogue.pdf').pictures))"
    pictures = run(programs / "python", "-c", library, folder=folder)
    require([] if pictures == "1\n" else [f"read_catalogue finds {pictures} pictures."])
    shop = swatchbook("export", "--all", "--format", "jsonld", "--to", "products.jsonld", "--json")
    require([] if '"products": 5,' in shop else [f"export --format jsonld says {shop}."])
    (folder / "feed.csv").write_text("SKU;Bezeichnung;Preis;Bild\nA-1;Eiche;89,00 €;pictures/blue wool.jpg\n")
    plan = swatchbook("ingest", "--plan", "feed.csv", "--json")
    require([] if '"price": "89"' in plan else [f"ingest --plan says {plan}."])
    (folder / "table.csv").write_text("nr,state,file\n1,completed,felt.png\n")
    (folder / "table.yaml").write_text("root: .\ncolumns: {id: nr, status: state, file_path: file}\n")
    imported = swatchbook("import", "table.csv", "--config", "table.yaml", "--dry-run", "--json")
    require([] if '"taken": 1,' in imported else [f"import says {imported}."])
    backup = swatchbook("upkeep", "backup", "backup", "--json")
    require([] if '"documents": 3,' in backup else [f"upkeep backup says {backup}."])
    asked = run(programs / "python", "-c", PROVIDER, folder=folder)
    require([] if asked == "a-model\n" else [f"The model of a provider is {asked}."])
    swatchbook("mcp", "--help")
    events = swatchbook("upkeep", "events", "--json")
    require([] if events.strip() == "[]" else [f"upkeep events says {events}."])
    taught = swatchbook("teach", "catalogue.pdf", "--page", "1", "--name", "Nordvik Oak", "--accept", "--json")
    require([] if json.loads(taught)["reports"] else [f"teach says {taught}."])
    lacks = {each["name"]: each["lacks"] for each in json.loads(swatchbook("models", "--json"))}
    for name, extra in (("siglip", "models"), ("weaviate", "weaviate")):
        needs = f"needs the extra {extra}: pip install '{PROJECT['name']}[{extra}]'"
        require([] if lacks[name] == needs else [f"models says of {name}: {lacks[name]}."])
    swatchbook("inspect", "catalogue.pdf", "--page", "1", "--png", "page.png")
    shown = run(programs / "python", "-c", PAGE, folder=folder)
    require([] if shown == "200\n" else [f"The script of the web page is answered by {shown}."])
    clients = "from swatchbook_client import AsyncClient, Client"
    run(programs / "python", "-c", clients, folder=folder)
    notebook = "from swatchbook_notebook import Swatchbook; print(Swatchbook.open(home='home').count())"
    counted = run(programs / "python", "-c", notebook, folder=folder)
    require([] if counted == "6\n" else [f"A notebook counts {counted} pictures."])


def draw_pictures(folder: Path) -> None:
    """Draw four pictures of materials, named after them."""
    folder.mkdir()
    for number, (name, color) in enumerate(
        {"grey terrazzo": "#8d8f90", "blue wool": "#24427a", "green marble": "#2f5a45", "red brick": "#9a4a36"}.items()
    ):
        picture = Image.new("RGB", (480, 480), color)
        pen = ImageDraw.Draw(picture)
        for spot in range(60):
            left, top = spot * 97 % 440, spot * (31 + 10 * number) % 440
            pen.ellipse((left, top, left + 30, top + 20), fill=("white", "black", "#d8c9a8")[spot % 3])
        picture.save(folder / f"{name}.jpg")


def draw_catalogue(target: Path) -> None:
    """Write a catalogue of one page: a headline, a picture, a text and a price."""
    planks = Image.new("RGB", (900, 600), "#b98a55")
    pen = ImageDraw.Draw(planks)
    for row in range(0, 600, 75):
        pen.line((0, row, 900, row), fill="#6d4b29", width=4)
    photo = target.with_suffix(".png")
    planks.save(photo)
    with pymupdf.open() as document:
        page = document.new_page()
        page.insert_text((60, 80), "Nordvik Oak", fontsize=26)
        page.insert_image(pymupdf.Rect(60, 110, 460, 380), filename=photo)
        page.insert_text((60, 410), "Oak floor with long planks, oiled, for underfloor heating.", fontsize=11)
        page.insert_text((60, 430), "Size 2200 x 220 mm. Price 89.00 EUR", fontsize=11)
        document.save(target)


if __name__ == "__main__":
    sys.exit(main())
