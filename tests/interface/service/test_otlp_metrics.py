"""Metrics that a service sends over OTLP are those of its page for Prometheus."""

import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from interface.service.app import create_app
from swatchbook.settings import load_settings
from tests.interface.service.served import on_socket, rest
from tests.otlp_receiver import Answer, receiving

pytest.importorskip("opentelemetry.sdk.metrics")

OF_REQUESTS = {"swatchbook_requests", "swatchbook_request_seconds"}


@pytest.fixture(autouse=True)
def collection(home: Path, ingested_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ingested_home, home)
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "200")
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "none")


def until(holds: Callable[[], object]) -> None:
    while not holds():  # the test's own limit ends it
        time.sleep(0.05)


def test_metrics_are_those_of_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as there:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", there.url)
        with on_socket(create_app(load_settings(), loop=rest), lifespan="on") as port:
            text = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=60).text
            families = [family for family in text_string_to_metric_families(text) if family.samples]
            counted = {family.name: family for family in families if not family.name.endswith("_created")}
            until(lambda: there.metrics().get("swatchbook_requests"))
        sent = there.metrics()
    assert sent.keys() - OF_REQUESTS == counted.keys(), "requests are counted when the answer is sent"
    states = {tuple(sorted(each.labels.items())): each.value for each in counted["swatchbook_images"].samples}
    assert sent["swatchbook_images"] == states
    assert states[("state", "complete"),] > 0
    asked = {("code", "200"), ("method", "GET"), ("route", "/metrics")}
    assert sent["swatchbook_requests"][tuple(sorted(asked))] == 1
    assert sent["swatchbook_request_seconds"][("method", "GET"), ("route", "/metrics")] == 1


@pytest.mark.parametrize("answer", ["never", "garbage"])
def test_receiver_that_misbehaves_stops_no_service(answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    answers: dict[str, Answer] = {
        "never": lambda _: over.wait() and None,
        "garbage": lambda handler: handler.wfile.write(b"\0 no HTTP\r\n\r\n") and None,
    }
    with receiving(answers[answer]) as there:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", there.url)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "3600")
        with on_socket(create_app(load_settings(), loop=rest), lifespan="on") as port:
            until(lambda: there.bodies)
            assert httpx.get(f"http://127.0.0.1:{port}/live", timeout=60).status_code == 200
        over.set()


def test_without_an_endpoint_no_thread_sends() -> None:
    before = set(threading.enumerate())
    with on_socket(create_app(load_settings(), loop=rest), lifespan="on"):
        assert "metrics" not in {thread.name for thread in set(threading.enumerate()) - before}
