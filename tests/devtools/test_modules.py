"""docs/modules.md names every module with the rules that it holds."""

import re

import pytest

from devtools.modules import PACKAGES, ROOT, TARGET, page, summary


def test_page_is_up_to_date() -> None:
    assert TARGET.read_text() == page(), "run `make modules`"


def test_every_module_says_what_it_holds() -> None:
    modules = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py") if "versions" not in path.parts]
    assert [str(path) for path in modules if path.name != "__init__.py" and not summary(path)] == []


@pytest.mark.parametrize("page_name", ["modules.md", "glossary.md"])
def test_every_file_that_is_named_exists(page_name: str) -> None:
    folders = (*PACKAGES, "devtools")
    files = [f"/{path.relative_to(ROOT).as_posix()}" for folder in folders for path in (ROOT / folder).rglob("*.py")]
    named = set(re.findall(r"`([\w/]+\.py)`", (TARGET.parent / page_name).read_text()))
    assert named
    assert {name for name in named if not any(file.endswith(f"/{name}") for file in files)} == set()
