"""Vector indexes of both servers against comparing every vector: recall, latency, memory; and owners in tenants.

`python -m benchmarks.vector_indexes weaviate|memory|lance|tenants [IMAGES]` measures with generated vectors of 768
numbers (`scale.py`), and keeps the figures in benchmarks/vector_indexes.json, from which
`python -m benchmarks.vector_indexes` prints the tables of docs/scale.md. Queries of an index and of the exact one
alternate, so that other work on the machine costs both the same: what counts are the ratios.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import numpy as np
import psutil
from lancedb.index import HnswPq, HnswSq, IvfPq, IvfSq

from benchmarks.scale import DIMENSION, NEAREST, RARE, Matrix, objects, queries_of, vectors_of
from devtools.weaviate import free_ports, start
from swatchbook.domain.records import Role
from swatchbook.domain.setting_values import WeaviateIndexKind
from swatchbook.index.contract import Match, Space, Where
from swatchbook.index.lance import MOST_PARTITIONS, RERANK, LanceIndex
from swatchbook.ingest.publish import ROWS
from swatchbook_weaviate.index import WeaviateIndex
from swatchbook_weaviate.schema import Layout

COUNT = 20_000
CANDIDATES = 100
OWNERS = 20
KINDS: Sequence[WeaviateIndexKind] = ("flat", "flat_bq", "hnsw", "hnsw_rq", "hnsw_bq", "hnsw_sq", "hnsw_pq")
LANCE = {
    "IVF_SQ": lambda: IvfSq(distance_type="cosine"),
    "IVF_PQ": lambda: IvfPq(distance_type="cosine"),
    "IVF_HNSW_SQ": lambda: HnswSq(distance_type="cosine"),
    "IVF_HNSW_PQ": lambda: HnswPq(distance_type="cosine"),
}
QUIET_SECONDS = 120
_NEXT_COLLECTION = "go_memstats_next_gc_bytes "
STORE = Path(__file__).with_name("vector_indexes.json")
SPACE = Space(role=Role.VISUAL, tag="bench@1/a", dimension=DIMENSION)
EXACT = Space(role=Role.VISUAL, tag="exact@1/a", dimension=DIMENSION)
RARE_ONES = Where(category=("rare",), editions="all")
EVERY = Where(editions="all")

Search = Callable[[Any, Where], Sequence[Match]]


def recall(found: Sequence[Sequence[Match]], vectors: Matrix, queries: Matrix) -> float:
    """Return the share of the NEAREST that are among the first ones found; of equally near ones any."""
    limits = np.sort(1 - queries @ vectors.T, axis=1)[:, NEAREST - 1]
    hits = sum(
        float(match.distance or 0.0) <= float(limit) + 1e-4
        for some, limit in zip(found, limits, strict=True)
        for match in some[:NEAREST]
    )
    return hits / (len(found) * NEAREST)


def measure(search: Search, exact: Search, vectors: Matrix, *, first_rare: int = 0) -> dict[str, float]:
    """Return recall without and with a filter that keeps one in RARE, and latencies as ratios to the exact search's."""
    queries = queries_of(0)
    figures = dict[str, float]()
    for name, where, among in (("", EVERY, vectors), ("_filtered", RARE_ONES, vectors[first_rare::RARE])):
        own, base, found = list[float](), list[float](), list[Sequence[Match]]()
        search(queries[0], where), exact(queries[0], where)
        for query in queries:
            started = time.perf_counter()
            found.append(search(query, where))
            between = time.perf_counter()
            exact(query, where)
            own.append(between - started)
            base.append(time.perf_counter() - between)
        figures[f"recall{name}"] = recall(found, among, queries)
        figures[f"ms{name}"] = 1000 * float(np.median(own))
        figures[f"ratio{name}"] = float(np.median(own) / np.median(base))
        figures[f"ratio_p95{name}"] = float(np.percentile(own, 95) / np.percentile(base, 95))
    return figures


def upload(index: Any, space: Space, vectors: Matrix, *, owners: int = 1) -> float:
    """Return the seconds that writing takes, in batches of an ingest; each owner has every n-th object."""
    index.ensure(space)
    spent = 0.0
    for first in range(0, len(vectors), ROWS):
        batch = objects(vectors, first, min(first + ROWS, len(vectors)))
        if owners > 1:
            for number, each in enumerate(batch):
                each.payload = each.payload.model_copy(update={"owner": f"owner{(first + number) % owners}"})
        started = time.perf_counter()
        assert not index.upsert(space, batch)
        spent += time.perf_counter() - started
    return spent


# --- Weaviate ---------------------------------------------------------------------------------------------------------


