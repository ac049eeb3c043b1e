"""Pictures made in containers of the pool against the same made inline, and what a container's start is made of.

The pictures differ between the two sides, else the second would find everything made. A start is that of a shard whose
slot has just come free, at work beside another, as most are: so the bare containers start one beside the other too.
"""

import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from io import BytesIO
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import httpx
import numpy as np
import psutil
from PIL import Image

from benchmarks.commands import SWATCHBOOK
from benchmarks.three import servers
from swatchbook_service.pools import SETTINGS_FILE
from tests.containers.engine import Engine, running_engine
from tests.containers.images import build_swatchbook
from tests.servers.catalogues import make_catalogue
from tests.servers.stack import SHARDS, bare_environment, worker_part

PICTURES, FEW, SIDE = 1_000, 263, 1_000
SLOTS = 2
BARE_STARTS = 2 * SLOTS
FLOW_RUN = "io.prefect.flow-run-id"

_BARE = (
    "import prefect; from swatchbook.models.registry import load;"
    "from swatchbook.domain.settings import load_settings; load(load_settings()).load_all()"
)
"""What a shard's container cannot do without."""

_SHARED = ("INDEX", "LEDGER_URL", "FILES_URL", "WEAVIATE__URL", "WEAVIATE__GRPC_PORT")


class Start(NamedTuple):
    """Seconds from a container's creation until it takes up its first batch, by part."""

    created: float  # until its first process runs
    imported: float  # until its flow begins
    loaded: float  # until its models are loaded and a batch begins

    @property
    def whole(self) -> float:
        return sum(self)


class Shards(NamedTuple):
    """When the first shard began and the last one ended, Unix seconds; and how each one started."""

    began: float
    ended: float
    starts: Sequence[Start]


class Ingest(NamedTuple):
    """Wall seconds, and samples of (Unix seconds, processor seconds of its own process)."""

    wall: float
    samples: Sequence[tuple[float, float]]

    def share(self, began: float, ended: float) -> float:
        """Of one processor, between two moments."""
        within = [sample for sample in self.samples if began <= sample[0] <= ended]
        (first, used), (last, used_then) = within[0], within[-1]
        return (used_then - used) / (last - first)


class Measured(NamedTuple):
    """Walls of both ways, seconds; the median start of a container; a bare one; the parent's share of a processor."""

    pool: float
    inline: float
    start: Start
    bare: float
    parent: float


