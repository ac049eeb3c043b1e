"""Calls of models elsewhere, and runs that go on after a kill, in the trace of what asked for the document."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from swatchbook import tracing
from swatchbook.records import DocumentStatus
from swatchbook.resources import Resources
from tests.flows.conftest import Ingest
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
        given = {"DISCOVERY": "llm", "ANALYST": "vision", "VISION__SIDE": "256", "RETRY_DELAYS": "0.1,0.1,0.1"}
        for part in ("LLM", "VISION"):
            given |= {f"{part}__URL": there.openai_url, f"{part}__MODEL": "attentive", f"{part}__API_KEY": KEY}
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
