import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from swatchbook.models import bert_encoder
from swatchbook.models.bert import Bert
from swatchbook.models.bert_encoder import DIMENSION
from swatchbook.models.minilm import TAG, MiniLM

TEXTS = [
    "Material: porcelain tile. Colors: white, grey. Texture: matte. Dimensions: 60x120 cm.",
    "",
    "Bouclé armchair with oak legs; 78 × 82 × 74 cm",
    "oak floor " * 400,
    "Ü" * 300,
    "木の床",
]


@pytest.fixture(scope="module")
def model() -> MiniLM:
    return MiniLM()


@pytest.fixture(autouse=True)
def encoded_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the vectors that conftest.py keeps."""
    monkeypatch.setattr(Bert, "encode", vars(Bert.encode)["__wrapped__"])


def test_vectors_are_those_of_sentence_transformers(model: MiniLM) -> None:
    """Stored as float16: what its version 6.2 makes of TEXTS with these weights, normalised."""
    theirs = np.load(Path(__file__).with_name("minilm.npy")).astype(np.float32)
    assert ((model.embed(TEXTS) * theirs).sum(axis=1) > 0.9999).all()


def test_query_alone_has_the_vector_of_a_document_with_its_words(model: MiniLM) -> None:
    assert model.embed(TEXTS, "query") == pytest.approx(model.embed(TEXTS), abs=1e-5)
    assert model.embed([], "query").shape == (0, DIMENSION)


def test_query_has_the_same_vector_whatever_is_encoded_beside_it(model: MiniLM) -> None:
    """Bit by bit on processors whose BLAS computes each row alike; no further apart than float32 rounds on others."""
    model._known.clear()
    alone = np.concatenate([model.embed([text], "query") for text in TEXTS])
    for order in (TEXTS, TEXTS[::-1], TEXTS[2:]):
        model._known.clear()
        beside = model.embed(order, "query")
        for text, vector in zip(order, beside, strict=True):
            assert vector == pytest.approx(alone[TEXTS.index(text)], abs=1e-6)


def test_a_query_that_is_asked_again_is_not_encoded_again(model: MiniLM, monkeypatch: pytest.MonkeyPatch) -> None:
    model._known.clear()
    first = model.embed(["oak", "elm", "oak"], "query")
    assert (first[0] == first[2]).all()
    monkeypatch.setattr(bert_encoder, "QUERIES", 2)
    with monkeypatch.context() as patch:
        patch.setattr(Bert, "encode", None)
        assert (model.embed(["elm", "oak"], "query") == first[[1, 0]]).all()
    model.embed(["ash"], "query")
    assert list(model._known) == ["ash"]  # too many: the others are forgotten
    assert model.embed(["oak"], "query")[0] == pytest.approx(first[0], abs=1e-6)


def test_texts_are_encoded_without_torch() -> None:
    code = (
        "import sys\n"
        "from swatchbook.models.minilm import MiniLM\n"
        "assert MiniLM().embed(['oak floor']).shape == (1, 384)\n"
        "assert not {'torch', 'scipy', 'transformers'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_vectors_have_unit_length_and_the_dimension_promised(model: MiniLM) -> None:
    vectors = model.embed(TEXTS)
    assert vectors.shape == (len(TEXTS), DIMENSION)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    assert model.embed([]).shape == (0, DIMENSION)


def test_order_is_kept_over_batches_of_all_lengths(model: MiniLM) -> None:
    texts = [f"tile number {n} " + "and more " * (n * 7 % 40) for n in range(70)]
    together = model.embed(texts)
    for n in (0, 13, 33, 69):
        assert together[n] @ model.embed([texts[n]])[0] > 0.99999


def test_meaning_orders_texts(model: MiniLM) -> None:
    texts = ["wooden floor boards made of oak", "parquet", "a stainless steel kitchen tap", "annual report on taxes"]
    query = model.embed(["timber flooring"], "query")[0]
    likeness = model.embed(texts) @ query
    assert likeness.argsort()[::-1].tolist()[:2] == [0, 1]
    assert likeness[0] > likeness[2] + 0.2
    assert likeness[3] == likeness.min()


def test_threads_may_share_it(model: MiniLM) -> None:
    expected = [model.embed([text])[0] for text in TEXTS]
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda text: model.embed([text])[0], TEXTS * 3))
    for n, vector in enumerate(found):
        assert vector @ expected[n % len(TEXTS)] > 0.99999


def test_loading_is_silent_offline_and_within_memory() -> None:
    """In a network namespace of nothing: every socket call fails."""
    code = (
        "import socket, psutil\n"
        "def refuse(*a, **k): raise OSError('no network')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "from swatchbook.models.minilm import MiniLM\n"
        "MiniLM().embed(['oak'] * 20)\n"
        "import sys; assert 'sentence_transformers' not in sys.modules\n"
        "print(psutil.Process().memory_info().rss >> 20)"
    )
    told = subprocess.run([sys.executable, "-c", code], env={**os.environ}, capture_output=True, text=True, check=True)
    assert told.stderr == ""
    assert int(told.stdout) < 1000


def test_tag_names_package_and_recipe() -> None:
    assert TAG == "all-minilm-l6-v2@0.1.0/mean-256"
