"""The tree of docs/development.md names every package, every folder of swatchbook/ and every module beside them."""

import re
from collections import Counter

from devtools.size import PACKAGES
from tests.fixtures import ROOT

ROOMS = 12

TREE = (ROOT / "docs" / "development.md").read_text().partition("```\n")[2].partition("```")[0]


def test_tree_names_every_package_room_and_module() -> None:
    named = set(re.findall(r"^(\w+)/|; (\w+)/ ", TREE, re.MULTILINE))
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert packages - {name for pair in named for name in pair} == set()
    core = re.split(r"^(?=blocks/)", TREE, flags=re.MULTILINE)[0]
    folders = {path.parent.name for path in (ROOT / "swatchbook").glob("*/__init__.py")} - {*PACKAGES}
    assert set(re.findall(r"^  (\w+)/", core, re.MULTILINE)) == folders
    assert len(folders | {*PACKAGES} - {"swatchbook"}) <= ROOMS
    head = core.partition("  domain/")[0]
    modules = {path.stem for path in (ROOT / "swatchbook").glob("[!_]*.py")}
    assert {module for module in modules if not re.search(rf"\b{module}\b", head)} == set()


def test_file_name_of_the_domain_occurs_once() -> None:
    paths = (path for path in (ROOT / "swatchbook").rglob("[!_]*.py") if not {"versions", "doors"} & {*path.parts})
    names = Counter(path.name for path in paths)
    assert [name for name, count in names.items() if count > 1] == []
