"""Measure searches over HTTP in a collection of 3,000 images: of one person and of ten, each one after the other; two
hundred at once, and a single user beside them. The client is in a separate process on the same cores. Its connections
are opened for each figure, before its clock starts, and it reads the answers' bytes without looking into them.

`python -m benchmarks.many` prints the rounds.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from itertools import islice, product
from pathlib import Path
from statistics import median
from typing import NamedTuple
from urllib.parse import quote

import psutil

IMAGES = 3_000
SEARCHES = 200
PEOPLE, EACH = 10, 20  # so many people, each of whom asks so many times
KEYS = {name: f"{name}-0123456789abcdef" for name in ("shop", "user")}

_MATERIALS = ("oak", "walnut", "terrazzo", "marble", "concrete", "brass", "linen", "porcelain")
_LOOKS = ("grey", "white", "blue", "green", "warm", "matt", "gloss", "rustic", "smooth", "dark", "striped", "plain")
_PLACES = ("tile", "wall", "floor", "panel", "slab", "kitchen", "bathroom", "terrace", "stairs", "desk")
QUERIES = [" ".join(words) for words in product(_LOOKS, _MATERIALS, _PLACES)]
"""All different, so that no answer can come from a cache."""


class Round(NamedTuple):
    """Median milliseconds of one person; searches a second of ten people, and in a burst; processor milliseconds of the
    service and of this client for each of the burst; and p95 of a user beside such a burst, milliseconds.
    """

    alone: float
    people: float
    burst: float
    cpu: float
    client: float
    p95: float


def measure(home: Path, rounds: int) -> list[Round]:
    """Return rounds, each of a new service."""
    found = list[Round]()
    for _ in range(rounds):
        with service(home) as (port, process):
            found.append(asyncio.run(_round(port, process)))
    return found


async def _round(port: int, process: psutil.Process) -> Round:
    queries = iter(QUERIES)
    async with _connected(port, "user", 1) as (user,):
        await user.search_all(islice(queries, 3))
        alone = await user.search_all(islice(queries, EACH))
    async with _connected(port, "shop", PEOPLE) as people:
        started = time.monotonic()
        await asyncio.gather(*(each.search_all(islice(queries, EACH)) for each in people))
        people_rate = PEOPLE * EACH / (time.monotonic() - started)
    async with _connected(port, "shop", SEARCHES) as shop:
        used, own, started = _cpu(process), time.process_time(), time.monotonic()
        await asyncio.gather(*(each.search(next(queries)) for each in shop))
        rate, cpu = SEARCHES / (time.monotonic() - started), 1000 * (_cpu(process) - used) / SEARCHES
        client = 1000 * (time.process_time() - own) / SEARCHES
    async with _connected(port, "user", 1) as (user,), _connected(port, "shop", SEARCHES) as shop:
        burst = asyncio.gather(*(each.search(next(queries)) for each in shop))
        beside = list[float]()
        await asyncio.sleep(0.2)
        while not burst.done() or len(beside) < 3:
            beside.append(await user.search(next(queries)))
        await burst
    return Round(median(alone), people_rate, rate, cpu, client, _p95(beside))


class Connection(NamedTuple):
    """An open connection of an API key."""

    head: str
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def search_all(self, texts: Iterable[str]) -> list[float]:
        """Return the milliseconds of each search, one after the other."""
        return [await self.search(text) for text in texts]

    async def search(self, text: str) -> float:
        """Return the milliseconds of one search. Raises AssertionError for another answer than 200."""
        started = time.monotonic()
        self.writer.write(f"GET /search?text={quote(text)}&owner=default HTTP/1.1\r\n{self.head}\r\n".encode())
        head = await self.reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        await self.reader.readexactly(int(head.lower().partition(b"content-length:")[2].partition(b"\r")[0]))
        return 1000 * (time.monotonic() - started)


@asynccontextmanager
async def _connected(port: int, key: str, count: int) -> AsyncIterator[list[Connection]]:
    """Open so many connections."""
    head = f"Host: 127.0.0.1:{port}\r\nX-API-Key: {KEYS[key]}\r\n"
    opened = [Connection(head, *await asyncio.open_connection("127.0.0.1", port)) for _ in range(count)]
    try:
        yield opened
    finally:
        for each in opened:
            each.writer.close()


@contextmanager
def service(home: Path) -> Iterator[tuple[int, psutil.Process]]:
    """Start the service as a child process; yield its port and process."""
    keys = [{"name": name, "key": key, "owners": ["*"]} for name, key in KEYS.items()]
    environment = {**os.environ, "SWATCHBOOK_HOME": str(home), "SWATCHBOOK_API_KEYS": json.dumps(keys)}
    command = [sys.executable, "-m", "benchmarks.many", "serve"]
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            yield int(child.stdout.readline()), psutil.Process(child.pid)
        finally:
            child.stdin.close()  # its end


def serve() -> None:
    """Serve until the input ends."""
    from swatchbook.domain.settings import load_settings
    from tests.doors.served import served

    with served(load_settings()) as running:
        print(running.port, flush=True)
        sys.stdin.read()


def _cpu(process: psutil.Process) -> float:
    used = process.cpu_times()
    return float(used.user + used.system)


def _p95(times: Sequence[float]) -> float:
    import numpy as np  # the service must import it itself: it sets first how many threads numpy uses

    return float(np.percentile(times, 95))


def prepare(home: Path) -> None:
    """Fill a home with copies of the sample catalogue."""
    from benchmarks import web
    from swatchbook.domain.settings import Settings
    from swatchbook.resources import open_resources

    web.prepare(home)
    with open_resources(Settings(home=home)) as resources:
        web.fill(resources, IMAGES)


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve()
    else:
        with tempfile.TemporaryDirectory() as folder:
            prepare(Path(folder))
            print(*measure(Path(folder), 3), sep="\n")
