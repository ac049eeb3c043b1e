"""Both indexes at a size: two roles of 768 numbers, generated vectors, published as ingests publish them.

`python -m benchmarks.scale lance|weaviate [IMAGES …]` measures after each of these sizes how long a search takes in the
index alone, how many of the ten nearest it finds, also under a filter that keeps one image in a hundred, and what
memory and disk it needs; then how fast it publishes beside the bare client. The figures go to benchmarks/scale.json,
from which docs/scale.md is computed.

The vectors are like those of an encoder: they lie in 400 groups of unequal size and in few of their dimensions; 300
images are equal, as a logo is on many pages.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
import psutil
import pyarrow as pa
from numpy.typing import NDArray
from weaviate.classes.data import DataObject

from devtools.weaviate import free_ports, start
from swatchbook.domain.records import Role
from swatchbook.index.contract import Index, IndexObject, Payload, Space, Where
from swatchbook.index.lance import LanceIndex
from swatchbook.index.lance_table import as_table, table_schema
from swatchbook.index.slim_lancedb import lancedb
from swatchbook.ingest.publish import ROWS
from swatchbook_weaviate.index import WeaviateIndex, _properties

SIZES = (25_000, 50_000, 100_000)
DIMENSION = 768
SPACES = tuple(Space(role=role, tag="bench@1/a", dimension=DIMENSION) for role in (Role.VISUAL, Role.UNDERSTANDING))
QUERIES, FLAT_QUERIES = 100, 20
NEAREST, CANDIDATES = 10, 100
ASKED_ROUNDS = 3  # of which the best counts: other work on the machine is not the index's
RARE = 100  # one image in so many has the category that the filter asks for
QUIET_SECONDS = 120  # after which it is asked even so
EQUAL = 300
COMPARED = 6_000  # images that ours and the bare client publish in turn
STORE = Path(__file__).with_name("scale.json")

_GROUPS, _DEPTH = 400, 48
_BLOCK = 1_000

Matrix = NDArray[np.float32]


class Measured(NamedTuple):
    """One index at one size. `p50`, `p95`: milliseconds of a search in both roles; `cpu`:
    processor milliseconds for it; `load`: of the machine then; `recall`: share of the ten nearest found."""

    images: int
    p50: float
    p95: float
    recall: float
    p95_filtered: float
    recall_filtered: float
    p95_flat: float | None
    publish_seconds: float
    memory_mb: float
    disk_mb: float
    cpu: float
    load: float


class Compared(NamedTuple):
    """Images a second that are published with both vectors, and that a bare client writes in equal batches."""

    ours: float
    bare: float


def vectors_of(role: int, count: int) -> Matrix:
    """Return generated vectors (count, DIMENSION) of unit length; the first ones are the same whatever the count."""
    made = np.empty((count, DIMENSION), np.float32)
    for first in range(0, count, _BLOCK):
        made[first : first + _BLOCK] = _block(role, first)[: count - first]
    made[: EQUAL * 10 : 10] = made[0]
    return made


def queries_of(role: int) -> Matrix:
    """Return vectors of the same kind (QUERIES, DIMENSION), the first one near the equal images."""
    made = _block(role, 1 << 40)[:QUERIES]
    made[0] = vectors_of(role, 1)[0]
    return made


def _block(role: int, number: int) -> Matrix:
    shape, rng = np.random.default_rng(role), np.random.default_rng((role, number))
    axes = shape.normal(size=(_DEPTH, DIMENSION)).astype(np.float32)
    centres = shape.normal(size=(_GROUPS, _DEPTH)).astype(np.float32)
    group = np.minimum(rng.zipf(1.3, _BLOCK) - 1, rng.integers(0, _GROUPS, _BLOCK))
    inner = centres[group] + 0.7 * rng.normal(size=(_BLOCK, _DEPTH)).astype(np.float32)
    made = inner @ axes + 0.5 * rng.normal(size=(_BLOCK, DIMENSION)).astype(np.float32)
    unit: Matrix = (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)
    return unit


def payload(number: int) -> Payload:
    category = "Rare" if number % RARE == 0 else "Tiles"
    return Payload(
        owner="bench", kind="image", documents=(f"document {number // 500}",), category=(category,),
        names=(f"Terrazzo {number // 7}",), material=("porcelain",), colors=("grey",), pages=(number % 500 + 1,),
        text=f"A matt tile of grey porcelain with a pattern of number {number}, for floors and walls.",
    )  # fmt: skip


def objects(vectors: Matrix, first: int, last: int) -> list[IndexObject]:
    return [IndexObject(str(UUID(int=n)), vectors[n], payload(n)) for n in range(first, last)]


class Place(NamedTuple):
    """Where an index is: a folder, and of a server its ports and process."""

    kind: str
    folder: Path
    port: int = 0
    grpc_port: int = 0
    pid: int = 0

    def open(self) -> Index:
        if self.kind == "lance":
            return LanceIndex(self.folder)
        return WeaviateIndex(f"http://127.0.0.1:{self.port}", grpc_port=self.grpc_port, api_key=None)


@contextmanager
def place_of(kind: str) -> Iterator[Place]:
    """A fresh, empty index."""
    with tempfile.TemporaryDirectory() as folder:
        if kind == "lance":
            yield Place(kind, Path(folder))
            return
        port, grpc_port = free_ports(2)
        server = start(Path(folder), port=port, grpc_port=grpc_port)
        try:
            yield Place(kind, Path(folder), port, grpc_port, server.pid)
        finally:
            server.stop()


# --- searching --------------------------------------------------------------------------------------------------------


class Asked(NamedTuple):
    """Figures of a child process: milliseconds of each search, the distances found, its memory."""

    plain: list[float]
    rare: list[float]
    flat: list[float]
    found: list[list[list[float]]]  # role, query, nearest
    found_rare: list[list[list[float]]]
    memory_mb: float
    cpu: float


def ask(place: Place) -> Asked:
    """Ask both roles for each query, with and without the filter; LanceDB also without its vector index."""
    index, queries = place.open(), [queries_of(role) for role in range(len(SPACES))]
    working = psutil.Process(place.pid or None)
    # as searches ask where no edition has replaced another
    every = Where(owner="bench", editions="all")
    rare = Where(owner="bench", category=("rare",), editions="all")
    _wait_until_quiet(working)
    before, used = _memory_mb(working), _cpu(working)
    plain, found = _ask_all(queries, lambda space, vector: index.search(space, vector, CANDIDATES, every))
    cpu = 1000 * (_cpu(working) - used) / (ASKED_ROUNDS * QUERIES)
    filtered, found_rare = _ask_all(queries, lambda space, vector: index.search(space, vector, CANDIDATES, rare))
    memory = _memory_mb(working) - (0 if place.pid else before)
    flat: list[float] = []
    if isinstance(index, LanceIndex):
        few = [each[:FLAT_QUERIES] for each in queries]
        flat, _ = _ask_all(few, lambda space, vector: index.search(space, vector, CANDIDATES, exact=True))
    return Asked(plain, filtered, flat, found, found_rare, memory, cpu)


def _wait_until_quiet(process: psutil.Process) -> None:
    """Wait until a server has settled what was published: it flushes and merges its files for some seconds more."""
    for _ in range(QUIET_SECONDS):
        used = _cpu(process)
        time.sleep(1)
        if _cpu(process) - used < 0.05:
            return


def _ask_all(
    queries: Sequence[Matrix], search: Callable[[Space, Any], Any]
) -> tuple[list[float], list[list[list[float]]]]:
    """Return the milliseconds of each search in the best of some rounds, and what was found: role, query, distances.

    Both roles are asked at the same time, as searches do.
    """
    best, found, askers = list[float](), [list[list[float]]() for _ in SPACES], ThreadPoolExecutor(len(SPACES))
    for _ in range(ASKED_ROUNDS):
        times, found = list[float](), [list[list[float]]() for _ in SPACES]
        for number in range(len(queries[0])):
            started = time.perf_counter()
            matches = list(askers.map(search, SPACES, [queries[role][number] for role in range(len(SPACES))]))
            times.append(1000 * (time.perf_counter() - started))
            for role, some in enumerate(matches):
                found[role].append([match.distance for match in some[:NEAREST]])
        best = min(best or times, times, key=_p95)
    return best, found


def recall(found: Sequence[Sequence[Sequence[float]]], vectors: Sequence[Matrix]) -> float:
    """Return the share of the nearest that were found; of equally near ones any."""
    hits = 0
    for role, of_role in enumerate(found):
        nearest = np.sort(1 - queries_of(role) @ vectors[role].T, axis=1)[:, NEAREST - 1]
        hits += sum(
            float(distance) <= float(limit) + 1e-4
            for some, limit in zip(of_role, nearest, strict=True)
            for distance in some
        )
    return hits / (len(found) * QUERIES * NEAREST)


# --- measuring --------------------------------------------------------------------------------------------------------


def measure(kind: str, sizes: Sequence[int]) -> Iterator[Measured]:
    """Publish up to each size, then search in a child process."""
    vectors = [vectors_of(role, sizes[-1]) for role in range(len(SPACES))]
    with place_of(kind) as place:
        index, done, spent = place.open(), 0, 0.0
        for space in SPACES:
            index.ensure(space)
        for size in sizes:
            spent += publish(index, vectors, done, size)
            done = size
            index.compact(at_once=True)
            asked = in_child(place)
            yield Measured(
                images=size,
                p50=float(np.median(asked.plain)),
                p95=_p95(asked.plain),
                recall=recall(asked.found, [each[:size] for each in vectors]),
                p95_filtered=_p95(asked.rare),
                recall_filtered=recall(asked.found_rare, [each[:size:RARE] for each in vectors]),
                p95_flat=_p95(asked.flat) if asked.flat else None,
                publish_seconds=spent,
                memory_mb=asked.memory_mb,
                disk_mb=sum(path.stat().st_size for path in place.folder.rglob("*") if path.is_file()) / (1 << 20),
                cpu=asked.cpu,
                load=os.getloadavg()[0],
            )
        index.close()


def publish(index: Index, vectors: Sequence[Matrix], first: int, last: int) -> float:
    """Return the seconds that both roles of these images take, in the batches of an ingest."""
    spent = 0.0
    for start_ in range(first, last, ROWS):
        for role, space in enumerate(SPACES):
            batch = objects(vectors[role], start_, min(start_ + ROWS, last))
            started = time.perf_counter()
            assert not index.upsert(space, batch)
            spent += time.perf_counter() - started
    return spent


def compare(kind: str) -> Compared:
    """Publish as an ingest does and write with a bare client, in turn, batch by batch, into spaces of equal schema.

    The bare client writes the same batches without lock, check or compaction. It is given plain dictionaries, as its
    users have them, with our columns of words filled in before. The first batch of each is not counted, and the median
    of the others is: both load modules once, and other work on the machine is not theirs.
    """
    vectors = [vectors_of(role, COMPARED) for role in range(len(SPACES))]
    bare_spaces = tuple(space.model_copy(update={"tag": "bare@1/a"}) for space in SPACES)
    ours, bare = list[float](), list[float]()
    with place_of(kind) as place:
        index = place.open()
        for space in (*SPACES, *bare_spaces):
            index.ensure(space)
        write = _bare_writer(place, index)
        for first in range(0, COMPARED, ROWS):
            ours.append(publish(index, vectors, first, first + ROWS))
            made = [objects(vectors[role], first, first + ROWS) for role in range(len(SPACES))]
            bare.append(sum(map(write, bare_spaces, made)))
        index.close()
    return Compared(ours=ROWS / float(np.median(ours[1:])), bare=ROWS / float(np.median(bare[1:])))


def _bare_writer(place: Place, index: Index) -> Callable[[Space, list[IndexObject]], float]:
    """Return what writes a batch with the client alone, and returns its seconds."""

    def merge(space: Space, batch: list[IndexObject]) -> float:
        made = [
            {**row, "vector": each.vector} for row, each in zip(as_table(space, batch).to_pylist(), batch, strict=True)
        ]
        started = time.perf_counter()
        merging = database.open_table(space.name).merge_insert("id").when_matched_update_all()
        table = pa.Table.from_pylist(made, schema=table_schema(space.dimension))
        merging.when_not_matched_insert_all().execute(table)
        return time.perf_counter() - started

    def insert(space: Space, batch: list[IndexObject]) -> float:
        properties = [_properties(each) for each in batch]
        started = time.perf_counter()
        made = [
            DataObject(uuid=each.id, properties=of, vector=each.vector.tolist())
            for each, of in zip(batch, properties, strict=True)
        ]
        client = index._server._connected()  # type: ignore[attr-defined]
        assert not client.collections.use(f"Swatchbook_{space.name}").data.insert_many(made).has_errors
        return time.perf_counter() - started

    if place.kind == "lance":
        database = lancedb.connect(place.folder)
        return merge
    return insert


def in_child(place: Place) -> Asked:
    """Return what a process that has nothing else in memory measures."""
    given = json.dumps([place.kind, str(place.folder), *place[2:]])
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.scale", "ask", given], capture_output=True, text=True, check=True
    )
    return Asked(*json.loads(done.stdout))


def _p95(times: Sequence[float]) -> float:
    return float(np.percentile(times, 95))


def _memory_mb(process: psutil.Process) -> float:
    return float(process.memory_full_info().pss) / (1 << 20)


def _cpu(process: psutil.Process) -> float:
    used = process.cpu_times()
    return float(used.user + used.system)


def keep(kind: str, what: str, value: object) -> None:
    """Store figures of an index for docs/scale.md."""
    kept = json.loads(STORE.read_text()) if STORE.exists() else {}
    kept.setdefault(kind, {})[what] = value
    STORE.write_text(json.dumps(kept, indent=2) + "\n")


def main(kind: str, given: Sequence[str]) -> None:
    if kind == "ask":
        name, folder, *rest = json.loads(given[0])
        print(json.dumps(ask(Place(name, Path(folder), *rest))))
        return
    sizes = [int(each) for each in given] or SIZES
    kept = []
    for each in measure(kind, sizes):
        print(kind, {name: round(value, 3) for name, value in each._asdict().items() if value is not None}, flush=True)
        kept.append(each._asdict())
        if not given:
            keep(kind, "sizes", kept)
    compared = compare(kind)
    print(kind, compared, flush=True)
    if not given:
        keep(kind, "publishing", compared._asdict())


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
