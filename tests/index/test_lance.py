"""What is LanceDB's own: its lock, its vector index, its tidiness, and the disk under it."""

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from filelock import FileLock

from swatchbook.domain.errors import Configuration, DiskFull, IndexDamaged, IndexDown, Policy
from swatchbook.domain.records import Role
from swatchbook.index import lance
from swatchbook.index.contract import Payload, Space, Where
from swatchbook.index.lance import FLAT_ROWS, LanceIndex
from swatchbook.index.slim_lancedb import IvfSq, lancedb
from tests.index.objects import made, number_id

SPACE = Space(role=Role.COLOR, tag="colours@1/plain", dimension=8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "index"


@pytest.fixture
def index(folder: Path) -> LanceIndex:
    made_index = LanceIndex(folder, lock_seconds=0.2)
    made_index.ensure(SPACE)
    return made_index


@pytest.mark.nightly  # the client that LanceDB generates takes 4 s to load
def test_import_loads_little() -> None:
    code = """
import sys
import swatchbook.index.lance
loaded = lambda: [name for name in sys.modules if name.startswith("lance_namespace_urllib3_client")]
assert not loaded(), loaded()
import lance_namespace_urllib3_client
assert lance_namespace_urllib3_client.ApiClient.__name__ == "ApiClient"
assert [name for name in loaded() if name.startswith("lance_namespace_urllib3_client.api")]
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_writer_waits_for_the_lock(index: LanceIndex, folder: Path) -> None:
    with FileLock(folder / f"{SPACE.name}.lock"):
        for write in (lambda: index.upsert(SPACE, made(1)), lambda: index.drop(SPACE)):
            with pytest.raises(IndexDown, match=r"writing to the index for 0\.2 s"):
                write()
        assert index.count(SPACE) == 0  # readers do not wait
        index.ensure(SPACE)
    assert index.upsert(SPACE, made(1)) == {}
    assert pa.default_memory_pool().backend_name == "system"  # its own pool grew by 6 MB with each document


@pytest.mark.filterwarnings("error")
def test_compacting_at_once_leaves_no_old_versions(index: LanceIndex, folder: Path) -> None:
    for count in range(1, 6):
        index.upsert(SPACE, made(count))
    index.compact(at_once=True)
    assert len(lancedb.connect(folder).open_table(SPACE.name).list_versions()) <= 2
    assert index.count(SPACE) == 5


def test_vector_index_of_a_large_table_finds_alike(index: LanceIndex, folder: Path) -> None:
    objects = made(FLAT_ROWS + 500)
    for each in objects[:40]:
        each.payload = Payload(owner="bob", kind="image")
    index.upsert(SPACE, objects[:FLAT_ROWS])
    assert index.build_due() == 0, "it is small"
    index.upsert(SPACE, objects[FLAT_ROWS:])
    assert not has_vector_index(folder), "nobody who writes waits for it"
    assert index.build_due() == 1
    assert index.build_due() == 0
    assert has_vector_index(folder)
    late = made(3, seed=5)
    for each, row in zip(late, range(3), strict=True):
        each.id = number_id(50_000 + row)
    index.upsert(SPACE, late)
    matrix = np.stack([each.vector for each in objects])
    for query in [each.vector for each in made(5, seed=9)]:
        nearest = [number_id(i) for i in np.argsort(-(matrix @ query))[:10]]
        found = [match.id for match in index.search(SPACE, query, 13) if int(match.id[-12:], 16) < 50_000]
        assert len({*found[:10]} & {*nearest}) >= 9
        own = index.search(SPACE, query, 40, Where(owner="bob"))
        assert {match.id for match in own} == {number_id(i) for i in range(40)}
    assert index.search(SPACE, late[1].vector, 1)[0].id == late[1].id  # written behind the index


def has_vector_index(folder: Path) -> bool:
    table = lancedb.connect(folder).open_table(SPACE.name)
    return any("vector" in each.columns for each in table.list_indices())


def test_others_work_while_the_vector_index_is_built(index: LanceIndex, folder: Path) -> None:
    objects = made(FLAT_ROWS + 500)
    index.upsert(SPACE, objects)
    builder, writes = LanceIndex(folder), 0
    with ThreadPoolExecutor(1) as pool:
        building = pool.submit(builder.build_due)
        while not building.done() or not writes:
            changed = made(2, text=f"changed {writes}")
            assert index.upsert(SPACE, changed) == {}
            assert index.search(SPACE, changed[1].vector, 1)[0].id == changed[1].id
            writes += 1
    assert building.result() == 1
    assert index.count(SPACE) == len(objects) == len(set(index.ids(SPACE)))
    assert index.fetch(SPACE, [number_id(1)])[number_id(1)].payload.text == f"changed {writes - 1}"
    assert index.search(SPACE, objects[-1].vector, 1)[0].id == objects[-1].id


def test_of_several_builds_one_is_kept(index: LanceIndex, folder: Path) -> None:
    """Each makes the others' work void; nothing is lost, and nobody gets an error."""
    objects = made(FLAT_ROWS + 500)
    index.upsert(SPACE, objects)
    others = LanceIndex(folder), LanceIndex(folder)
    with ThreadPoolExecutor(3) as pool:
        works = [pool.submit(work) for work in (others[0].build_due, index.compact, others[1].compact)]
    assert [work.exception() for work in works] == [None] * 3
    index.build_due()
    assert has_vector_index(folder)
    assert sorted(index.ids(SPACE)) == [each.id for each in objects]


def test_growing_table_is_compacted_ever_less_often(index: LanceIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    every, compacted, fragments, optimize = 16, list[int](), list[int](), lance._optimize

    def counted(table: Any, keep: timedelta) -> None:
        compacted.append(table.count_rows())
        optimize(table, keep)

    monkeypatch.setattr(lance, "_optimize", counted)
    monkeypatch.setattr(lance, "COMPACT_EVERY", every)
    monkeypatch.setattr(lance, "ROWS_A_FRAGMENT", 2)
    objects = made(4 * every)
    for count, each in enumerate(objects, 1):
        index.upsert(SPACE, [each])
        if count % every == 0:
            fragments.append(index._table(SPACE).stats()["fragment_stats"]["num_fragments"])
    assert compacted == pytest.approx([every, 2 * every, 4 * every], rel=0.2)
    assert max(fragments) <= 4 * every
    assert index.count(SPACE) == len(objects)
    assert index.search(SPACE, objects[0].vector, 1)[0].id == objects[0].id


def test_full_disk_blocks_until_there_is_room(small_disk: Path) -> None:
    index = LanceIndex(small_disk / "index")
    index.ensure(SPACE)
    index.upsert(SPACE, made(10))
    ballast = small_disk / "ballast"
    fill = (index.upsert(SPACE, made(2_000, seed=seed)) for seed in range(200))
    with pytest.raises(DiskFull):
        list(fill)
    kept = index.count(SPACE)
    subprocess.run(["dd", "if=/dev/zero", f"of={ballast}", "bs=4k"], capture_output=True, check=False)
    with pytest.raises(DiskFull):
        index.probe()
    assert index.count(SPACE) == kept
    ballast.unlink()
    subprocess.run(["mount", "-o", "remount,size=30m", small_disk], check=True)
    index.probe()
    assert index.upsert(SPACE, made(2_000)) == {}
    assert index.count(SPACE) == 2_000


def test_a_disk_for_reading_only_still_answers(small_disk: Path) -> None:
    index = LanceIndex(small_disk / "index")
    index.ensure(SPACE)
    index.upsert(SPACE, made(10))
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    assert index.count(SPACE) == 10
    for write in (lambda: index.upsert(SPACE, made(1)), index.probe):
        with pytest.raises(DiskFull):
            write()


def test_a_wiped_folder_is_filled_again(index: LanceIndex, folder: Path) -> None:
    index.upsert(SPACE, made(3))
    shutil.rmtree(folder)
    with pytest.raises(Configuration, match="rebuild-index"):
        index.count(SPACE)
    index.probe()
    index.ensure(SPACE)
    assert index.upsert(SPACE, made(4)) == {}
    assert index.count(SPACE) == 4


def test_next_drop_finishes_a_killed_one(index: LanceIndex, folder: Path) -> None:
    index.upsert(SPACE, made(3))
    (folder / f"{SPACE.name}.lance").rename(folder / f"{SPACE.name}.dropped")
    index.drop(SPACE)
    assert not [left for left in folder.iterdir() if left.name.startswith(SPACE.name)]


def test_a_half_made_table_is_not_there_yet(folder: Path) -> None:
    index = LanceIndex(folder)
    assert not folder.exists()
    (folder / f"{SPACE.name}.lance" / "_versions").mkdir(parents=True)
    (folder / f"{SPACE.name}.lance" / "_versions" / ".tmp_1.manifest_7").write_bytes(b"half of it")
    assert index.spaces() == []
    index.compact(at_once=True)
    assert index.build_due() == 0
    with pytest.raises(Configuration, match="has no space"):
        index.count(SPACE)
    index.ensure(SPACE)  # as after a kill of its maker
    index.upsert(SPACE, made(2))
    assert index.count(SPACE) == 2


@pytest.fixture(scope="module")
def every_kind(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose table has every kind of file: rows, deletions, both indexes, several versions."""
    folder = tmp_path_factory.mktemp("every kind") / "index"
    index = LanceIndex(folder)
    index.ensure(SPACE)
    index.upsert(SPACE, made(300, text="oak floor"))
    index._database.open_table(SPACE.name).create_index("vector", config=IvfSq(distance_type="cosine"))
    index.compact(at_once=True)
    index.upsert(SPACE, made(20, seed=3))
    index.delete(SPACE, [number_id(200)])
    index.close()
    return folder


@pytest.mark.parametrize("damage", ["cut", pytest.param("zeros", marks=pytest.mark.nightly)])
@pytest.mark.parametrize(
    "file",
    [
        "_versions/*.manifest",  # the first by name is the newest
        "data/*.lance", "_deletions/*-6-*.arrow", "_indices/*/part_*_docs.lance", "_indices/*/part_*_invert.lance",
        "_indices/*/part_*_tokens.lance", "_indices/*/index.idx", "_indices/*/auxiliary.idx",
    ],
)  # fmt: skip
def test_a_damaged_file_is_told_as_damage(every_kind: Path, folder: Path, file: str, damage: str) -> None:
    shutil.copytree(every_kind, folder)
    path = min((folder / f"{SPACE.name}.lance").glob(file))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if damage == "cut" else bytes(len(whole)))
    index = LanceIndex(folder)
    with pytest.raises(IndexDamaged, match="swatchbook upkeep rebuild-index") as told:
        index.check(SPACE)
    assert told.value.policy is Policy.BLOCKED
    index.drop(SPACE)
    index.ensure(SPACE)
    index.upsert(SPACE, made(3))
    index.check(SPACE)


def test_table_of_an_earlier_version_is_named(tmp_path: Path) -> None:
    index, space = LanceIndex(tmp_path), Space(role=Role.VISUAL, tag="eye@1/a", dimension=8)
    index.ensure(space)
    lancedb.connect(tmp_path).open_table(space.name).drop_columns(["material_words"])
    with pytest.raises(Configuration, match="material_words is missing") as told:
        index.search(space, np.ones(8, np.float32), 5, Where(material=("oak",)))
    assert "rebuild-index" in (told.value.advice or "")