def measure() -> Measured:
    """One ingest each way, of pictures alike but never the same. Raises NoEngine, RuntimeError."""
    with ExitStack() as parts:
        engine = parts.enter_context(running_engine())
        image = build_swatchbook(engine)
        folder = Path(parts.enter_context(TemporaryDirectory()))
        environment = parts.enter_context(_pool(engine, image, folder))
        inline, pool = (
            _ingest(environment, make_catalogue(folder / f"{way}.pdf", pictures=PICTURES, picture=_picture), way)
            for way in ("inline", "pool")
        )
        shards = _shards(engine, environment["PREFECT_API_URL"])
        return Measured(
            pool=pool.wall,
            inline=inline.wall,
            start=sorted(shards.starts, key=lambda each: each.whole)[len(shards.starts) // 2],
            bare=_bare_start(engine, image),
            parent=pool.share(shards.began, shards.ended),
        )


def measure_slots() -> tuple[float, float]:
    """Wall seconds of an ingest of a few pictures with SLOTS containers and with one, each with one processor."""
    walls = list[float]()
    with running_engine() as engine:
        image = build_swatchbook(engine)
        for slots in (SLOTS, 1):
            with TemporaryDirectory() as folder, _pool(engine, image, Path(folder), slots) as environment:
                catalogue = make_catalogue(Path(folder) / "few.pdf", pictures=FEW, picture=_picture)
                walls.append(_ingest(environment, catalogue, "pool").wall)
    return walls[0], walls[1]


@contextmanager
def _pool(engine: Engine, image: str, folder: Path, slots: int = SLOTS) -> Iterator[dict[str, str]]:
    """Servers and a Docker worker, each shard with its part of the processors; yields the settings that lead there."""
    folder.chmod(0o755)  # containers run as a user of the image's
    told = folder / "shards.env"
    with servers() as given:
        environment = bare_environment() | given | {
            "DOCKER_HOST": engine.address,
            "SWATCHBOOK_FILES_URL": str(folder / "files"),
            "SWATCHBOOK_SHARDS__IMAGE": image,
            "SWATCHBOOK_SHARDS__SLOTS": str(slots),
            "SWATCHBOOK_SHARDS__CPUS": str(_cpus()),
            "SWATCHBOOK_SHARDS__NETWORK": "host",
            "SWATCHBOOK_SHARDS__VOLUMES": f"{folder}:{folder},{told}:{SETTINGS_FILE}:ro",
        }  # fmt: skip
        told.write_text("".join(f"{name}={environment[name]}\n" for name in (f"SWATCHBOOK_{part}" for part in _SHARED)))
        subprocess.run([SWATCHBOOK, "serve", "setup"], env=environment, check=True, capture_output=True)
        worker = worker_part(folder, environment, "shards", SHARDS)
        try:
            worker.start()
            yield environment
        finally:
            worker.stop()
            if containers := _containers(engine):
                engine.run("rm", "--force", *containers)


def _picture(dice: np.random.Generator) -> bytes:
    """Soft patches of colour, as JPEG."""
    patches = Image.fromarray(dice.integers(0, 256, (12, 12, 3), dtype=np.uint8))
    out = BytesIO()
    patches.resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(out, "JPEG", quality=85)
    return out.getvalue()


def _ingest(environment: Mapping[str, str], catalogue: Path, execution: str) -> Ingest:
    """A whole ingest, looked at each second. Raises RuntimeError with the end of what it said."""
    given = {**environment, "SWATCHBOOK_EXECUTION": execution}
    log = catalogue.with_suffix(".log")
    with log.open("wb") as out:
        started = time.monotonic()
        process = psutil.Popen([SWATCHBOOK, "ingest", str(catalogue), "--no-focus"], env=given, stdout=out, stderr=out)
        samples = list(_samples(process))
        if process.wait():
            raise RuntimeError(
                f"{catalogue.name}: exit {process.returncode}\n{log.read_text(errors='replace')[-3000:]}"
            )
    return Ingest(time.monotonic() - started, samples)


def _samples(process: psutil.Popen) -> Iterator[tuple[float, float]]:
    with suppress(psutil.Error):  # it has just ended
        while process.poll() is None:
            times = process.cpu_times()
            yield time.time(), times.user + times.system
            time.sleep(1)


def _shards(engine: Engine, prefect: str) -> Shards:
    """What Prefect and the engine, whose containers are all still there, know of the shards of one document."""
    containers = {each["Config"]["Labels"][FLOW_RUN]: each for each in _inspect(engine)}
    runs = _ask(f"{prefect}/flow_runs/filter", flows={"name": {"any_": ["embed_shard"]}})
    return Shards(
        began=min(_seconds(run["start_time"]) for run in runs),
        ended=max(_seconds(run["end_time"]) for run in runs),
        starts=[_start(containers[run["id"]], run, prefect) for run in runs],
    )


def _start(container: Mapping[str, Any], run: Mapping[str, Any], prefect: str) -> Start:
    named = {"flow_runs": {"id": {"any_": [run["id"]]}}, "task_runs": {"name": {"like_": "batch"}}}
    first = min(_seconds(batch["start_time"]) for batch in _ask(f"{prefect}/task_runs/filter", **named))
    created, ran = _seconds(container["Created"]), _seconds(container["State"]["StartedAt"])
    began = _seconds(run["start_time"])
    return Start(created=ran - created, imported=began - ran, loaded=first - began)


def _ask(url: str, **wanted: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = httpx.post(url, json=wanted, timeout=30).raise_for_status().json()
    return found


def _bare_start(engine: Engine, image: str) -> float:
    """Median wall seconds of bare containers, as many at once as there are slots."""
    command = ["run", "--rm", "--network=host", f"--cpus={_cpus()}", image, "python3", "-c", _BARE]

    def run(_: int) -> float:
        started = time.monotonic()
        engine.run(*command)
        return time.monotonic() - started

    with ThreadPoolExecutor(SLOTS) as at_once:
        return median(at_once.map(run, range(BARE_STARTS)))


def _cpus() -> float:
    """Processors of each container."""
    return (os.cpu_count() or SLOTS) / SLOTS


def _inspect(engine: Engine) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(engine.run("inspect", *_containers(engine)))
    return found


def _containers(engine: Engine) -> list[str]:
    return engine.run("ps", "--all", "--quiet", f"--filter=label={FLOW_RUN}").split()


def _seconds(written: str) -> float:
    """Unix seconds; Docker writes nanoseconds, which Python does not read."""
    whole, _, fraction = written.rstrip("Z").partition(".")
    digits = fraction.partition("+")[0][:6].ljust(6, "0")
    return datetime.fromisoformat(f"{whole.partition('+')[0]}.{digits}+00:00").timestamp()