class Served:
    """A server in a folder that can be stopped and started again: then it holds nothing that is left of writing."""

    def __init__(self, folder: Path, layout: Layout) -> None:
        self._folder, self._layout = folder, layout
        self.start()

    def start(self) -> None:
        port, grpc_port, self._metrics = free_ports(3)
        monitoring = {"PROMETHEUS_MONITORING_ENABLED": "true", "PROMETHEUS_MONITORING_PORT": str(self._metrics)}
        self._server = start(self._folder, port=port, grpc_port=grpc_port, variables=monitoring)
        self.index = self.open(self._layout, port, grpc_port)
        self.exact = self.open(Layout(), port, grpc_port)

    def open(self, layout: Layout, port: int, grpc_port: int) -> WeaviateIndex:
        return WeaviateIndex(f"http://127.0.0.1:{port}", grpc_port=grpc_port, api_key=None, layout=layout)

    def stop(self) -> None:
        self.index.close()
        self.exact.close()
        self._server.stop()

    def restart(self) -> None:
        self.quiet()
        self.stop()
        self.start()

    def quiet(self) -> None:
        """Wait until the server has settled what was written."""
        process = psutil.Process(self._server.pid)
        for _ in range(QUIET_SECONDS):
            before = sum(process.cpu_times()[:2])
            time.sleep(1)
            if sum(process.cpu_times()[:2]) - before < 0.05:
                return

    def memory_mb(self) -> float:
        """Return what the server kept at its last garbage collection; it lets its heap grow to twice as much."""
        self.quiet()
        with urlopen(f"http://127.0.0.1:{self._metrics}/metrics", timeout=30) as answer:
            (line,) = (each for each in answer.read().decode().splitlines() if each.startswith(_NEXT_COLLECTION))
        return float(line.split()[1]) / 2 / (1 << 20)


@contextmanager
def served(layout: Layout) -> Iterator[Served]:
    with tempfile.TemporaryDirectory() as folder:
        server = Served(Path(folder), layout)
        try:
            yield server
        finally:
            server.stop()


def weaviate(count: int) -> dict[str, Any]:
    """Each kind on a server of its own, which is started again before its memory is read; then the exact one joins."""
    vectors, measured = vectors_of(0, count), dict[str, Any]()
    for kind in KINDS:
        with served(Layout(kind)) as server:
            empty = server.memory_mb()
            seconds = upload(server.index, SPACE, vectors)
            server.restart()
            memory = _used_memory_mb(server) - empty
            upload(server.exact, EXACT, vectors)
            server.quiet()
            figures = measure(
                lambda query, where, index=server.index: index.search(SPACE, query, CANDIDATES, where),
                lambda query, where, index=server.exact: index.search(EXACT, query, CANDIDATES, where),
                vectors,
            )
        measured[kind] = figures | {"memory_mb": memory, "write_seconds": seconds}
        _print(kind, measured[kind])
    return {"images": count, "kinds": measured}


def memory(count: int) -> dict[str, float]:
    """Only the memory of each kind."""
    vectors, measured = vectors_of(0, count), dict[str, float]()
    for kind in KINDS:
        with served(Layout(kind)) as server:
            empty = server.memory_mb()
            upload(server.index, SPACE, vectors)
            server.restart()
            measured[kind] = _used_memory_mb(server) - empty
        _print(kind, {"memory_mb": measured[kind]})
    return measured


def _used_memory_mb(server: Served) -> float:
    """Return the memory after so many searches that the server has collected what it read at its start."""
    for _ in range(3):
        for query in queries_of(0):
            server.index.search(SPACE, query, CANDIDATES, EVERY)
    return server.memory_mb()


def _print(kind: str, figures: Mapping[str, float]) -> None:
    print(kind, {name: round(value, 3) for name, value in figures.items()}, flush=True)


def tenants(count: int) -> dict[str, Any]:
    """OWNERS in tenants against the same owners together: one owner searched, all of them, and a sleeping one."""
    vectors = vectors_of(0, count)
    owner = Where(owner="owner3", editions="all")
    with served(Layout(tenants=True)) as server:
        empty = server.memory_mb()
        upload(server.index, SPACE, vectors, owners=OWNERS)
        _rest(server)
        server.restart()
        asleep = server.memory_mb() - empty
        for query in queries_of(0):
            server.index.search(SPACE, query, CANDIDATES, EVERY)
        awake = server.memory_mb() - empty
        upload(server.exact, EXACT, vectors, owners=OWNERS)
        server.quiet()
        figures = {"memory_awake_mb": awake, "memory_asleep_mb": asleep}
        for name, where in (("one", owner), ("all", EVERY)):
            own, base = list[float](), list[float]()
            for query in queries_of(0):
                started = time.perf_counter()
                apart = server.index.search(SPACE, query, CANDIDATES, where)
                between = time.perf_counter()
                together = server.exact.search(EXACT, query, CANDIDATES, where)
                own.append(between - started)
                base.append(time.perf_counter() - between)
                near = ([match.distance for match in some[:NEAREST]] for some in (apart, together))
                assert np.allclose(*near, atol=1e-3)
            figures[f"ms_{name}"] = 1000 * float(np.median(own))
            figures[f"ratio_{name}"] = float(np.median(own) / np.median(base))
        figures["ms_first"] = _first_searches(server, owner)
        server.index.close()
    _print("tenants", figures)
    return {"images": count, "owners": OWNERS, **figures}


