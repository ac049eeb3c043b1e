"""Shards in containers, on a real engine: what dies there costs nothing, and the end comes by itself."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from deployments.pools import EMBED, SETTINGS_FILE
from swatchbook.ledger import accounts
from swatchbook.ledger.items import sources
from swatchbook.ledger.tables import images, items, placements, runs
from swatchbook.records import DocumentStatus, ItemState, Role
from swatchbook.verify import verify
from tests.conftest import ROOT, SOAK
from tests.containers.engine import Engine, NoEngine, running_engine
from tests.containers.images import build_swatchbook
from tests.doubles.models import picture_key
from tests.ledger_audit import count_writes, writes
from tests.servers.audit import Audit
from tests.servers.halfway import PICTURES, conclude, half_way, tell
from tests.servers.stack import SHARDS, Part, Stack, running_stack, worker_part

pytestmark = pytest.mark.timeout(1_500)  # the first run makes every image

DOUBLES = "/doubles"
"""Where the containers find the tests' own code, and nothing else of the checkout."""

SHARED = (
    "PROFILE",
    "LEDGER_URL",
    "FILES_URL",
    "WEAVIATE_URL",
    "WEAVIATE_GRPC_PORT",
    "WEAVIATE_API_KEY",
    "RETRY_DELAYS",
)
"""What a shard must be told; of the service's keys it knows nothing."""

LABEL = "io.prefect.flow-run-id"


@dataclass(frozen=True)
class Pool:
    """The stack, with a Docker worker for its pool of shards."""

    engine: Engine
    stack: Stack
    worker: Part

    def containers(self) -> dict[str, str]:
        """Flow run -> container, of all shards whose containers are there, ended or not."""
        shown = self.engine.run(
            "ps", "--all", f"--filter=label={LABEL}", f'--format={{{{.Label "{LABEL}"}}}} {{{{.ID}}}}'
        )
        return dict(line.split() for line in shown.splitlines())

    def out_of_memory(self) -> bool:
        """Whether any of them has ended for want of memory."""
        return "true" in self.engine.run("inspect", "--format={{.State.OOMKilled}}", *self.containers().values())

    def shards(self, document: str) -> list[dict[str, Any]]:
        """Runs of a document's shards, oldest first."""
        query = select(runs).where(runs.c.document == document, runs.c.kind == "shard").order_by(runs.c.token)
        with self.stack.lab.ledger.read() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def live(self, document: str) -> list[str]:
        """Flow runs of the shards at work."""
        return [shard["prefect_run"] for shard in self.shards(document) if shard["state"] == "live"]


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pool]:
    try:
        with running_engine() as engine:
            yield from _start(engine, tmp_path_factory.mktemp("pool"))
    except NoEngine as reason:
        pytest.skip(str(reason))


def _start(engine: Engine, folder: Path) -> Iterator[Pool]:
    folder.chmod(0o755)  # containers run as a user of the image's
    told = folder / "shards.env"
    volumes = (f"{folder}:{folder}", f"{told}:{SETTINGS_FILE}:ro", f"{ROOT / 'tests'}:{DOUBLES}/tests:ro")
    given = {
        "SWATCHBOOK_SHARD_IMAGE": build_swatchbook(engine),
        "SWATCHBOOK_SHARD_NETWORK": "host",
        "SWATCHBOOK_SHARD_VOLUMES": ",".join(volumes),
    }
    with running_stack(folder, **given) as stack:
        names = [f"SWATCHBOOK_{name}" for name in SHARED]
        told.write_text("".join(f"{name}={stack.environment[name]}\n" for name in names))
        lay_doubles(stack)
        count_writes(stack.lab.ledger)
        environment = {**stack.environment, "DOCKER_HOST": engine.address}
        pool = Pool(engine, stack, worker_part(folder, environment, "shards", SHARDS))
        try:
            pool.worker.start()
            yield pool
        finally:
            pool.worker.stop()
            if left := pool.containers().values():
                engine.run("rm", "--force", *left)


