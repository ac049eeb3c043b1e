"""A collection that grows to a million images: a ledger in PostgreSQL with all its rows, LanceDB, a service on both.

`python -m benchmarks.million [IMAGES …]` ingests a folder of pictures, copies it in the ledger until there are so
many images (each copy has its own document, keys and texts, and vectors that are a little off), publishes them as
ingests do, and measures what people and the background loop do with them. It prints them as a table,
each with the exponent of its growth. TMPDIR needs 30 GB for a million images.
"""

import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from math import log
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import numpy as np
import psutil
from sqlalchemy import select, text

from benchmarks.commands import SWATCHBOOK, peak_pss_mb
from benchmarks.images import make_pictures
from benchmarks.ledger import gather_statistics
from benchmarks.web import WORDS, copy_sample, served
from swatchbook.domain.records import Role
from swatchbook.domain.settings import Settings
from swatchbook.index.lance import LanceIndex
from swatchbook.ingest.publish import publish_all
from swatchbook.resources import Resources, open_resources
from swatchbook.store.ledger.queries.coverage import count_statistics
from swatchbook.store.ledger.space_registry import active_spaces
from swatchbook.store.ledger.tables import documents, vectors

SIZES = (10_000, 100_000, 1_000_000)
SEARCHES, QUERIES, NEAREST = 40, 20, 10
ENCODER = "descriptors"  # its vectors are short: a million of the network's would need 15 GB more
PICTURES, ROLES = 250, "visual,understanding"  # of the folder


class Measured(NamedTuple):
    """Figures at one size; seconds, where no unit is said. `load`: of the machine at the end."""

    images: int
    publish: float
    build: float  # compacting, and the vector indexes
    start: float  # of `serve`, until it is ready
    first: float  # the first search of it, beside the loop's first round; the next ones come after that
    p50: float
    p95: float
    recall: float  # share of the nearest, next to comparing all vectors
    service_mb: float
    coverage: float
    verify: float
    verify_mb: float
    gc: float
    gc_mb: float
    backup: float
    backup_mb: float
    delete: float  # of one document, for good
    ledger_gb: float
    index_gb: float
    peak_gb: float  # of the index on disk while it was published
    load: float


NAMES = {
    "publish": "publishing, s in all",
    "build": "compacting and vector indexes, s",
    "start": "start of a service, s",
    "first": "its first search, s",
    "p50": "a search, median, s",
    "p95": "a search, 95th percentile, s",
    "recall": "share of the ten nearest found",
    "service_mb": "memory of the service, MB",
    "coverage": "the account (`coverage`), s",
    "verify": "`verify`, s",
    "verify_mb": "`verify`, MB",
    "gc": "`gc --now`, s",
    "gc_mb": "`gc --now`, MB",
    "backup": "`backup` into an empty folder, s",
    "backup_mb": "`backup`, MB",
    "delete": "`delete --now` of a document, s",
    "ledger_gb": "ledger on disk, GB",
    "index_gb": "index on disk, GB",
    "peak_gb": "index on disk at most, while publishing, GB",
}


def measure(sizes: Sequence[int], tell: Callable[[Measured], None]) -> None:
    """Let one collection grow to each size, and tell its figures there."""
    from tests.postgres import running_postgres

    with tempfile.TemporaryDirectory() as folder, running_postgres(Path(folder), on_disk=True) as server:
        home, url = Path(folder) / "home", server.new_database("ledger")
        environment = {"SWATCHBOOK_HOME": str(home), "SWATCHBOOK_LEDGER_URL": url, "SWATCHBOOK_ENCODER": ENCODER}
        make_pictures(pictures := Path(folder) / "pictures", PICTURES)
        run(("ingest", str(pictures), "--roles", ROLES), environment)
        settings = Settings(home=home, ledger_url=url, encoder=ENCODER)
        for size in sizes:
            tell(measure_at(size, settings, environment))


def measure_at(size: int, settings: Settings, environment: Mapping[str, str]) -> Measured:
    """Let the collection grow to a size, and return its figures there."""
    with open_resources(settings) as resources:
        images = copy_sample(resources, size, files=False)
        gather_statistics(resources.ledger)
        with sampled(settings.index_folder) as sizes:
            publish = timed("publishing", lambda: publish_all(resources, at_most=600))
        build = timed("compacting", lambda: resources.index.compact(at_once=True))
        recall = recall_of(resources)
        coverage = timed("coverage", lambda: count_statistics(resources.ledger).coverage)
        with resources.ledger.read() as connection:
            ledger = connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one()
            last = connection.execute(select(documents.c.id).order_by(documents.c.name).limit(1)).scalar_one()
    service = searches(environment)
    verify = run(("upkeep", "verify"), environment)
    gc = run(("upkeep", "gc", "--now"), environment)
    with tempfile.TemporaryDirectory() as folder:
        backup = run(("upkeep", "backup", folder), environment)
    delete, _ = run(("delete", last, "--now", "--yes"), environment)
    return Measured(
        images, publish, build, *service[:4], recall, service[4], coverage, *verify, *gc, *backup, delete,
        ledger / 1e9, size_of(settings.index_folder) / 1e9, max(sizes) / 1e9, os.getloadavg()[0],
    )  # fmt: skip


