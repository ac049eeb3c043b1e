"""A person fills in the form of a deployment, and a real worker runs it."""

import asyncio
import json
import os
import queue
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from swatchbook.deployments.declared import CONTROL
from swatchbook.deployments.setup import Mode, set_up
from swatchbook.domain.settings import Settings
from tests.deployments.test_setup import ask, remove_all
from tests.serving import Answers, StandIn, serving

pytestmark = pytest.mark.stack

OVER = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


class Control:
    def __init__(self, api: str, source: Path, told: "queue.Queue[dict[str, Any]]") -> None:
        # A server whose SQLite is busy lets a question wait a minute: for a connection of its pool, or a lock.
        self.api, self.source, self.told = httpx.Client(base_url=api, timeout=120), source, told

    def deployment(self, name: str) -> dict[str, Any]:
        return dict(self.api.get(f"/deployments/name/{name}/{name}").raise_for_status().json())

    def form(self, name: str, **filled: Any) -> dict[str, Any]:
        """What the UI's form holds: every default of the parameter schema, and what a person fills in."""
        schema = self.deployment(name)["parameter_openapi_schema"]
        assert schema["properties"].keys() >= filled.keys()
        defaults = {name: field["default"] for name, field in schema["properties"].items() if "default" in field}
        return {**defaults, **filled}

    def submit(self, name: str, **parameters: Any) -> httpx.Response:
        identity = self.deployment(name)["id"]
        return self.api.post(f"/deployments/{identity}/create_flow_run", json={"parameters": parameters})

    def run(self, name: str, *, seconds: float = 240, **parameters: Any) -> dict[str, Any]:
        end = time.monotonic() + seconds
        while (answer := self.submit(name, **parameters)).status_code == 503 and time.monotonic() < end:
            time.sleep(0.5)  # its SQLite is busy
        identity = answer.raise_for_status().json()["id"]
        while time.monotonic() < end:
            answer = self.api.get(f"/flow_runs/{identity}")
            if answer.status_code < 500 and answer.raise_for_status().json()["state_type"] in OVER:
                return dict(answer.json())
            time.sleep(0.5)
        raise AssertionError(f"{name} is not over: {answer.text}")


@pytest.fixture(scope="module")
def notified() -> Iterator[tuple[str, "queue.Queue[dict[str, Any]]"]]:
    told: queue.Queue[dict[str, Any]] = queue.Queue()

    class Hook(Answers):
        def do_POST(self) -> None:
            told.put(json.loads(self.read()))
            self.say(200)

    with serving(StandIn(Hook)) as server:
        yield f"{server.url}/failed", told


@pytest.fixture(scope="module")
def control(
    prefect_server: str,
    small_catalogue: Path,
    notified: tuple[str, "queue.Queue[dict[str, Any]]"],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Control]:
    """Set up as by `swatchbook serve setup`, with a worker as the README starts it; stopped by pid."""
    from prefect.settings import PREFECT_API_URL, temporary_settings

    home = tmp_path_factory.mktemp("worker")
    with temporary_settings({PREFECT_API_URL: prefect_server}):
        asyncio.run(set_up(Settings(home=home, failure_webhook_url=SecretStr(notified[0])), Mode(force=True)))
    environment = {
        **os.environ,
        "SWATCHBOOK_HOME": str(home / "home"),
        "SWATCHBOOK_INPUT_ROOTS": str(small_catalogue.parent),
        "PREFECT_API_URL": prefect_server,
        "PREFECT_HOME": str(home / "prefect"),
        "PREFECT_WORKER_QUERY_SECONDS": "2",
    }
    with (home / "worker.log").open("wb") as log:
        worker = subprocess.Popen(
            [sys.executable, "-m", "prefect", "worker", "start", "--pool", CONTROL],
            env=environment, cwd=home, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        yield Control(prefect_server, small_catalogue, notified[1])
    finally:
        worker.send_signal(signal.SIGINT)
        try:
            worker.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()
        with temporary_settings({PREFECT_API_URL: prefect_server}):
            ask(remove_all)


def test_every_field_of_every_form_is_filled_in_and_explained(control: Control) -> None:
    for name in ("ingest_catalogue", "retry_failed", "report_coverage"):
        schema = control.deployment(name)["parameter_openapi_schema"]
        fields = [*schema["properties"].values()]
        for model in ("IngestOptions", "BlockNames"):
            fields += schema.get("definitions", {}).get(model, {}).get("properties", {}).values()
        for field in fields:
            assert field["title"], field
            assert field["description"].endswith((".", ")")), field
        assert {n for n, field in schema["properties"].items() if "default" not in field} <= {"source"}


def test_missing_block_fails_the_run_by_name(control: Control) -> None:
    form = control.form("ingest_catalogue", source=str(control.source), blocks={"index": "elsewhere"})
    failed = control.run("ingest_catalogue", **form)
    assert failed["state_type"] == "FAILED"
    assert "There is no saved block swatchbook-index/elsewhere." in failed["state"]["message"]
    while (told := control.told.get(timeout=60))["flow_run"] != failed["id"]:
        pass
    assert told["state"] == "Failed"
    assert told["flow"] == "ingest_catalogue"
    assert failed["id"] in told["text"]
