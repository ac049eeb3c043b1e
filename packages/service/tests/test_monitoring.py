"""The dashboard and the alert rules stand on what the service really tells: each query is asked of a Prometheus that
scrapes it, with the configuration of the documentation; the rules are tested by promtool.
"""

import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import insert, update

from swatchbook.domain.errors import InvalidModelOutput
from swatchbook.domain.records import Role, Stage
from swatchbook.domain.settings import load_settings
from swatchbook.index.contract import Space
from swatchbook.store.ledger.database import Ledger, db_now
from swatchbook.store.ledger.space_registry import add_space
from swatchbook.store.ledger.tables import calls, figures, vectors
from tests.doors.conftest import ALL
from tests.doors.served import served
from tests.fixtures import ROOT, free_port, wait_for_http
from tests.store.ledger.scene import VISUAL, begun, fail, keys

MONITORING = ROOT / "deployments" / "monitoring"
pytestmark = pytest.mark.needs("prometheus")


def test_the_rules_alert_when_they_should() -> None:
    for command in (["check", "rules", "alerts.yml"], ["test", "rules", "alerts.test.yml"]):
        done = subprocess.run(["promtool", *command], cwd=MONITORING, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    rules = re.findall(r"alert: (\w+)", (MONITORING / "alerts.yml").read_text())
    assert {*rules} == {*re.findall(r"alertname: (\w+)", (MONITORING / "alerts.test.yml").read_text())}


@pytest.mark.stack
@pytest.mark.usefixtures("keys")
def test_every_query_of_dashboard_and_rules_returns_rows(filled: Path, tmp_path: Path) -> None:
    dashboard = json.loads((MONITORING / "grafana-dashboard.json").read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    alerts = (MONITORING / "alerts.yml").read_text()
    rules = re.findall(r"swatchbook_\w+", alerts)
    with served(load_settings()) as service:
        trouble(service.resources.ledger)
        with prometheus(service.port, tmp_path) as address:
            for query in (*queries, *set(rules)):
                assert rows(address, query), query
            (variable,) = (each for each in dashboard["templating"]["list"] if each["type"] == "query")
            assert variable["query"]["query"] == "label_values(swatchbook_owner_images, owner)"
            owners = httpx.get(f"{address}/api/v1/label/owner/values", params={"match[]": "swatchbook_owner_images"})
            assert owners.json()["data"] == ["anna", "bert"]
            (group,) = httpx.get(f"{address}/api/v1/rules").json()["data"]["groups"]
            assert {rule["health"] for rule in group["rules"]} <= {"ok", "unknown"}
            assert [rule["name"] for rule in group["rules"]] == re.findall(r"alert: (\w+)", alerts)


def trouble(ledger: Ledger) -> None:
    """One of everything that a collection can suffer from, beside a document that is complete."""
    run = begun(ledger, owner="bert", content="other", pictures=keys(2))
    fail(ledger, run, keys(1), InvalidModelOutput("No."))
    add_space(ledger, Space(role=Role.VISUAL, tag="earlier@1/a", dimension=8))
    with ledger.write() as connection:
        connection.execute(update(vectors).where(vectors.c.role == VISUAL.role).values(tag="earlier@1/a"))
        call = {"request": "r", "run": run.token, "document": run.document, "provider": "vision.example"}
        connection.execute(insert(calls).values(**call, state="answered", cost_usd=0.5, at=db_now()))
        for days in (0, 8):
            took = {"document": run.document, "run": f"{days}", "stage": Stage.READ, "seconds": 2.0, "units": 4}
            connection.execute(insert(figures).values(**took, at=db_now() - days * 86_400.0))


@contextmanager
def prometheus(port: int, folder: Path) -> Iterator[str]:
    """A Prometheus that scrapes the service on this port twice a second, and its address."""
    config = (MONITORING / "prometheus.yml").read_text()
    for there, here in (
        ("# authorization", "authorization"),
        ("127.0.0.1:8420", f"127.0.0.1:{port}"),
        ("scrape_interval: 30s", "scrape_interval: 500ms"),
    ):
        assert there in config
        config = config.replace(there, here)
    (folder / "prometheus.yml").write_text(config)
    (folder / "swatchbook-key").write_text(ALL)
    shutil.copy(MONITORING / "alerts.yml", folder)
    own = free_port()
    log = folder / "prometheus.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [
                "prometheus", "--config.file=prometheus.yml", f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{own}",
            ],
            cwd=folder, stdout=output, stderr=output,
        )  # fmt: skip
    try:
        address = f"http://127.0.0.1:{own}"
        wait_for_http(f"{address}/-/ready", server, log)
        yield address
    finally:
        server.terminate()
        server.wait(30)


def rows(address: str, query: str, seconds: float = 30) -> list[Any]:
    """What a query returns, once there are enough scrapes for it."""
    asked = query.replace("$owner", ".*").replace("$__rate_interval", "5m")
    assert "$" not in asked
    end = time.monotonic() + seconds
    while True:
        got = httpx.get(f"{address}/api/v1/query", params={"query": asked}).json()
        assert got["status"] == "success", got
        found: list[Any] = [each for each in got["data"]["result"] if each["value"][1] != "NaN"]
        if found or time.monotonic() > end:
            return found
        time.sleep(0.5)
