"""One trace from an upload over the service, the worker's flow run, shards on a pool and calls of models elsewhere to
what is published.
"""

from collections.abc import Iterator
from pathlib import Path

import pymupdf
import pytest

from swatchbook.domain.records import DocumentStatus
from tests.models.providers import attentive
from tests.models.providers.standin import KEY, provider
from tests.otlp_receiver import Receiver, parents, receiving, trace_of
from tests.servers.audit import runs_of
from tests.servers.catalogues import make_catalogue
from tests.servers.stack import API_KEY, OWNER, WEAVIATE_KEY, Stack, running_stack
from tests.servers.test_pool import IN_SHARDS, shards_by_process

pytestmark = pytest.mark.stack
pytest.importorskip("opentelemetry.sdk.trace")

STAGES = {
    "stage PAGES_READ", "stage PRODUCTS_DETECTED", "stage PAGES_PLANNED", "stage CHUNKS_CREATED",
    "stage IMAGES_EXTRACTED", "stage IMAGES_EMBEDDED", "stage PRODUCTS_CREATED",
}  # fmt: skip


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with receiving() as there:
        yield there


@pytest.fixture(scope="module")
def models_elsewhere() -> Iterator[dict[str, str]]:
    with provider() as there:
        there.answer = lambda asked: attentive.answer(asked.texts, asked.pictures)
        given = {"DISCOVERY": "llm", "ANALYST": "vision", "VISION__SIDE": "256"}
        for part in ("LLM", "VISION"):
            given |= {f"{part}__URL": there.openai_url, f"{part}__MODEL": "attentive", f"{part}__API_KEY": KEY}
        yield {f"SWATCHBOOK_{name}": value for name, value in given.items()}


@pytest.fixture(scope="module")
def traced_stack(
    receiver: Receiver, models_elsewhere: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    with (
        running_stack(tmp_path_factory.mktemp("traced"), **receiver.environment, **models_elsewhere) as stack,
        shards_by_process(stack),
    ):
        yield stack


def test_one_trace_without_texts_covers_upload_to_publishing(
    traced_stack: Stack, receiver: Receiver, tmp_path: Path
) -> None:
    file = make_catalogue(tmp_path / "secret-collection.pdf", pictures=24)
    document = traced_stack.upload(file, focus=False, **IN_SHARDS)
    traced_stack.wait_for(document, DocumentStatus.COMPLETED)
    traced_stack.wait_until(
        lambda: "ingest" in {each.name for each in trace_of(receiver, document)}, "its span arrives"
    )
    spans = trace_of(receiver, document)
    assert [span.name for span in spans if not span.parent] == ["POST /documents"]
    assert parents(spans, "ingest") == ["POST /documents"]
    assert {name for name in STAGES if parents(spans, name) == ["ingest"]} == STAGES
    assert parents(spans, "shard") == ["stage IMAGES_EMBEDDED"] * 4
    assert set(parents(spans, "batch")) == {"shard"}
    assert set(parents(spans, "provider call")) == {"stage PRODUCTS_DETECTED", "describe products", "batch"}
    assert parents(spans, "provider call").count("batch") == 24
    calls = [span.attributes for span in spans if span.name == "provider call"]
    assert {call["gen_ai.request.model"] for call in calls} == {"attentive"}
    assert min(call["gen_ai.usage.input_tokens"] for call in calls) > 0
    assert {"shard", "stage PRODUCTS_CREATED"} >= set(parents(spans, "publish")) > set()
    assert {span.name for span in spans if span.failed} <= {"publish"}, "the index may be busy with a new space"
    own = {shard["pid"] for shard in runs_of(traced_stack, document)}
    assert len(own) == 4, "each shard is a process"
    assert {shard["token"] for shard in runs_of(traced_stack, document)} == {
        span.attributes["swatchbook.run"] for span in spans if span.name == "shard"
    }
    sent, traces = (b"".join(body for path, body in receiver.bodies if of in path) for of in ("", "traces"))
    with pymupdf.open(file) as pages:
        texts = {line.strip() for page in pages for line in page.get_text().splitlines() if len(line.strip()) > 4}
    seen = {"white surface", "grey surface", "black surface"}  # what the vision model says
    assert texts
    for text in {*texts, *seen, "secret-collection", KEY, API_KEY, WEAVIATE_KEY, traced_stack.settings.ledger}:
        assert text.encode() not in sent, text
    assert OWNER.encode() not in traces
