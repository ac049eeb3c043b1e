"""`make demo` makes the whole sample searchable without a network; and what people ask of it comes first: a scored
table, so that every change of search shows what it cost.
"""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from samples.content import load_products
from samples.demo import serves
from samples.generate import BUILD, QUERY
from samples.layout import stuff
from samples.shots import Shot, develop, encode
from swatchbook.resources import open_resources
from swatchbook.search.search import search
from swatchbook.settings import Settings
from tests.command import bare_environment, finish
from tests.conftest import ROOT

pytestmark = pytest.mark.stack

_PAGE = (ROOT / "samples" / "README.md").read_text()
ONLY_LOOPBACK = ["unshare", *([] if os.geteuid() == 0 else ["--map-root-user"]), "--net", "sh", "-c"]


@pytest.fixture(scope="module")
def demo(catalogue: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """(home, what it printed) of the demo, run with only loopback up."""
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


def test_demo_serves_only_on_a_terminal(demo: tuple[Path, str]) -> None:
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


ASKED: Final = {
    "Terra Nova": (
        "Terra Nova", "full-body porcelain tile", "outdoor paving 20 mm thick", "river stone porcelain",
        "porcelain tile 60x120", "R10 slip rating", "33.1 kg",
    ),
    "Cimento": (
        "Cimento", "large-format concrete-look slab", "concrete look for walls", "frost resistant facade slab",
        "120 x 278 cm",
    ),
    "Medina": ("Medina", "hand-cut glazed tile", "glossy handmade wall tile for a bathroom", "tile 10x10"),
    "Palladio Terrazzo": (
        "Palladio Terrazzo", "cement-bound terrazzo", "terrazzo with marble chips", "slab 305 x 125 cm",
    ),
    "Carrara Luce": ("Carrara Luce", "natural marble", "polished white marble", "slip rating R9"),
    "Nordvik Oak": ("Nordvik Oak", "engineered oak floor", "herringbone wood floor", "oiled oak boards"),
    "Alentejo Cork": (
        "Alentejo Cork", "cork wall and floor covering", "warm quiet floor of cork", "rolls 100 x 800 cm",
    ),
    "Fjord Wool": ("Fjord Wool", "tufted wool carpet", "loop pile rug made to measure", "soft carpet"),
    "Solveig Linen": (
        "Solveig Linen", "upholstery and curtain fabric", "curtain fabric 142 cm wide", "washed linen",
    ),
    "Cordova Leather": ("Cordova Leather", "full-grain upholstery leather", "leather for sofas", "aniline hide"),
    "Lamina": ("Lamina", "brushed and hammered metal sheet", "hammered copper sheet", "brass surface for a bar front"),
}  # fmt: skip
"""By product of the sample: its name, what it is, and what its customers would write."""

MISSED: Final = {"slip rating R9"}
"""Asked for, and another product comes first: shorter is better, longer is a loss."""


def test_the_product_that_is_asked_for_comes_first(demo: tuple[Path, str]) -> None:
    home, _ = demo
    with open_resources(Settings(home=home)) as resources:
        missed = {}
        for product, questions in ASKED.items():
            for asked in questions:
                (first,) = search(resources, text=asked, by="product", k=1)
                if first.title != product:
                    missed[asked] = first.title
        assert missed.keys() == MISSED, missed
        pictures = {product: search(resources, text=product, k=1)[0].product for product in ASKED}
    assert {product: product for product in ASKED} == pictures


def test_the_swatch_that_a_picture_shows_comes_first(demo: tuple[Path, str], tmp_path: Path) -> None:
    """Another part of a colourway of each product, as close as no page shows it."""
    asked = {f"{QUERY.seed}": (QUERY, "Rialto")}
    for number, product in enumerate(load_products()):
        shot = Shot("close", (stuff(product, 1),), (640, 480), 31_000 + number)
        asked[product.name] = (shot, product.colourways[1].name)
    with open_resources(Settings(home=demo[0])) as resources:
        missed = {}
        for name, (shot, colourway) in asked.items():
            (file := tmp_path / f"{name}.jpg").write_bytes(encode(develop(shot), "jpeg").data)
            (first,) = search(resources, image=file, k=1)
            if colourway not in first.title:
                missed[name] = first.title
    assert missed == {}
