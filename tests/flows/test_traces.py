"""Calls of models elsewhere, and runs that go on after a kill, in the trace of what asked for the document."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from swatchbook import tracing
from swatchbook.ledger.database import open_ledger
from swatchbook.ledger.stored_documents import list_documents
from swatchbook.records import DocumentStatus, Stage
from swatchbook.resources import Resources
from tests.command import finish, forked
from tests.flows.conftest import Ingest
from tests.flows.test_kills import wait_for_stage
from tests.otlp_receiver import Receiver, receiver
from tests.providers import attentive
from tests.providers.standin import KEY, provider

__all__ = ["receiver"]

pytestmark = pytest.mark.stack
pytest.importorskip("opentelemetry.sdk.trace")


@pytest.fixture
def models_elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with provider() as there:
        there.answer = lambda asked: attentive.answer(asked.texts, asked.pictures)
        there.script.append("error")  # the first call is tried again
        given = {"DISCOVERY": "llm", "ANALYST": "vision", "VISION_SIDE": "256", "RETRY_DELAYS": "0.1,0.1,0.1"}
        for part in ("LLM", "VISION"):
            given |= {f"{part}_URL": there.openai_url, f"{part}_MODEL": "attentive", f"{part}_API_KEY": KEY}
        for name, value in given.items():
            monkeypatch.setenv(f"SWATCHBOOK_{name}", value)
        yield


@pytest.fixture
def resources(models_elsewhere: None, receiver: Receiver, resources: Resources) -> Resources:
    return resources


def test_calls_of_models_are_children_of_what_asks(
    resources: Resources, receiver: Receiver, ingest: Ingest, small_catalogue: Path
) -> None:
    with tracing.span("command"):
        report = ingest(small_catalogue)
    assert report.status == DocumentStatus.COMPLETED
    tracing.finish()
    spans = receiver.spans()
    assert len({span.trace for span in spans}) == 1
    names = {span.id: span.name for span in spans}
    calls = [span for span in spans if span.name == "provider call"]
    assert {names[call.parent] for call in calls} == {"stage PRODUCTS_DETECTED", "describe products", "batch"}
    assert {call.attributes["gen_ai.request.model"] for call in calls} == {"attentive"}
    failed, *answered = sorted(calls, key=lambda call: not call.failed)
    assert failed.attributes["error.type"] == "ProviderError"
    assert min(call.attributes["gen_ai.usage.input_tokens"] for call in answered) > 0
    assert all(KEY.encode() not in body for _, body in receiver.bodies)


def test_command_after_a_kill_goes_on_in_the_first_trace(
    home: Path, prefect_server: str, receiver: Receiver, small_catalogue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", prefect_server)
    home.mkdir(parents=True)
    ledger = open_ledger(f"sqlite:///{home / 'ledger.sqlite'}")
    ingest = ("ingest", str(small_catalogue), "--owner", "anna")
    with forked(*ingest) as command:
        assert wait_for_stage(ledger, command, Stage.EXTRACTED)
        command.kill()
    (document,) = list_documents(ledger)
    assert document.trace
    done = finish(ingest, os.environ)
    assert done.returncode == 0, done.stderr
    ledger.close()
    first = document.trace.split("-")[1]
    (run,) = [span for span in receiver.spans() if span.name == "ingest"]
    (command_span,) = [span for span in receiver.spans() if span.name == "swatchbook ingest"]
    assert run.trace == first != command_span.trace
    assert run.links == (command_span.trace,)
