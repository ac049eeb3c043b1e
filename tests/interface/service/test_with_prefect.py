"""`swatchbook serve --with-prefect`: three processes that start with one command and end with it."""

import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest

from tests.command import Command, run, running
from tests.conftest import free_port
from tests.servers.catalogues import make_catalogue

pytestmark = pytest.mark.stack
SECONDS = 180.0


@pytest.fixture
def environment(home: Path) -> dict[str, str]:
    return {"PREFECT_API_URL": "", "PREFECT_SERVER_API_PORT": str(free_port()), "SWATCHBOOK_PORT": str(free_port())}


@pytest.fixture
def served(environment: dict[str, str]) -> Iterator[tuple[Command, str]]:
    """The running command, and the address of its service."""
    url = f"http://127.0.0.1:{environment['SWATCHBOOK_PORT']}"
    with running("serve", "--with-prefect", **environment) as command:
        until(lambda: answers(f"{url}/ready") or command.process.poll() is not None)
        yield command, url


def until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.2)


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=10).status_code == 200
    except httpx.HTTPError:
        return False


def family(command: Command) -> list[psutil.Process]:
    return psutil.Process(command.process.pid).children(recursive=True)


def named(command: Command, what: str) -> list[psutil.Process]:
    found = []
    for each in family(command):
        with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):  # it has just ended
            if re.search(what, " ".join(each.cmdline())):
                found.append(each)
    return found


def gone(processes: list[psutil.Process]) -> bool:
    return not any(each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in processes)


def test_an_upload_is_worked_on_and_ctrl_c_ends_everything(served: tuple[Command, str], tmp_path: Path) -> None:
    command, url = served
    until(lambda: httpx.get(f"{url}/health", timeout=30).json()["status"] == "ok")
    catalogue = make_catalogue(tmp_path / "tiles.pdf", pictures=4)
    form = {"options": '{"focus": false}'}
    with catalogue.open("rb") as file:
        answer = httpx.post(f"{url}/documents", files={"file": ("tiles.pdf", file)}, data=form, timeout=60)
    document = answer.json()["id"]
    until(lambda: httpx.get(f"{url}/documents/{document}", timeout=30).json()["status"] == "completed")
    (worker,) = named(command, "worker start")
    worker.kill()
    until(lambda: [each.pid for each in named(command, "worker start")] not in ([], [worker.pid]))  # started again
    processes = family(command)
    assert named(command, "server start")
    os.kill(command.process.pid, signal.SIGINT)  # as Ctrl-C does
    status, out, _ = command.wait()
    assert status == 0
    assert "Prefect at http" in out
    until(lambda: gone(processes))


def test_a_killed_service_takes_its_server_and_worker_with_it(served: tuple[Command, str]) -> None:
    command, _ = served
    processes = family(command)
    assert len(processes) >= 2
    command.process.kill()
    until(lambda: gone(processes))


@pytest.mark.usefixtures("home")
def test_a_second_server_is_refused(environment: dict[str, str]) -> None:
    run("serve", "--with-prefect", expect=1, **{**environment, "PREFECT_API_URL": "http://127.0.0.1:1/api"})
