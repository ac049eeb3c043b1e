"""The documentation as a site: every page is in a menu, links lead somewhere, and nothing comes from other hosts."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from devtools.site_pages import for_site
from tests.fixtures import ROOT

LOADING = {
    ("audio", "src"), ("embed", "src"), ("form", "action"), ("iframe", "src"), ("img", "src"), ("img", "srcset"),
    ("input", "src"), ("link", "href"), ("object", "data"), ("script", "src"), ("source", "src"), ("source", "srcset"),
    ("track", "src"), ("use", "href"), ("video", "poster"), ("video", "src"),
}  # fmt: skip
"""Elements and attributes that name what a browser loads with a page. Those of links are not among them."""


class Loads(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.classes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value or "" for name, value in attrs if (tag, name) in LOADING]
        self.classes |= {each for name, value in attrs if name == "class" for each in (value or "").split()}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(folder)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=os.environ | {"NO_COLOR": "1"})
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


def test_pages_load_nothing_from_other_hosts(site: Path) -> None:
    pages = [*site.rglob("*.html")]
    assert len(pages) > 60
    for page in pages:
        loads = Loads()
        loads.feed(page.read_text())
        assert [each for each in loads.addresses if re.match(r"(\w+:)?//", each) and not each.startswith("data:")] == []
        assert "mermaid" not in loads.classes, "the theme would load its script from unpkg.com"
    styles = "".join(file.read_text() for file in site.rglob("*.css"))
    assert re.findall(r"""(?:url\(|@import )\s*["']?(?:https?:)?//[^)"']*""", styles) == []
    assert (site / "llms.txt").read_text() == (ROOT / "llms.txt").read_text()
    left = {
        (str(page.relative_to(site)), found)
        for page in site.rglob("*.html")
        for found in re.findall(r'href="([^"#:]*\.(?:md|py|toml|json))"', page.read_text())
    }
    assert left == set()


def test_links_are_changed_to_those_of_the_site() -> None:
    text = (
        "[docs/install.md](docs/install.md#extras) ![x](docs/images/ingest.png) [the code](swatchbook/domain/errors.py)"
    )
    assert for_site(text, "index.md") == "[Installation](install.md#extras) ![x](images/ingest.png) the code"
    assert for_site("[a](../../README.md)", "tutorials/items.md") == "[a](../index.md)"
    assert for_site("`[a](b.md)` [c](https://d.example)", "install.md") == "`[a](b.md)` [c](https://d.example)"
    assert for_site("| `a\\|b` |", "install.md") == "| `a|b` |"
