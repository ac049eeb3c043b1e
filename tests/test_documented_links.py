"""Every link from a page of the repository to a file or a section of one leads somewhere, and so does every page that
the code names. The tree of docs/development.md names every package, folder of swatchbook/ and module beside them.
"""

import re
import subprocess
from collections import Counter
from pathlib import Path

from devtools.size import PACKAGES, shipped_modules
from tests.fixtures import ROOT

PAGES = sorted(
    {
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "benchmarks").rglob("*.md"),
        ROOT / "tests/truth/README.md",
    }
)

MOST_LINES = 300
"""Of a page: what is longer is split."""

ROOMS = 12
TREE = (ROOT / "docs" / "development.md").read_text().partition("```\n")[2].partition("```")[0]


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_links_lead_somewhere() -> None:
    for page in PAGES:
        broken = []
        for link in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`]*`", "", page.read_text())):
            name, _, anchor = link.partition("#")
            if "://" in link or link.startswith("mailto:"):
                continue
            to = page.parent / name if name else page
            if not to.exists() or (anchor and to.suffix == ".md" and anchor not in anchors(to)):
                broken.append(link)
        assert broken == [], page


def test_pages_that_code_names_exist() -> None:
    files = [*shipped_modules(), *(file for folder in ("devtools", "tests") for file in (ROOT / folder).rglob("*.py"))]
    named = {name for file in files for name in re.findall(r"\bdocs/[\w/.-]+\.md\b", file.read_text())}
    assert {name for name in named if not (ROOT / name).is_file()} == set()


def test_modules_that_pages_name_exist() -> None:
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    files = [f"/{name}" for name in listed.split() if (ROOT / name).is_file()]
    for page in ("docs/glossary.md", "docs/architecture.md", "docs/development.md"):
        named = set(re.findall(r"`([\w/]+\.py)`", (ROOT / page).read_text()))
        assert named
        assert {name for name in named if not any(file.endswith(f"/{name}") for file in files)} == set()


def test_no_page_is_long() -> None:
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    pages = [ROOT / name for name in listed.split() if (ROOT / name).is_file()]
    assert len(pages) > 50
    assert {str(page) for page in pages if len(page.read_text().splitlines()) > MOST_LINES} == set()


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
