"""A small space is searched in memory, with the same results as by LanceDB itself."""

import math
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swatchbook.domain.errors import Configuration, Failure
from swatchbook.domain.records import Role
from swatchbook.index import lance
from swatchbook.index.contract import IndexObject, Match, Payload, Space, Where
from swatchbook.index.lance import LanceIndex
from tests.index.objects import made, number_id, unit_vectors

SPACE = Space(role=Role.VISUAL, tag="test@1/snapshot", dimension=8)
ASKED = unit_vectors(1, SPACE.dimension, 9)[0]

words = st.sampled_from(
    ["oak", "oaks", "wall", "tile", "60x120", "r9", "é", *("w" * n for n in range(37, 43)), "é" * 20]
)
texts = st.lists(words, max_size=8).map(" ".join)
wheres = st.sampled_from(
    [
        None,
        Where(owner="ann"),
        Where(owners=("ann", "bob"), editions="all"),
        Where(owner="bob", material=("oak",)),
        Where(owner="nobody"),
        Where(price_min=2, page=(1, 3)),
    ]
)


@st.composite
def collections(draw: st.DrawFn) -> list[IndexObject]:
    """Objects, of which some have equal vectors."""
    said = draw(st.lists(texts, min_size=1, max_size=12))
    vectors = unit_vectors(len(said), SPACE.dimension, draw(st.integers(0, 3)))
    return [
        IndexObject(
            number_id(number),
            vectors[number // 2] * np.float32(draw(st.sampled_from([0.01, 1, 300]))),
            Payload(
                owner=draw(st.sampled_from(["ann", "bob"])),
                kind="image",
                material=draw(st.sampled_from([(), ("oak",), ("steel", "oak")])),
                price=draw(st.sampled_from([None, 1.0, 3.0])),
                pages=draw(st.sampled_from([(), (1,), (2, 3)])),
                text=text,
                languages=("en",),
            ),
        )
        for number, text in enumerate(said)
    ]


@settings(max_examples=settings().max_examples // 2)
@given(objects=collections(), asked=texts, where=wheres, k=st.integers(1, 15))
def test_results_in_memory_are_those_of_lancedb(
    monkeypatch: pytest.MonkeyPatch, objects: list[IndexObject], asked: str, where: Where | None, k: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        index = LanceIndex(Path(folder))
        index.ensure(SPACE)
        index.upsert(SPACE, objects)
        index.compact()  # then LanceDB scores by the statistics of all rows, whatever the filters
        near, said = index.search(SPACE, ASKED, k, where), index.keyword(SPACE, asked, k, where)
        with monkeypatch.context() as patch:
            patch.setattr(lance, "FEW_ROWS", -1)
            index.close()
            _assert_alike(near, index.search(SPACE, ASKED, k, where), index.search(SPACE, ASKED, 99, where))
            _assert_alike(said, index.keyword(SPACE, asked, k, where), index.keyword(SPACE, asked, 99, where))


def test_a_larger_space_is_read_after_many_searches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lance, "FEW_ROWS", 2)
    monkeypatch.setattr(lance, "MOST_ROWS", 5)
    index = LanceIndex(tmp_path)
    index.ensure(SPACE)
    index.upsert(SPACE, made(4, text="oak"))
    before = index.search(SPACE, ASKED, 3)
    assert "_snapshot" not in vars(index._read[SPACE])
    for _ in range(lance.MANY_SEARCHES):
        _assert_alike(index.search(SPACE, ASKED, 3), before, index.search(SPACE, ASKED, 9))
    assert "_snapshot" in vars(index._read[SPACE])
    index.upsert(SPACE, made(6, text="oak"))
    for _ in range(2 * lance.MANY_SEARCHES):
        assert len(index.search(SPACE, ASKED, 9)) == 6
    assert "_snapshot" not in vars(index._read[SPACE])


def _assert_alike(found: list[Match], expected: list[Match], all_of_them: list[Match]) -> None:
    """The same measures in the same order, and each object with its own; of equal ones any may come first."""
    own = {each.id: each for each in all_of_them}
    assert [_measure(each) for each in found] == pytest.approx([_measure(each) for each in expected], abs=1e-5)
    assert [_measure(each) for each in found] == pytest.approx([_measure(own[each.id]) for each in found], abs=1e-5)
    assert len({each.id for each in found}) == len(found)


def _measure(match: Match) -> float:
    return match.score if match.distance is None else match.distance  # type: ignore[return-value]


def test_a_search_sees_what_another_process_changed(tmp_path: Path) -> None:
    reader, writer = LanceIndex(tmp_path), LanceIndex(tmp_path)
    writer.ensure(SPACE)
    ann = Where(owner="ann")
    assert reader.search(SPACE, ASKED, 9, ann) == []
    for count in (1, 2, 3):
        writer.upsert(SPACE, made(count, text="oak"))
        assert len(reader.search(SPACE, ASKED, 9, ann)) == len(reader.keyword(SPACE, "oak", 9, ann)) == count
    writer.upsert(SPACE, made(1, owner="bob"))
    assert len(reader.search(SPACE, ASKED, 9, ann)) == 2
    writer.delete(SPACE, [number_id(1)])
    assert [each.id for each in reader.search(SPACE, ASKED, 9, ann)] == [number_id(2)]
    writer.drop(SPACE)
    with pytest.raises(Configuration, match="has no space"):
        reader.search(SPACE, ASKED, 9)
    writer.ensure(SPACE)
    assert reader.search(SPACE, ASKED, 9) == []


def wait(reader: LanceIndex) -> None:
    for version in reader._read.values():
        version.checked = -math.inf


def test_with_lag_searches_see_only_own_writes(tmp_path: Path) -> None:
    reader, writer = LanceIndex(tmp_path, lag=3_600), LanceIndex(tmp_path)

    def found() -> int:
        near, said = reader.search(SPACE, ASKED, 9), reader.keyword(SPACE, "oak", 9)
        assert len(near) == len(said)
        return len(near)

    writer.ensure(SPACE)
    writer.upsert(SPACE, made(1, text="oak"))
    assert found() == 1
    writer.upsert(SPACE, made(2, text="oak"))
    assert (found(), reader.count(SPACE)) == (1, 2)
    reader.upsert(SPACE, made(3, text="oak"))
    assert found() == 3
    reader.delete(SPACE, [number_id(2)])
    assert found() == 2
    writer.upsert(SPACE, made(4, text="oak"))
    assert found() == 2
    wait(reader)
    assert found() == 4
    writer.drop(SPACE)
    wait(reader)
    with pytest.raises(Configuration, match="has no space"):
        found()


def test_a_version_whose_files_are_gone_fails_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lance, "FEW_ROWS", -1)
    reader, writer = LanceIndex(tmp_path, lag=3_600), LanceIndex(tmp_path)
    for count in (1, 2):
        writer.ensure(SPACE)
        writer.upsert(SPACE, made(count))
        if count == 2:
            with pytest.raises(Failure):
                reader.search(SPACE, ASKED, 9)
        assert len(reader.search(SPACE, ASKED, 9)) == count
        if count == 1:
            writer.drop(SPACE)


def test_no_search_waits_for_the_lag(tmp_path: Path) -> None:
    reader, writer = LanceIndex(tmp_path, lag=3_600), LanceIndex(tmp_path)
    writer.ensure(SPACE)
    writer.upsert(SPACE, made(1, text="oak"))
    assert len(reader.keyword(SPACE, "oak", 9)) == 1
    writer.upsert(SPACE, made(2, text="oak"))
    reader._read[SPACE].checked = time.monotonic() - 3_600 * 0.9
    assert len(reader.search(SPACE, ASKED, 9)) == 1
    for thread in threading.enumerate():
        if thread.name == "read index":
            thread.join(30)
    assert "_keywords" in vars(reader._read[SPACE]._snapshot)
    assert len(reader.search(SPACE, ASKED, 9)) == len(reader.keyword(SPACE, "oak", 9)) == 2


def test_equal_vectors_have_equal_distances(tmp_path: Path) -> None:
    index = LanceIndex(tmp_path)
    index.ensure(SPACE)
    objects = made(131)
    for each in objects:
        each.vector = objects[0].vector
    index.upsert(SPACE, objects)
    assert len({each.distance for each in index.search(SPACE, ASKED, 100)}) == 1
