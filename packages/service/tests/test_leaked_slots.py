"""Slots of a deployment that a killed Prefect server has leaked are found and freed, and only these."""

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Completed, Pending, Running, Scheduled
from test_setup import ask

from swatchbook.deployments.tick import tick
from swatchbook.doors.prefect_server import SERVER_ENVIRONMENT
from swatchbook.resources import Resources
from swatchbook_service.scheduler.leaked_slots import free_leaked_slots
from swatchbook_service.setup import Mode, set_up
from tests.fixtures import free_port, prefect_address, start_prefect

pytestmark = pytest.mark.stack

FLOW = "ingest_images"


class Killable:
    """A Prefect server of one's own, set up, that is killed and started again on the same database."""

    def __init__(self, home: Path) -> None:
        self.home, self.port, self.address = home, (port := free_port()), prefect_address(port)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, **given: str) -> None:
        self.process = start_prefect(self.home, self.port, **given)

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()

    def lease(self) -> str:
        asked = {"names": [f"deployment:{deployment().id}"], "slots": 1, "lease_duration": 300}
        answer = httpx.post(f"{self.address}/v2/concurrency_limits/increment-with-lease", json=asked, timeout=60)
        return str(answer.raise_for_status().json()["lease_id"])

    def renew(self, lease: str) -> int:
        asked = {"lease_duration": 300}
        return httpx.post(
            f"{self.address}/v2/concurrency_limits/leases/{lease}/renew", json=asked, timeout=60
        ).status_code


@pytest.fixture
def server(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Killable]:
    server = Killable(tmp_path / "server")
    server.home.mkdir()
    monkeypatch.setenv("PREFECT_API_URL", server.address)
    with temporary_settings({PREFECT_API_URL: server.address}):
        yield server
    server.kill()


def deployment() -> Any:
    return ask(lambda client: client.read_deployment_by_name(f"{FLOW}/{FLOW}"))


def taken() -> int:
    return int(deployment().global_concurrency_limit.active_slots)


def freed() -> tuple[str, ...]:
    return ask(free_leaked_slots)


def flow_run(*states: Any) -> Any:
    return ask(lambda client: _take_through(client, states))


async def _take_through(client: Any, states: Any) -> Any:
    found = await client.read_deployment_by_name(f"{FLOW}/{FLOW}")
    run = await client.create_flow_run_from_deployment(found.id, parameters={"source": "/x"})
    for state in states:
        await client.set_flow_run_state(run.id, state)
    return run


def test_slots_leaked_by_a_killed_server_are_freed(server: Killable, resources: Resources) -> None:
    server.start()
    asyncio.run(set_up(resources.settings, Mode()))
    leases = [server.lease() for _ in range(2)]
    held = flow_run(Pending(), Running())
    server.kill()
    server.start()
    assert [server.renew(lease) for lease in leases] == [410, 410], "the server has forgotten who holds them"
    assert taken() == 3
    stopped = flow_run(Pending())
    assert ask(lambda client: client.read_flow_run(stopped.id)).state_name == "AwaitingConcurrencySlot"
    assert asyncio.run(tick(resources)).freed == (FLOW, FLOW)
    assert taken() == 1
    assert freed() == (), "a flow run at work keeps its slot"
    ask(lambda client: client.set_flow_run_state(held.id, Completed()))
    assert taken() == 0
    flow_run(Pending())
    assert (taken(), freed()) == (1, ())


def test_holders_coming_and_going_meanwhile_lose_no_slot(server: Killable, resources: Resources) -> None:
    server.start()
    asyncio.run(set_up(resources.settings, Mode()))
    ended = flow_run(Pending(), Running())

    async def free_while_one_ends(client: Any) -> tuple[str, ...]:
        look, looks = client.read_flow_runs, 0

        async def look_and_end(**given: Any) -> Any:
            nonlocal looks
            looks += 1
            if looks == 1:  # its slot was counted before
                await client.set_flow_run_state(ended.id, Completed())
            found = await look(**given)
            if looks == 1:
                other = await _take_through(client, [Pending(), Running()])
                assert other
            return found

        client.read_flow_runs = look_and_end
        return await free_leaked_slots(client)

    assert ask(free_while_one_ends) == ()
    assert taken() == 1
    retried = flow_run(Pending(), Running())
    ask(lambda client: client.set_flow_run_state(retried.id, Scheduled(name="Late"), force=True))
    assert (taken(), freed()) == (1, ())


def test_leases_outlive_the_server_as_we_start_it(server: Killable, resources: Resources) -> None:
    server.start(**SERVER_ENVIRONMENT)
    asyncio.run(set_up(resources.settings, Mode()))
    lease = server.lease()
    server.kill()
    server.start(**SERVER_ENVIRONMENT)
    assert server.renew(lease) == 204
