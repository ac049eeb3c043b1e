"""LanceDB in a bucket: many writers, killed writers, and what is half made or half dropped."""

import multiprocessing
import signal
import time
from collections.abc import Iterator
from contextlib import closing, nullcontext
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from swatchbook.domain.errors import Authentication, Configuration, IndexDown
from swatchbook.domain.records import Role
from swatchbook.index.contract import Index, Space
from swatchbook.index.lance import FLAT_ROWS, LanceIndex
from swatchbook.index.lance_bucket import LanceBucket, lock_of_ledger
from tests.fixtures import free_port
from tests.index.objects import made, number_id, unit_vectors
from tests.index.writers import at_url, build_until_killed, own_ids, write_until_killed
from tests.postgres import POSTGRESQL, RunningPostgres
from tests.s3_server import SECRET, Bucket

SPACE = Space(role=Role.COLOR, tag="colours@1/plain", dimension=8)
WRITERS, KILLED, BATCHES = 8, 4, 5
"""The first are killed, after one batch more than the one before; the others write so many batches."""


ENDLESS = 1_000


@pytest.fixture
def url(minio_bucket: Bucket) -> str:
    return f"{minio_bucket.url}/shop/index"


@pytest.fixture
def index(url: str, tmp_path: Path) -> Iterator[Index]:
    made_index = at_url(url, tmp_path)
    made_index.ensure(SPACE)
    yield made_index
    made_index.close()


def unlocked(url: str) -> LanceIndex:
    """An index whose writers take no turns: what LanceDB's commits do by themselves."""
    return LanceIndex(LanceBucket(url, lambda name: nullcontext()))


@pytest.mark.parametrize("ledger", ["sqlite", POSTGRESQL])
def test_killed_writers_lose_and_double_nothing(
    index: Index, url: str, tmp_path: Path, ledger: str, request: pytest.FixtureRequest
) -> None:
    server: RunningPostgres | None = request.getfixturevalue("postgres") if ledger == "postgresql" else None
    place = (url, tmp_path, server.url if server else None)
    writers = start_writers(place)
    for number, writer in enumerate(writers[:KILLED]):
        while len(acknowledged(tmp_path).get(number, ())) <= number:
            assert writer.is_alive()
            time.sleep(0.01)
        writer.kill()
    for writer in writers:
        writer.join(300)
    assert [writer.exitcode for writer in writers] == [-signal.SIGKILL] * KILLED + [0] * (WRITERS - KILLED)
    check(index, acknowledged(tmp_path))
    after = at_url(*place)
    assert after.upsert(SPACE, made(3)) == {}  # the lock of the killed is free
    after.close()


def start_writers(place: tuple[str, Path, str | None]) -> list[BaseProcess]:
    spawn = multiprocessing.get_context("spawn")
    writers: list[BaseProcess] = [
        spawn.Process(target=write_until_killed, args=(SPACE, number, place, ENDLESS if number < KILLED else BATCHES))
        for number in range(WRITERS)
    ]
    for writer in writers:
        writer.start()
    return writers


def acknowledged(home: Path) -> dict[int, set[int]]:
    """Number of a writer -> its batches that the index had taken when it was killed."""
    return {
        int(file.name.rpartition("-")[2]): {int(line) for line in file.read_text().splitlines()}
        for file in home.glob("acknowledged-*")
    }


def check(index: Index, batches: dict[int, set[int]]) -> None:
    found = list(index.ids(SPACE))
    assert len(found) == len(set(found)), "an object is there twice"
    of_batch = {(n, batch): set(own_ids(n, batch)) for n in range(WRITERS) for batch in range(ENDLESS)}
    lost = [(n, batch) for n, taken in batches.items() for batch in taken if not of_batch[n, batch] <= set(found)]
    assert not lost, "what was acknowledged is lost"
    torn = [part for part, ids in of_batch.items() if len(ids & set(found)) not in (0, 10)]
    assert not torn, "a batch is there in part"
    shared = [number_id(i) for i in range(10)]
    assert set(shared) <= set(found)
    texts = {each.payload.text for each in index.fetch(SPACE, shared).values()}
    assert len(texts) == 1, f"the shared objects are of several batches: {texts}"


