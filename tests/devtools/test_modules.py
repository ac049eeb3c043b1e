"""docs/modules.md and docs/modules/ name every module with the rules that it holds."""

import re
from collections.abc import Iterator
from pathlib import Path

from devtools.generated_pages import DOCS, ROOT, stored
from devtools.modules import FOLDER, PACKAGES, pages, summary


def test_pages_are_up_to_date() -> None:
    assert stored(pages(), FOLDER) == pages(), "run `make reference`"


def test_every_module_says_what_it_holds() -> None:
    assert [str(path) for path in _modules() if not summary(path)] == []


def test_every_module_has_a_line() -> None:
    listed = re.findall(r"^- `(\w+\.py)`", "".join(pages().values()), re.MULTILINE)
    assert len(listed) == sum(
        1 for _ in (*_modules(), *(ROOT / "swatchbook/ledger/migrations").glob("versions/[!_]*.py"))
    )


def test_every_file_that_is_named_exists() -> None:
    folders = (*PACKAGES, "devtools")
    files = [f"/{path.relative_to(ROOT).as_posix()}" for folder in folders for path in (ROOT / folder).rglob("*.py")]
    text = "".join((*pages().values(), (DOCS / "glossary.md").read_text()))
    named = set(re.findall(r"`([\w/]+\.py)`", text))
    assert named
    assert {name for name in named if not any(file.endswith(f"/{name}") for file in files)} == set()


def _modules() -> Iterator[Path]:
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            if path.name != "__init__.py" and "versions" not in path.parts:
                yield path