def lay_doubles(stack: Stack) -> None:
    """Let containers find what slows their encoders down, as the other parts do: tests/doubles/path."""
    template = stack.ask_prefect("GET", f"/work_pools/{EMBED}")["base_job_template"]
    template["job_configuration"]["env"] = {
        "PYTHONPATH": f"{DOUBLES}:{DOUBLES}/tests/doubles/path",
        "SWATCHBOOK_TEST_TROUBLE": stack.environment["SWATCHBOOK_TEST_TROUBLE"],
    }
    stack.ask_prefect("PATCH", f"/work_pools/{EMBED}", json={"base_job_template": template})


def killed_and_out_of_memory(pool: Pool, document: str) -> None:
    """One container in one way, another in the other."""
    pool.engine.run("kill", pool.containers()[pool.live(document)[0]])
    pool.stack.trouble(memory=1_024)
    pool.stack.wait_until(pool.out_of_memory, "a container has run out of memory")


def worker_killed(pool: Pool, document: str) -> None:
    """Its containers go on, and the next worker takes what is left."""
    pool.worker.kill(family=True)
    pool.worker.start()


DEATHS = [killed_and_out_of_memory, *([worker_killed] if SOAK else [])]


@pytest.mark.parametrize("death", DEATHS, ids=lambda death: death.__name__)
def test_what_dies_is_made_by_others(pool: Pool, tmp_path: Path, death: Callable[[Pool, str], None]) -> None:
    document = half_way(pool.stack, tmp_path / f"{death.__name__}.pdf", execution="pool")
    death(pool, document)
    pool.stack.trouble()
    conclude(pool.stack, death.__name__, document)
    shards = pool.shards(document)
    assert {shard["state"] for shard in shards} <= {"ended", "dead"}
    assert pool.containers().keys() >= {shard["prefect_run"] for shard in shards}
    assert str(Path("/proc/self/ns/pid").readlink()) not in {shard["pid_namespace"] for shard in shards}


def test_picture_that_kills_every_container_is_named_and_all_others_are_made(pool: Pool, tmp_path: Path) -> None:
    stack = pool.stack
    document = half_way(stack, tmp_path / "deadly.pdf", execution="pool")
    stack.trouble(deadly=an_open_picture(stack, document))
    seconds = stack.wait_for(document, DocumentStatus.WAITING, DocumentStatus.COMPLETED, DocumentStatus.FAILED)
    stack.trouble()
    report = accounts.report(stack.lab.ledger, document)
    assert report.status == DocumentStatus.WAITING
    assert {failed.kind for failed in report.failed_images} == {"crashed_worker"}
    found = Audit(
        missing=PICTURES - report.images_complete,
        twice=sum(times - 1 for times in writes(stack.lab.ledger).values()),
        unfound=sum(space.missing + space.foreign for space in verify(stack.lab).spaces),
    )
    tell("deadly_picture", found, seconds)
    assert found == Audit(missing=1, twice=0, unfound=0)


def an_open_picture(stack: Stack, document: str) -> str:
    """The key, as encoders know it, of a picture that nobody has taken up yet."""
    query = (
        select(items.c.key)
        .join(images, images.c.content_key == items.c.key)
        .join(placements, placements.c.image == images.c.id)
        .where(placements.c.document == document, items.c.role == Role.VISUAL, items.c.state == ItemState.PENDING)
    )
    with stack.lab.ledger.read() as connection:
        key = connection.execute(query.order_by(items.c.key).limit(1)).scalar_one()
    with stack.lab.files.local(sources(stack.lab.ledger, [key])[key]) as path:
        (pixels,) = stack.lab.decoders.decode([path], stack.lab.models.encoder.side)
    assert isinstance(pixels, np.ndarray)
    return picture_key(pixels)
