"""The stack with a Docker worker for its pool of shards, and what tests ask of its containers."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from swatchbook.deployments.declared import EMBED
from swatchbook.store.ledger.tables import items
from swatchbook_service.pools import SETTINGS_FILE
from tests.containers.engine import Engine
from tests.containers.images import build_swatchbook
from tests.fixtures import ROOT
from tests.ledger_audit import count_writes
from tests.servers.audit import runs_of
from tests.servers.stack import SHARDS, Part, Stack, running_stack, worker_part

DOUBLES = "/doubles"
"""Where the containers find the tests' own code, and nothing else of the checkout."""

SHARED = [
    "INDEX",
    "LEDGER_URL",
    "FILES_URL",
    "WEAVIATE__URL",
    "WEAVIATE__GRPC_PORT",
    "WEAVIATE__API_KEY",
    "RETRY_DELAYS",
]
"""What a shard must be told; of the service's keys it knows nothing."""

LABEL = "io.prefect.flow-run-id"


@dataclass(frozen=True)
class Pool:
    engine: Engine
    stack: Stack
    worker: Part

    def containers(self, *, running: bool = False) -> dict[str, str]:
        """Flow run -> container, of all shards whose containers are there, ended or not."""
        which = [] if running else ["--all"]
        shown = self.engine.run(
            "ps", *which, f"--filter=label={LABEL}", f'--format={{{{.Label "{LABEL}"}}}} {{{{.ID}}}}'
        )
        return dict(line.split() for line in shown.splitlines())

    def out_of_memory(self) -> bool:
        return "true" in self.engine.run("inspect", "--format={{.State.OOMKilled}}", *self.containers().values())

    def live(self, document: str) -> list[str]:
        return [shard["prefect_run"] for shard in runs_of(self.stack, document) if shard["state"] == "live"]

    def held(self) -> int:
        query = select(func.count()).select_from(items).where(items.c.lease.is_not(None))
        return int(self.stack.resources.ledger.execute(query).scalar_one())

    def pending(self, document: str) -> list[dict[str, Any]]:
        """Flow runs of a document's shards that the worker has taken, and that have not begun."""
        given = {"tags": {"all_": [document]}, "state": {"type": {"any_": ["PENDING"]}}}
        found = self.stack.ask_prefect("POST", "/flow_runs/filter", json={"flow_runs": given})
        return [run for run in found if run["work_pool_name"] == EMBED]

    @contextmanager
    def job(self, **changed: Any) -> Iterator[None]:
        """Its template with something changed, for a while."""
        before = self.stack.configure_pool(EMBED, **changed)
        try:
            yield
        finally:
            self.stack.ask_prefect("PATCH", f"/work_pools/{EMBED}", json={"base_job_template": before})


@contextmanager
def running_pool(engine: Engine, folder: Path) -> Iterator[Pool]:
    """All of it, with nothing left of its containers, however this ends."""
    folder.chmod(0o755)  # containers run as a user of the image's
    told = folder / "shards.env"
    volumes = (f"{folder}:{folder}", f"{told}:{SETTINGS_FILE}:ro", f"{ROOT / 'tests'}:{DOUBLES}/tests:ro")
    given = {
        "SWATCHBOOK_SHARDS__IMAGE": build_swatchbook(engine),
        "SWATCHBOOK_SHARDS__NETWORK": "host",
        "SWATCHBOOK_SHARDS__SLOTS": "2",
        "SWATCHBOOK_SHARDS__VOLUMES": ",".join(volumes),
    }
    with running_stack(folder, **given) as stack:
        told.write_text(
            "".join(f"{name}={stack.environment[name]}\n" for name in (f"SWATCHBOOK_{each}" for each in SHARED))
        )
        count_writes(stack.resources.ledger)
        environment = {**stack.environment, "DOCKER_HOST": engine.address}
        pool = Pool(engine, stack, worker_part(folder, environment, "shards", SHARDS))
        # Let containers find what slows their encoders down, as the other parts do: tests/doubles/path.
        doubles = {
            "PYTHONPATH": f"{DOUBLES}:{DOUBLES}/tests/doubles/path",
            "SWATCHBOOK_TEST_TROUBLE": stack.environment["SWATCHBOOK_TEST_TROUBLE"],
        }
        try:
            with pool.job(env=doubles):
                pool.worker.start()
                yield pool
        finally:
            pool.worker.stop()
            if left := pool.containers().values():
                engine.run("rm", "--force", *left)
