"""The real command on a real socket: it says where it is, keeps its bounds, and ends when it is told to."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from itertools import product
from pathlib import Path

import httpx
import psutil
import pytest

from swatchbook.domain.records import DocumentStatus
from swatchbook.domain.settings import Settings
from swatchbook.store.ledger.database import open_ledger
from swatchbook.store.ledger.stored_documents import list_documents
from swatchbook.store.ledger.tables import runs
from tests.command import Command, run, running
from tests.fixtures import free_port
from tests.ledger_audit import count_writes, writes
from tests.servers.catalogues import make_catalogue
from tests.store.ledger.scene import count
from tests.waiting import until

PATIENCE = 30  # seconds, on a busy machine


@contextmanager
def serving(home: Path, *words: str, **environment: str) -> Iterator[tuple[Command, http.client.HTTPConnection]]:
    """`swatchbook serve` on a free port, and a connection to it."""
    bare = {name: "" for name in os.environ if name.startswith(("SWATCHBOOK_", "PREFECT_"))}
    with running("serve", "--port", "0", *words, **bare | {"SWATCHBOOK_HOME": str(home)} | environment) as command:
        assert command.process.stdout is not None
        line = command.process.stdout.readline().decode()
        said = re.fullmatch(r"Swatchbook at http://([\w.\[\]:]+):(\d+) · docs at http://\1:\2/docs\n", line)
        assert said, line + command.process.communicate(timeout=PATIENCE)[1].decode()
        yield command, http.client.HTTPConnection(said[1].strip("[]"), int(said[2]), timeout=PATIENCE)


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_service_answers_at_its_address_and_ends_cleanly(home: Path, sign: signal.Signals) -> None:
    with serving(home) as (command, connection):
        connection.request("GET", "/ready")
        assert json.loads(connection.getresponse().read())["status"] == "ready"
        command.process.send_signal(sign)
        status, out, err = command.wait(PATIENCE)
        assert (status, out) == (0, ""), err
        assert "Traceback" not in err


def test_it_says_what_ingests_lack(home: Path) -> None:
    with serving(home, SWATCHBOOK_DISCOVERY="llm") as (command, _):
        assert command.process.stdout
        said = command.process.stdout.readline().decode()
    assert said.startswith("Ingests would be blocked here: SWATCHBOOK_LLM__MODEL and SWATCHBOOK_LLM__API_KEY are not")


def test_it_does_not_wait_for_its_loop(home: Path) -> None:
    """As `gc` in a large collection, whose thread nothing can interrupt."""
    program = (
        "import asyncio, time\n"
        "from swatchbook_service import app, serve\n"
        "from swatchbook.domain.settings import load_settings\n"
        "async def loop(*_): await asyncio.to_thread(time.sleep, 300)\n"
        "settings = load_settings()\n"
        "serve.run(app.create_app(settings, loop=loop), settings, lambda address: print(address, flush=True))\n"
    )
    environment = {**os.environ, "SWATCHBOOK_HOME": str(home), "SWATCHBOOK_PORT": str(free_port())}
    with subprocess.Popen([sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().decode().strip()
            assert httpx.get(f"{address}/live", timeout=PATIENCE).status_code == 200
            process.terminate()
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()


@pytest.mark.stack
def test_two_services_on_one_home_make_everything_once(home: Path, tmp_path: Path) -> None:
    files = [make_catalogue(tmp_path / f"{name}.pdf", pictures=2) for name in ("oak", "ash")]
    with ExitStack() as opened:
        ports = [opened.enter_context(serving(home))[1].port for _ in range(2)]
        ledger = opened.enter_context(closing(open_ledger(Settings(home=home).ledger)))
        count_writes(ledger)

        def send(to: tuple[int, Path]) -> None:
            data = {"file": (to[1].name, to[1].read_bytes())}
            assert httpx.post(f"http://127.0.0.1:{to[0]}/documents", files=data, timeout=PATIENCE).status_code == 202

        with ThreadPoolExecutor() as pool:
            list(pool.map(send, product(ports, files)))
        until(lambda: len(list_documents(ledger, status=DocumentStatus.COMPLETED)) == 2, 300)
        for port in ports:
            address = f"http://127.0.0.1:{port}/search?text=tiles"
            until(lambda address=address: len(httpx.get(address, timeout=PATIENCE).json()["hits"]) == 4)
        assert count(ledger, runs, kind="document") == len(list_documents(ledger)) == 2
        assert set(writes(ledger).values()) == {1}


def test_a_port_in_use_is_a_clear_error(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, out, err = Command("serve", "--port", str(port), SWATCHBOOK_HOME=str(home)).wait(PATIENCE)
    assert (status, out) == (1, "")
    assert f"Port {port} on 127.0.0.1 is in use." in err
    assert "Traceback" not in err


def test_heavy_libraries_are_loaded_only_when_needed(home: Path) -> None:
    code = (
        "import sys\n"
        "from fastapi.testclient import TestClient\n"
        "from swatchbook_service import serve\n"
        "from swatchbook_service.app import create_app\n"
        "from swatchbook.domain.settings import load_settings\n"
        "with TestClient(create_app(load_settings()), base_url='http://127.0.0.1') as client:\n"
        "    assert client.get('/ready').status_code == client.get('/documents').status_code == 200\n"
        "print([name for name in ('torch', 'prefect', 'transformers') if name in sys.modules])\n"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert (run.stdout, run.returncode) == ("[]\n", 0), run.stderr


pytestmark = pytest.mark.stack
SECONDS = 180.0


@pytest.fixture
def environment(home: Path) -> dict[str, str]:
    return {"PREFECT_API_URL": "", "PREFECT_SERVER_API_PORT": str(free_port()), "SWATCHBOOK_PORT": str(free_port())}


@pytest.fixture
def served(environment: dict[str, str]) -> Iterator[tuple[Command, str]]:
    url = f"http://127.0.0.1:{environment['SWATCHBOOK_PORT']}"
    with running("serve", "--with-prefect", **environment) as command:
        until(lambda: answers(f"{url}/ready") or command.process.poll() is not None, SECONDS)
        yield command, url


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=60).status_code == 200
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


@pytest.mark.gate
def test_upload_is_processed_and_interrupt_ends_everything(served: tuple[Command, str], tmp_path: Path) -> None:
    command, url = served
    until(lambda: httpx.get(f"{url}/health", timeout=30).json()["status"] == "ok", SECONDS)
    catalogue = make_catalogue(tmp_path / "tiles.pdf", pictures=4)
    form = {"options": '{"focus": false}'}
    with catalogue.open("rb") as file:
        answer = httpx.post(f"{url}/documents", files={"file": ("tiles.pdf", file)}, data=form, timeout=60)
    document = answer.json()["id"]
    until(lambda: httpx.get(f"{url}/documents/{document}", timeout=30).json()["status"] == "completed", SECONDS)
    (worker,) = named(command, "worker start")
    worker.kill()
    until(
        lambda: [each.pid for each in named(command, "worker start")] not in ([], [worker.pid]), SECONDS
    )  # started again
    processes = family(command)
    assert named(command, "server start")
    os.kill(command.process.pid, signal.SIGINT)  # as Ctrl-C does
    status, out, _ = command.wait()
    assert status == 0
    assert "Prefect at http" in out
    until(lambda: gone(processes), SECONDS)


def test_killed_service_ends_its_server_and_worker(served: tuple[Command, str]) -> None:
    command, _ = served
    processes = family(command)
    assert len(processes) >= 2
    command.process.kill()
    until(lambda: gone(processes), SECONDS)


@pytest.mark.usefixtures("home")
def test_a_second_server_is_refused(environment: dict[str, str]) -> None:
    run("serve", "--with-prefect", expect=1, **{**environment, "PREFECT_API_URL": "http://127.0.0.1:1/api"})
