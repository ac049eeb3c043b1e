"""Flow runs of the pool of shards held against containers of an engine, by hand and by `swatchbook serve worker`."""

import asyncio
import logging
import os
import secrets
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import docker
import psutil
import pytest
from prefect.client.schemas.objects import State, StateType
from prefect.states import Cancelling, Completed, Pending, Running
from test_launch import with_client

from swatchbook.deployments.declared import EMBED
from swatchbook.domain.errors import ProviderDown
from swatchbook.domain.settings import Settings
from swatchbook_service import containers
from swatchbook_service.containers import (
    Reconciled,
    find_engine,
    keep_reconciling,
    reconcile,
    worker_name,
)
from swatchbook_service.pools import LABELS, Kind, shard_pool
from swatchbook_service.scheduler.launch import prefect
from tests.command import attempt
from tests.containers.engine import NoEngine, bare_engine
from tests.deployments.conftest import remove_flow_runs
from tests.fixtures import free_port

pytestmark = pytest.mark.stack

IMAGE = "swatchbook-test/sleep"
FOR_EVER = ["/bin/sleep", "600"]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of an engine that has an image of `sleep` and nothing else, made of this machine's."""
    folder = tmp_path_factory.mktemp("engine")
    try:
        with bare_engine(folder) as engine:
            engine.run("import", _archive(folder / "sleep.tar"), IMAGE)
            yield engine.address
    except NoEngine as reason:
        pytest.skip(str(reason))


def _archive(file: Path) -> Path:
    needed = [word for word in subprocess.check_output(["ldd", "/bin/sleep"], text=True).split() if word[0] == "/"]
    with tarfile.open(file, "w", dereference=True) as archive:
        for path in ["/bin/sleep", *needed]:
            archive.add(path)
    return file


