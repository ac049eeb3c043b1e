"""Three ingests at once against one, on one PostgreSQL, Weaviate and Prefect server; every catalogue its own."""

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

from benchmarks.commands import SWATCHBOOK, peak_pss_mb, prefect_server
from devtools.weaviate import free_ports, start
from tests.postgres import running_postgres
from tests.servers.catalogues import make_catalogue

PICTURES = 256
AT_ONCE = 3


class Measured(NamedTuple):
    """Wall of three ÷ of one; the largest PSS of any ingest among three, MiB; and how it was measured."""

    ratio: float
    peak_mb: float
    note: str


def measure(rounds: int) -> Measured:
    """One and three in turn. Raises RuntimeError where an ingest does not complete."""
    one, three, peaks = list[float](), list[float](), list[float]()
    with servers() as environment:
        for number in range(rounds):
            one.append(_ingest(environment, [f"one-{number}"])[0])
            wall, largest = _ingest(environment, [f"three-{number}-{part}" for part in range(AT_ONCE)])
            three.append(wall)
            peaks.append(largest)
    note = f"{median(three):.1f} s and {median(one):.1f} s, {PICTURES} pictures each"
    return Measured(median(three) / median(one), max(peaks), note)


@contextmanager
def servers() -> Iterator[dict[str, str]]:
    """The settings that lead to servers of our own."""
    with ExitStack() as parts:
        folder = Path(parts.enter_context(TemporaryDirectory()))
        postgres = parts.enter_context(running_postgres(folder))
        database = postgres.new_database("prefect").replace("+psycopg", "+asyncpg")
        url = parts.enter_context(prefect_server(PREFECT_API_DATABASE_CONNECTION_URL=database))
        port, grpc_port = free_ports(2)
        weaviate = start(folder / "weaviate", port=port, grpc_port=grpc_port)
        parts.callback(weaviate.stop)
        yield {
            "PREFECT_API_URL": url,
            "SWATCHBOOK_INDEX": "weaviate",
            "SWATCHBOOK_HOME": str(folder / "home"),
            "SWATCHBOOK_LEDGER_URL": postgres.new_database("swatchbook"),
            "SWATCHBOOK_WEAVIATE__URL": weaviate.url,
            "SWATCHBOOK_WEAVIATE__GRPC_PORT": str(grpc_port),
        }


def _ingest(environment: Mapping[str, str], names: list[str]) -> tuple[float, float]:
    """(wall seconds of all, largest PSS of any, MiB)."""

    def ingest(catalogue: Path) -> float:
        return peak_pss_mb([SWATCHBOOK, "ingest", str(catalogue), "--no-focus"], environment)

    with TemporaryDirectory() as folder, ThreadPoolExecutor(len(names)) as pool:
        catalogues = [make_catalogue(Path(folder) / f"{name}.pdf", pictures=PICTURES) for name in names]
        started = time.monotonic()
        peaks = list(pool.map(ingest, catalogues))
        return time.monotonic() - started, max(peaks)
