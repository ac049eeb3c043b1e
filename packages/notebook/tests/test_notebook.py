"""docs/notebook.ipynb runs, in a kernel and a folder of its own, and gives what is stored in it."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

import nbformat
import pytest

from devtools.notebook import NOTEBOOK, execute
from swatchbook_notebook import Swatchbook

pytestmark = pytest.mark.stack

_MOST_BYTES = 300_000
_PICTURE = re.compile(r'src="data:image/jpeg;base64,')


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("notebook")


@pytest.fixture(scope="module")
def executed(folder: Path) -> Any:
    return execute(folder)


def outputs(notebook: Any) -> list[tuple[str, Counter[str]]]:
    """What each cell gives: the kinds of data, and how many pictures."""
    given = []
    for cell in notebook.cells:
        found = Counter[str]()
        for output in cell.get("outputs", ()):
            for kind, data in output.get("data", {}).items():
                found[kind] += 1
                found["pictures"] += len(_PICTURE.findall(str(data)))
        given.append((cell.source, found))
    return given


def test_it_gives_what_is_stored(executed: Any) -> None:
    stored = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(stored)
    assert outputs(executed) == outputs(stored), "run `make notebook`"


def test_stored_pictures_show_and_are_small() -> None:
    shown = [found["pictures"] for _, found in outputs(nbformat.read(NOTEBOOK, as_version=4))]
    assert [count for count in shown if count] == [4, 3, 3]
    text = NOTEBOOK.read_text()
    assert len(text) < _MOST_BYTES
    assert "<script" not in text
    assert not re.search(r"/(home|tmp|work|Users|root)/", text), "a path of the machine that ran it"


@pytest.mark.usefixtures("executed")
def test_items_added_by_the_notebook_are_found_afterwards(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    with Swatchbook.open(home="collection") as book:
        assert book.count() == book.stats().account.complete == 12
        assert book.search("blue striped linen", by="product", k=1)[0].title == "Blue striped linen"
    assert len(list((folder / "shop" / "pictures").iterdir())) == 12