@contextmanager
def sampled(folder: Path) -> Iterator[Sequence[int]]:
    """Collect the bytes in a folder every five seconds, until the block ends."""
    sizes, ended = [size_of(folder)], threading.Event()

    def sample() -> None:
        while not ended.wait(5):
            sizes.append(size_of(folder))

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield sizes
    finally:
        ended.set()
        thread.join()


def size_of(folder: Path) -> int:
    """Return the bytes of the files in a folder. Files that go meanwhile do not count."""
    size = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            size += path.stat().st_size if path.is_file() else 0
    return size


def timed(name: str, work: Callable[[], object]) -> float:
    """Return the seconds of some work, and tell them at once: a million images take an hour and more."""
    started = time.perf_counter()
    work()
    seconds = time.perf_counter() - started
    print(f"{name}: {seconds:.3f} s", file=sys.stderr, flush=True)
    return seconds


def run(words: Sequence[str], environment: Mapping[str, str]) -> tuple[float, float]:
    """Return the seconds of a command and its largest memory in MB. Raises CalledProcessError when it fails."""
    measured = list[float]()
    seconds = timed(words[0], lambda: measured.append(peak_pss_mb([SWATCHBOOK, *words], environment)))
    return seconds, measured[0]


def searches(environment: Mapping[str, str]) -> tuple[float, float, float, float, float]:
    """Start a service; return the seconds until it is ready, of its first search, of the median and 95th percentile of
    the next ones, and its memory in MB.
    """
    started = time.perf_counter()
    with served(environment) as address, httpx.Client(base_url=address, timeout=600) as client:
        start = time.perf_counter() - started

        def search(question: str) -> None:
            client.get("/search", params={"text": question, "owner": "default"}).raise_for_status()

        service = process_on(httpx.URL(address).port or 0)
        first = timed("first search", lambda: search("oak floor"))
        timed("the loop's first round", lambda: until_idle(service))
        questions = [f"{one} {other}" for one in WORDS[:7] for other in WORDS[7:]][:SEARCHES]
        seconds = [timed("search", lambda: search(each)) for each in questions]  # noqa: B023
        memory = float(service.memory_info().rss) / 1e6
    return start, first, float(np.median(seconds)), float(np.percentile(seconds, 95)), memory


def process_on(port: int) -> psutil.Process:
    """Return the process that listens on a port."""
    (pid,) = {each.pid for each in psutil.net_connections("tcp") if each.laddr.port == port and each.status == "LISTEN"}
    return psutil.Process(pid)


def until_idle(service: psutil.Process) -> None:
    """Wait until the loop of a service has collected garbage and compared the index, as it does after each start."""
    idle = 0
    while idle < 3:  # it may wait for the database for a while
        time.sleep(5)
        idle = idle + 1 if sum(map(cpu_percent, (service, *postgres_processes()))) < 10 else 0


def postgres_processes() -> Iterator[psutil.Process]:
    return (each for each in psutil.process_iter(["name"]) if each.info["name"] == "postgres")


def cpu_percent(process: psutil.Process) -> float:
    """Return the processor's time of a process since the last call; 0 if it is gone."""
    with suppress(psutil.NoSuchProcess):
        return float(process.cpu_percent())
    return 0.0


def recall_of(resources: Resources) -> float:
    """Return the share of the nearest of some stored vectors that a search finds, of those that comparing all finds."""
    index, space = resources.index, active_spaces(resources.ledger)[Role.VISUAL].space
    assert isinstance(index, LanceIndex)
    stored = select(vectors.c.data).where(vectors.c.role == space.role, vectors.c.tag == space.tag)
    with resources.ledger.read() as connection:
        queries = connection.execute(stored.order_by(vectors.c.key).limit(QUERIES)).scalars().all()
    hits = 0
    for data in queries:
        query = np.frombuffer(data, "<f4")
        limit = max(each.distance or 0.0 for each in index.search(space, query, NEAREST, exact=True))
        hits += sum((each.distance or 0.0) <= limit + 1e-4 for each in index.search(space, query, NEAREST))
    return hits / (len(queries) * NEAREST)


# --- the table --------------------------------------------------------------------------------------------------------


def table(kept: Sequence[Mapping[str, Any]]) -> str:
    """Return the figures as Markdown: a row for each, with the exponent of its growth between the two largest sizes."""
    sizes = " | ".join(f"{each['images']:,}" for each in kept)
    return f"| | {sizes} | exponent |\n| --- |{' ---: |' * (len(kept) + 1)}\n" + "".join(rows(kept))


def rows(kept: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for name, words in NAMES.items():
        shown = " | ".join(f"{each[name]:,.0f}" if each[name] >= 100 else f"{each[name]:.3g}" for each in kept)
        yield f"| {words} | {shown} | {'' if name == 'recall' else exponent(kept, name)} |\n"


def exponent(kept: Sequence[Mapping[str, Any]], name: str) -> str:
    """Return the power of the number of images with which a figure grows, by the two largest sizes."""
    if len(kept) < 2:
        return "–"
    small, large = kept[-2:]
    return f"{log(large[name] / small[name]) / log(large['images'] / small['images']):.2f}"


def main(given: Sequence[str]) -> None:
    kept = list[dict[str, Any]]()

    def tell(measured: Measured) -> None:
        print({name: round(value, 3) for name, value in measured._asdict().items()}, flush=True)
        kept.append(measured._asdict())

    measure([int(each) for each in given] or SIZES, tell)
    print(table(kept))


if __name__ == "__main__":
    main(sys.argv[1:])
