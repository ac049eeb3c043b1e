"""Pictures made in containers of the pool against the same made inline, and what a container's start is made of."""

import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import httpx
import numpy as np
import psutil
from PIL import Image

from benchmarks.run import SWATCHBOOK
from benchmarks.three import servers
from deployments.pools import SETTINGS_FILE
from tests.containers.engine import Engine, running_engine
from tests.containers.images import build_swatchbook
from tests.servers.catalogues import make_catalogue
from tests.servers.stack import SHARDS, bare_environment, worker_part

PICTURES, SIDE = 1_000, 1_000
SLOTS = 2

_BARE = (
    "import prefect, torch; from swatchbook.models.registry import load; from swatchbook.settings import load_settings;"
    "load(load_settings()).load_all()"
)
"""What a shard's container cannot do without."""

_SHARED = ("PROFILE", "LEDGER_URL", "FILES_URL", "WEAVIATE_URL", "WEAVIATE_GRPC_PORT")


class Start(NamedTuple):
    """Seconds from a container's creation to its first committed batch, by part."""

    created: float  # until its first process runs
    imported: float  # until its flow begins
    first_batch: float  # models, and one batch

    @property
    def whole(self) -> float:
        return sum(self)


class Measured(NamedTuple):
    """Walls of both ways, seconds; the quickest start of a container; a bare one; the parent's share of a processor."""

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
        inline, _ = _ingest(
            environment, make_catalogue(folder / "inline.pdf", pictures=PICTURES, picture=_picture), "inline"
        )
        pool, parent = _ingest(
            environment, make_catalogue(folder / "pool.pdf", pictures=PICTURES, picture=_picture), "pool"
        )
        start = min(_starts(engine, environment["PREFECT_API_URL"]), key=lambda each: each.whole)
        return Measured(pool, inline, start, _bare_start(engine, image), parent)


@contextmanager
def _pool(engine: Engine, image: str, folder: Path) -> Iterator[dict[str, str]]:
    """Servers and a Docker worker, each shard with its part of the processors; yields the settings that lead there."""
    folder.chmod(0o755)  # containers run as a user of the image's
    told = folder / "shards.env"
    with servers() as given:
        environment = bare_environment() | given | {
            "DOCKER_HOST": engine.address,
            "SWATCHBOOK_FILES_URL": str(folder / "files"),
            "SWATCHBOOK_SHARD_IMAGE": image,
            "SWATCHBOOK_SHARD_SLOTS": str(SLOTS),
            "SWATCHBOOK_SHARD_CPUS": str((os.cpu_count() or SLOTS) / SLOTS),
            "SWATCHBOOK_SHARD_NETWORK": "host",
            "SWATCHBOOK_SHARD_VOLUMES": f"{folder}:{folder},{told}:{SETTINGS_FILE}:ro",
        }  # fmt: skip
        told.write_text("".join(f"{name}={environment[name]}\n" for name in (f"SWATCHBOOK_{part}" for part in _SHARED)))
        subprocess.run([SWATCHBOOK, "setup"], env=environment, check=True, capture_output=True)
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


def _ingest(environment: Mapping[str, str], catalogue: Path, execution: str) -> tuple[float, float]:
    """(wall seconds, processor seconds of the run itself ÷ wall while its shards were made)."""
    given = {**environment, "SWATCHBOOK_EXECUTION": execution}
    command = [SWATCHBOOK, "ingest", str(catalogue), "--no-focus"]
    log = catalogue.with_name(f"{execution}.log")
    with log.open("wb") as out:
        started = time.monotonic()
        process = psutil.Popen(command, env=given, stdout=out, stderr=out)
        shares = list(_samples(process, environment["PREFECT_API_URL"]))
        if process.wait():
            raise RuntimeError(f"{command}: exit {process.returncode}\n{log.read_text(errors='replace')[-3000:]}")
    wall = time.monotonic() - started
    if len(shares) < 2:
        return wall, 0.0
    (begun, used), (ended, used_then) = shares[0], shares[-1]
    return wall, (used_then - used) / (ended - begun)


def _samples(process: psutil.Process, prefect: str) -> Iterator[tuple[float, float]]:
    """(now, processor seconds of the process) each second, while shards of it are under way."""
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        if any(run["state_type"] in ("PENDING", "RUNNING") for run in _shards(prefect)):
            try:
                times = process.cpu_times()
            except psutil.NoSuchProcess:
                return
            yield time.monotonic(), times.user + times.system
        time.sleep(1)


def _shards(prefect: str) -> list[dict[str, Any]]:
    wanted = {"flows": {"name": {"any_": ["embed_shard"]}}}
    runs: list[dict[str, Any]] = httpx.post(f"{prefect}/flow_runs/filter", json=wanted, timeout=30).json()
    return runs


def _starts(engine: Engine, prefect: str) -> Iterator[Start]:
    """Of all containers that are still there."""
    inspected = {each["Config"]["Labels"]["io.prefect.flow-run-id"]: each for each in _inspect(engine)}
    for run in _shards(prefect):
        container = inspected[run["id"]]
        wanted = {"flow_runs": {"id": {"any_": [run["id"]]}}, "task_runs": {"name": {"like_": "batch"}}}
        batches = httpx.post(f"{prefect}/task_runs/filter", json=wanted, timeout=30).json()
        created, ran = _seconds(container["Created"]), _seconds(container["State"]["StartedAt"])
        began, first = _seconds(run["start_time"]), min(_seconds(batch["end_time"]) for batch in batches)
        yield Start(created=ran - created, imported=began - ran, first_batch=first - began)


def _bare_start(engine: Engine, image: str) -> float:
    started = time.monotonic()
    engine.run(
        "run", "--rm", "--network=host", f"--cpus={(os.cpu_count() or SLOTS) / SLOTS}", image, "python3", "-c", _BARE
    )
    return time.monotonic() - started


def _inspect(engine: Engine) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(engine.run("inspect", *_containers(engine)))
    return found


def _containers(engine: Engine) -> list[str]:
    return engine.run("ps", "--all", "--quiet", "--filter=label=io.prefect.flow-run-id").split()


def _seconds(written: str) -> float:
    """Unix seconds; Docker writes nanoseconds, which Python does not read."""
    whole, _, fraction = written.rstrip("Z").partition(".")
    digits = fraction.partition("+")[0][:6].ljust(6, "0")
    return datetime.fromisoformat(f"{whole.partition('+')[0]}.{digits}+00:00").timestamp()
