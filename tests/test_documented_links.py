"""Every link from a page of the repository to a file or a section of one leads somewhere, and so does every page that
the code names.
"""

import re
import subprocess
from pathlib import Path

from devtools.size import shipped_modules
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
