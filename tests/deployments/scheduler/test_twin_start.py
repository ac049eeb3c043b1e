"""Two services that start at the same moment on an empty database and an empty Prefect become one collection."""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psycopg
import pytest

from devtools.weaviate import free_ports
from swatchbook.deployments.declared import flow_names
from swatchbook.deployments.setup import NOTIFICATION, WAITING_NOTIFICATION
from tests.command import bare_environment
from tests.deployments.test_setup import LOOK, Outcome, ask, bare, set_up_now
from tests.forked import Forked
from tests.postgres import RunningPostgres, postgres
from tests.servers.stack import settings_of

__all__ = ["bare", "postgres"]

pytestmark = pytest.mark.stack

HOOK = "https://hooks.example.org/hush"


class Twins:
    """Two services on one home, ledger and Prefect, whose rounds come every other second."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        self.given = settings_of(environment)
        self.urls = [f"http://127.0.0.1:{port}" for port in free_ports(2)]
        self.logs = [folder / f"service-{number}.log" for number in range(2)]
        self.services = [
            Forked(
                ("tests.servers.impatient", "serve", "--port", url.rpartition(":")[2]), environment, folder, log, log
            )
            for url, log in zip(self.urls, self.logs, strict=True)
        ]

    def until(self, holds: Callable[[], object]) -> None:
        end = time.monotonic() + 120
        while not holds():
            assert time.monotonic() < end, self.told()
            assert all(each.poll() is None for each in self.services), self.told()
            time.sleep(0.1)

    def told(self) -> str:
        return "\n".join(log.read_text() for log in self.logs)

    def answers(self, path: str) -> list[httpx.Response]:
        return [httpx.get(url + path, timeout=30) for url in self.urls]

    def are_ready(self) -> bool:
        try:
            return all(answer.json().get("status") == "ready" for answer in self.answers("/ready"))
        except httpx.TransportError:
            return False

    def send(self, text: str, *urls: str) -> set[str]:
        """Send a file to these services, or to both, at the same moment; the ids of its documents."""

        def upload(url: str) -> str:
            files = {"file": ("tiles.pdf", b"%PDF-1.7\n" + text.encode())}
            answer = httpx.post(f"{url}/documents", files=files, timeout=60)
            assert answer.status_code in (200, 202), answer.text
            return str(answer.json()["id"])

        with ThreadPoolExecutor(2) as pool:
            return set(pool.map(upload, urls or self.urls))


@pytest.fixture
def twins(bare: str, postgres: RunningPostgres, home: Path, tmp_path: Path) -> Iterator[Twins]:
    url = postgres.new_database("twins")
    with psycopg.connect(postgres.url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("ALTER DATABASE twins SET log_statement = 'ddl'")
    environment = bare_environment() | {
        "PREFECT_API_URL": bare, "PREFECT_HOME": str(tmp_path / "prefect"), "SWATCHBOOK_HOME": str(home),
        "SWATCHBOOK_LEDGER_URL": url, "SWATCHBOOK_FAILURE_WEBHOOK_URL": HOOK,
        "SWATCHBOOK_SHARDS__IMAGE": os.environ["SWATCHBOOK_SHARDS__IMAGE"],
    }  # fmt: skip
    twins = Twins(environment, tmp_path)
    try:
        yield twins
    finally:
        for each in twins.services:
            each.kill_all()
        postgres.drop_database("twins")


def flow_runs() -> Counter[str]:
    """Document -> its flow runs; those of schedules are left out."""
    found = ask(lambda client: client.read_flow_runs(limit=200))
    return Counter(run.idempotency_key.partition(":")[0] for run in found if not run.auto_scheduled)


def test_services_that_start_at_once_are_one(twins: Twins, postgres: RunningPostgres) -> None:
    twins.until(twins.are_ready)
    assert postgres.log.read_text(errors="replace").count("CREATE TABLE alembic_version") == 1
    (both,) = twins.send("sent to both")
    twins.until(lambda: flow_runs()[both])
    later = [each for url in twins.urls for each in twins.send(f"sent to {url}", url)]
    twins.until(lambda: all(flow_runs()[each] for each in later))  # there were more rounds
    assert flow_runs() == dict.fromkeys([both, *later], 1)
    assert len(twins.answers("/documents")[0].json()["documents"]) == 3

    deployments = ask(lambda client: client.read_deployments())
    assert sorted(each.name for each in deployments) == sorted(flow_names())
    limits = ask(lambda client: client.read_global_concurrency_limits(limit=200))
    known = Counter(each.name for each in limits)
    assert {known[f"deployment:{each.id}"] for each in deployments if each.concurrency_options} == {1}
    for name in (NOTIFICATION, WAITING_NOTIFICATION):
        assert len(ask(lambda client, name=name: client.read_automations_by_name(name))) == 1
    differing = {
        name: line for name, line in set_up_now(LOOK, **twins.given).items() if line.outcome is not Outcome.SAME
    }
    assert differing == {}
    assert "Traceback" not in twins.told()