def test_writers_at_once_leave_each_object_once(index: Index, url: str) -> None:
    one, other = unlocked(url), unlocked(url)
    assert one.count(SPACE) == other.count(SPACE) == 0  # both have the same version open
    one.upsert(SPACE, made(5, text="one"))
    other.upsert(SPACE, made(5, text="other"))
    assert sorted(index.ids(SPACE)) == [number_id(i) for i in range(5)]
    assert {each.payload.text for each in index.fetch(SPACE, [number_id(0)]).values()} == {"other"}


@pytest.mark.gate
def test_dropped_and_made_again_is_seen_by_all(index: Index, url: str, tmp_path: Path) -> None:
    other = at_url(url, tmp_path)
    index.upsert(SPACE, made(3))
    assert other.count(SPACE) == 3
    index.drop(SPACE)
    index.ensure(SPACE)
    index.upsert(SPACE, made(2))  # as many versions as before
    assert other.count(SPACE) == 2
    assert len(other.search(SPACE, unit_vectors(1, 8)[0], 10)) == 2
    other.close()


@pytest.mark.gate
def test_what_killed_makers_and_droppers_left_is_collected(index: Index, url: str, minio_bucket: Bucket) -> None:
    index.upsert(SPACE, made(3))
    database = unlocked(url)._database
    database.create_table(f"{SPACE.name}--0half0made", schema=database.open_table("catalogue").schema)
    assert list(index.spaces()) == [SPACE.name]
    index.compact(at_once=True)
    assert not any("0half0made" in name for name in minio_bucket.names())
    assert index.count(SPACE) == 3


def test_writer_that_waits_too_long_says_so(url: str, index: Index, tmp_path: Path, postgres: RunningPostgres) -> None:
    for ledger in (f"sqlite:///{tmp_path / 'ledger.sqlite'}", postgres.url):
        lock = lock_of_ledger(ledger, tmp_path, 0.2)
        late = LanceIndex(LanceBucket(url, lock))
        with lock_of_ledger(ledger, tmp_path, 0.2)(SPACE.name), pytest.raises(IndexDown, match="Another process"):
            late.upsert(SPACE, made(1))
        assert late.upsert(SPACE, made(1)) == {}


def test_unusable_store_is_named_without_secrets(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Configuration, match="bucket of the index at s3://no-such-bucket-here/index does not exist"):
        at_url("s3://no-such-bucket-here/index", tmp_path).ensure(SPACE)
    with monkeypatch.context() as wrong:
        wrong.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
        with pytest.raises(Authentication, match="refuses the credentials"):
            at_url(url, tmp_path).probe()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(IndexDown) as down:
        at_url(url, tmp_path).probe()
    assert SECRET not in str(down.value)


@pytest.fixture
def large(index: Index) -> Index:
    index.upsert(SPACE, made(FLAT_ROWS + 500))
    return index


def has_vector_index(url: str) -> bool:
    reader = unlocked(url)
    with closing(reader):
        table = reader._database.open_table(reader._place.tables(reader._database)[SPACE.name])
        return any("vector" in each.columns for each in table.list_indices())


def test_killed_builds_leave_the_table_as_it_was(large: Index, url: str, tmp_path: Path) -> None:
    begun, objects, seconds, kills = tmp_path / "begun", made(20), 0.0, 0
    while not has_vector_index(url):  # killed later and later, until one has come to its end
        process = multiprocessing.get_context("spawn").Process(target=build_until_killed, args=(url, tmp_path))
        process.start()
        while process.is_alive() and not begun.exists():
            time.sleep(0.001)
        process.join(seconds)
        process.kill()
        process.join()
        begun.unlink()
        kills, seconds = kills + 1, 2 * seconds or 0.01
        assert large.search(SPACE, objects[kills].vector, 1)[0].id == objects[kills].id
        assert large.upsert(SPACE, objects[:5]) == {}
        assert large.count(SPACE) == FLAT_ROWS + 500
    assert kills > 1
    assert isinstance(large, LanceIndex)
    large.compact(at_once=True)
    assert [large.search(SPACE, each.vector, 1)[0].id for each in objects] == [each.id for each in objects]
    assert sorted(large.ids(SPACE)) == [number_id(i) for i in range(FLAT_ROWS + 500)]