@pytest.fixture
def engine(address: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[docker.DockerClient]:
    monkeypatch.setenv("DOCKER_HOST", address)
    client = find_engine()
    yield client
    for container in client.containers.list(all=True, ignore_removed=True, filters={"label": _labels(LABELS)}):
        container.remove(force=True)
    client.close()


@pytest.fixture
def pool(prefect_api: str, engine: docker.DockerClient) -> Iterator["Pool"]:
    made = asyncio.run(_set_up(engine))
    yield made
    asyncio.run(_remove(made))


class Pool:
    def __init__(self, identity: UUID, deployment: UUID, engine: docker.DockerClient) -> None:
        self.identity, self.deployment, self.engine = identity, deployment, engine
        self.worker = worker_name(engine)

    def flow_run(self, *states: State[Any], worker: str | None = None) -> UUID:
        """One that a worker, ours if not said, has brought through these states."""

        async def make(client: Any) -> UUID:
            run = await client.create_flow_run_from_deployment(self.deployment, parameters={"manifest": "0" * 64})
            await client.update_flow_run_labels(run.id, {"prefect.worker.name": worker or self.worker})
            for state in states:
                await client.set_flow_run_state(run.id, state, force=True)
            return UUID(str(run.id))

        found: UUID = with_client(make)
        return found

    def state(self, flow_run: UUID) -> StateType:
        found: StateType = with_client(lambda client: client.read_flow_run(flow_run)).state_type
        return found

    def container(self, flow_run: UUID, *, pool: UUID | None = None, command: list[str] = FOR_EVER) -> Any:
        labels = {"io.prefect.flow-run-id": str(flow_run), "io.prefect.work-pool-id": str(pool or self.identity)}
        return self.engine.containers.run(
            IMAGE, command, labels={**LABELS, **labels}, network_mode="none", init=True, detach=True
        )

    def containers(self) -> set[str]:
        label = _labels(LABELS)
        return {found["Id"] for found in self.engine.api.containers(all=True, filters={"label": label})}

    def running(self, *labels: str) -> list[Any]:
        found: list[Any] = self.engine.containers.list(filters={"label": [*_labels(LABELS), *labels]})
        return found

    def round(self, *, worker_began: float = 0.0) -> Reconciled:
        """`worker_began`: so many seconds ago; what became Pending before that was lost."""
        since = datetime.now(UTC) - timedelta(seconds=worker_began)
        done: Reconciled = with_client(lambda client: reconcile(client, self.engine, worker=self.worker, since=since))
        return done


def _labels(labels: Any) -> list[str]:
    return [f"{name}={value}" for name, value in labels.items()]


async def _set_up(engine: docker.DockerClient) -> Pool:
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.types.entrypoint import EntrypointType

    from swatchbook.flows.embed_shard import embed_shard

    pool = shard_pool(Kind.DOCKER, Settings(shards={"image": IMAGE, "network": "none"}))
    job = pool.template["job_configuration"] | {"command": " ".join(FOR_EVER)}
    template = pool.template | {"job_configuration": job}
    async with prefect() as client:
        wanted = WorkPoolCreate(name=EMBED, type="docker", base_job_template=template)
        made = await client.create_work_pool(wanted, overwrite=True)
        deployment = await embed_shard.ato_deployment(
            name="embed_shard", work_pool_name=EMBED, entrypoint_type=EntrypointType.MODULE_PATH
        )
        return Pool(made.id, await deployment.aapply(), engine)


async def _remove(pool: Pool) -> None:
    await remove_flow_runs()
    async with prefect() as client:
        await client.delete_deployment(pool.deployment)
        await client.delete_work_pool(EMBED)


def test_run_an_earlier_worker_lost_frees_its_slot(pool: Pool) -> None:
    lost = [pool.flow_run(Running()), pool.flow_run(Pending()), pool.flow_run(Running(), Cancelling())]
    pool.container(lost[0], command=["/bin/sleep", "0"]).wait()
    done = pool.round()
    assert set(done.crashed) == {str(run) for run in lost[:2]}
    assert done.cancelled == (str(lost[2]),)
    assert [pool.state(run) for run in lost] == [StateType.CRASHED, StateType.CRASHED, StateType.CANCELLED]
    assert pool.round() == Reconciled()


def test_live_worker_has_a_minute_to_report_runs(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it submits stays with it."""
    submitted, gone, ended = pool.flow_run(Pending()), pool.flow_run(Running()), pool.flow_run(Pending())
    pool.container(ended, command=["/bin/sleep", "0"]).wait()
    assert pool.round(worker_began=60) == Reconciled()
    monkeypatch.setattr(containers, "GRACE_SECONDS", 0.0)
    assert set(pool.round(worker_began=60).crashed) == {str(gone), str(ended)}
    assert pool.state(submitted) == StateType.PENDING


def test_flow_runs_of_other_engines_are_left_alone(pool: Pool) -> None:
    elsewhere = [pool.flow_run(state, worker="another machine") for state in (Running(), Pending())]
    here = pool.flow_run(Running(), worker="a worker started by hand")
    pool.container(here, command=["/bin/sleep", "0"]).wait()
    assert pool.round().crashed == (str(here),)
    assert [pool.state(run) for run in elsewhere] == [StateType.RUNNING, StateType.PENDING]


def test_containers_that_nobody_waits_for_are_stopped(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    ending, gone = pool.container(pool.flow_run(Completed())), pool.container(uuid4())
    stranger = pool.container(uuid4(), pool=uuid4())
    assert pool.round() == Reconciled()  # they may end by themselves
    monkeypatch.setattr(containers, "GRACE_SECONDS", 0.0)
    assert set(pool.round().removed) == {ending.id, gone.id}
    assert pool.containers() == {stranger.id}


def test_only_finished_containers_go_after_a_while(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    finished = pool.container(uuid4(), command=["/bin/sleep", "0"])
    finished.wait()
    flow_run = pool.flow_run(Running())
    live = pool.container(flow_run)
    unlabelled = pool.engine.containers.create(IMAGE, FOR_EVER, network_mode="none")
    assert pool.round().pruned == 0
    monkeypatch.setattr(containers, "KEPT", "0s")
    assert pool.round().pruned == 1
    assert pool.containers() == {live.id}
    unlabelled.remove()


def test_engine_that_is_away_is_sat_out(
    pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    lost = pool.flow_run(Running())
    absent = docker.DockerClient(base_url=f"unix://{tmp_path}/none", version="1.41")
    with pytest.raises(ProviderDown, match="Docker"):
        with_client(lambda client: reconcile(client, absent, worker=pool.worker, since=datetime.now(UTC)))
    assert pool.state(lost) == StateType.RUNNING  # nobody knows
    monkeypatch.setattr(containers, "EVERY_SECONDS", 0.1)

    async def some_rounds(engine: docker.DockerClient) -> None:
        await asyncio.wait_for(keep_reconciling(engine, worker=pool.worker, since=datetime.now(UTC)), 2)

    with caplog.at_level(logging.INFO), pytest.raises(TimeoutError):
        asyncio.run(some_rounds(absent))
    assert [record.levelname for record in caplog.records if "reconciling" in record.message] == ["WARNING"]


PATIENCE = 120.0  # seconds: on a busy machine a worker takes half a minute to start


class Worker:
    def __init__(self, folder: Path) -> None:
        self.log = folder / f"worker-{secrets.token_hex(4)}.log"  # a successor's own: its words are waited for
        given = {"SWATCHBOOK_HOME": str(folder / "home"), "PREFECT_WORKER_WEBSERVER_PORT": str(free_port())}
        with self.log.open("xb") as out:
            self.process = psutil.Popen(
                [sys.executable, "-m", "swatchbook.doors.cli.main", "serve", "worker"],
                env={**os.environ, "PYTHONPATH": str(Path.cwd()), **given}, stdout=out, stderr=out,
            )  # fmt: skip

    def ends(self) -> int:
        return int(self.process.wait(PATIENCE))


def wait_until(true: Callable[[], bool], log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, log.read_text()[-4000:]
        time.sleep(0.2)


@pytest.mark.usefixtures("prefect_api", "home")
@pytest.mark.parametrize(("lacking", "given"), [("PREFECT_API_URL", ""), ("DOCKER_HOST", "unix:///nowhere")])
def test_worker_says_what_it_lacks(lacking: str, given: str) -> None:
    status, out, err = attempt("serve", "worker", **{lacking: given})
    assert status == 1
    assert lacking in out + err


def test_killed_worker_s_successor_frees_what_it_held(pool: Pool, tmp_path: Path) -> None:
    first = Worker(tmp_path)
    taken, waiting = (
        with_client(
            lambda client: client.create_flow_run_from_deployment(pool.deployment, parameters={"manifest": "0" * 64})
        )
        for _ in range(2)
    )
    # Both run: a start that is under way when its worker is killed would bring a container that the kill below misses.
    wait_until(lambda: len(pool.running()) == 2, first.log)
    family = first.process.children(recursive=True)
    first.process.kill()
    first.ends()
    assert family
    psutil.wait_procs(family, timeout=10)
    assert not any(process.is_running() for process in family)  # else it would serve the pool beside the next
    (container,) = pool.running(f"io.prefect.flow-run-id={taken.id}")
    container.kill()
    second = Worker(tmp_path)
    wait_until(lambda: pool.state(taken.id) == StateType.CRASHED, second.log)
    assert pool.state(waiting.id) == StateType.PENDING  # its container lives
    wait_until(lambda: "started" in second.log.read_text(), second.log)
    second.process.send_signal(signal.SIGTERM)
    assert second.ends() == 0