def _first_searches(server: Served, owner: Where) -> float:
    """Return the median milliseconds of a search of an owner whose tenant is inactive."""
    times = list[float]()
    for query in queries_of(0)[:10]:
        _rest(server)
        started = time.perf_counter()
        server.index.search(SPACE, query, CANDIDATES, owner)
        times.append(1000 * (time.perf_counter() - started))
    return float(np.median(times))


def _rest(server: Served) -> None:
    with server.index._server.answering() as client:
        tenants = client.collections.use(Layout(tenants=True).name(SPACE)).tenants
        tenants.deactivate(list(tenants.get()))


# --- LanceDB ----------------------------------------------------------------------------------------------------------


def lance(count: int) -> dict[str, Any]:
    """Each kind over nine tenths of the rows; the newest tenth was written after the index, and must be found, too."""
    vectors, measured = vectors_of(0, count), dict[str, Any]()
    for kind, config in LANCE.items():
        with tempfile.TemporaryDirectory() as folder:
            index = LanceIndex(Path(folder))
            upload(index, SPACE, vectors[: count * 9 // 10])
            table = index._database.open_table(SPACE.name)
            before = _disk_mb(Path(folder))
            started = time.perf_counter()
            table.create_index("vector", config=config())
            seconds, size = time.perf_counter() - started, _disk_mb(Path(folder)) - before
            for first in range(count * 9 // 10, count, ROWS):
                assert not index.upsert(SPACE, objects(vectors, first, min(first + ROWS, count)))
            newest = index._database.open_table(SPACE.name)

            def asked(query: Any, where: Where, *, exact_too: bool = False, table: Any = newest) -> list[Match]:
                near = table.search(query, vector_column_name="vector").distance_type("cosine")
                near = near.maximum_nprobes(MOST_PARTITIONS).refine_factor(RERANK)
                if exact_too:
                    near = near.bypass_vector_index()
                if where.category:
                    near = near.where("array_to_string(category_words, '|') LIKE '%<rare>%'", prefilter=True)
                rows = near.select(["id", "_distance"]).limit(CANDIDATES).to_arrow().to_pylist()
                return [Match(id=row["id"], distance=row["_distance"]) for row in rows]

            figures = measure(asked, lambda query, where: asked(query, where, exact_too=True), vectors)
            index.close()
        measured[kind] = figures | {"disk_mb": size, "build_seconds": seconds}
        _print(kind, measured[kind])
    return {"images": count, "kinds": measured}


def _disk_mb(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / (1 << 20)


# --- tables -----------------------------------------------------------------------------------------------------------


def tables() -> Iterator[str]:
    """Yield the lines of the tables of docs/scale.md."""
    kept = json.loads(STORE.read_text())
    for name, title, last in (("weaviate", "Weaviate", "memory, MB"), ("lance", "LanceDB", "disk, MB")):
        head = (
            f"{title}, {kept[name]['images']:,} vectors",
            "recall",
            "filtered",
            "latency",
            "p95",
            last,
            "writing, s",
        )
        yield f"| {' | '.join(head)} |"
        yield f"| --- |{' ---: |' * (len(head) - 1)}"
        for kind, each in kept[name]["kinds"].items():
            size = each["memory_mb"] if name == "weaviate" else each["disk_mb"]
            seconds = each["write_seconds"] if name == "weaviate" else each["build_seconds"]
            yield (
                f"| `{kind}` | {each['recall']:.3f} | {each['recall_filtered']:.3f} | {each['ratio']:.2f} "
                f"| {each['ratio_p95']:.2f} | {size:.0f} | {seconds:.0f} |"
            )
        yield ""


def main(what: str, count: int) -> None:
    measured = {"weaviate": weaviate, "memory": memory, "tenants": tenants, "lance": lance}[what](count)
    kept = json.loads(STORE.read_text()) if STORE.exists() else {}
    STORE.write_text(json.dumps(kept | {what: measured}, indent=2) + "\n")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else COUNT)
    else:
        print("\n".join(tables()))
