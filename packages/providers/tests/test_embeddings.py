"""Text vectors from providers over real HTTP: in order, of the length asked for, each text paid for once."""

import base64
import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import SecretStr

from swatchbook.domain.errors import Authentication, Configuration, Failure, ProviderDown, ProviderError
from swatchbook.domain.records import IngestOptions, Role
from swatchbook.domain.settings import Settings, replace
from swatchbook.models.providers.endpoint import Endpoint
from swatchbook.models.registry import load, tags
from swatchbook.store.ledger.calls import CallContext, spending
from swatchbook.store.ledger.database import open_ledger
from swatchbook_providers import embeddings
from swatchbook_providers.embeddings import ProviderTextEncoder, provider_text_encoder
from swatchbook_providers.wires.voyage import VOYAGE
from tests.models.providers.clocks import SetClock
from tests.models.providers.standin import KEY, Provider, random_vectors
from tests.store.ledger.scene import begun, set_document

STAGE = "IMAGES_EMBEDDED"
TEXTS = ["oak", "ash", "elm"]


@pytest.fixture
def context(folder: Path) -> Iterator[CallContext]:
    ledger = open_ledger(f"sqlite:///{folder / 'ledger.sqlite'}")
    yield CallContext(ledger, begun(ledger), STAGE)
    ledger.close()


def settings(there: Provider, **changed: object) -> Settings:
    given = {
        "text_encoder": "voyage",
        "text": {"url": there.openai_url, "api_key": KEY},
        "prices": {"voyage-3.5": {"input": 1, "output": 0}},
    }
    return replace(Settings(**given), changed)  # type: ignore[arg-type]


def encoder_at(there: Provider, **changed: object) -> ProviderTextEncoder:
    return provider_text_encoder(settings(there, **changed), "tag")


def at(there: Provider, clock: SetClock) -> ProviderTextEncoder:
    where = Endpoint("text", there.openai_url, "voyage-3.5", SecretStr(KEY))
    return ProviderTextEncoder(where, VOYAGE, tag="tag", dimension=1_024, clock=clock)


def expected(texts: list[str], dimension: int = 1_024) -> np.ndarray:
    vectors = random_vectors(texts, dimension)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("text_encoder", ["voyage", "openai"])
def test_vectors_come_in_order_and_of_unit_length(there: Provider, context: CallContext, text_encoder: str) -> None:
    found = encoder_at(there, text_encoder=text_encoder).embed([*TEXTS, "oak"], "document", context)
    np.testing.assert_allclose(found, expected([*TEXTS, "oak"]), atol=1e-6)
    assert found.dtype == np.float32
    assert there.asked[0][0].texts == ("oak", "ash", "elm")  # the same text once
    there.packs = False
    np.testing.assert_allclose(encoder_at(there).embed(TEXTS, "document", context), expected(TEXTS), atol=1e-6)


def test_voyage_gets_the_input_type_and_wanted_length(there: Provider, context: CallContext) -> None:
    encoder = encoder_at(there, **{"text.dimension": 256})
    assert encoder.embed(["oak"], "document", context).shape == (1, 256)
    encoder.embed(["oak"], "query")
    first, second = (asked.body for asked, _ in there.asked)
    assert (first["input_type"], second["input_type"]) == ("document", "query")
    assert first["output_dimension"] == 256
    assert first["truncation"] is False


def test_text_is_paid_for_once_in_any_batch(there: Provider, context: CallContext) -> None:
    encoder = encoder_at(there)
    encoder.embed(["oak", "ash"], "document", context)
    other = CallContext(context.ledger, begun(context.ledger, owner="bert", content="other"), STAGE)
    found = encoder.embed(["elm", "ash", "oak"], "document", other)
    np.testing.assert_allclose(found, expected(["elm", "ash", "oak"]), atol=1e-6)
    assert [asked.texts for asked, _ in there.asked] == [("oak", "ash"), ("elm",)]
    spent = spending(context.ledger, context.run.document)[0]
    assert (spent.calls, spent.tokens_in) == (2, 2)
    assert spent.cost_usd == pytest.approx(2e-6)


def test_queries_are_not_kept_and_documents_need_payers(there: Provider, context: CallContext) -> None:
    encoder = encoder_at(there)
    for _ in range(2):
        encoder.embed(["oak"], "query")
    assert len(there.asked) == 2
    with pytest.raises(Configuration):
        encoder.embed(["oak"], "document")


def test_who_searches_does_not_wait_for_minutes(there: Provider) -> None:
    there.retry_after = 30
    there.script.append("rate_limited")
    with pytest.raises(ProviderDown):
        encoder_at(there).embed(["oak"], "query")


@pytest.mark.parametrize("fault", ["error", "vanish", "garbage", "rate_limited"])
def test_search_survives_a_fault_that_passes(there: Provider, fault: str) -> None:
    there.script.extend([fault, fault])
    clock = SetClock()
    began = clock.now()
    np.testing.assert_allclose(at(there, clock).embed(["oak"], "query"), expected(["oak"]), atol=1e-6)
    assert clock.now() - began <= 2


def test_search_soon_reports_a_fault_that_stays(there: Provider) -> None:
    there.script.extend(["error"] * 20)
    clock = SetClock()
    began = clock.now()
    encoder = at(there, clock)
    with pytest.raises(ProviderError):
        encoder.embed(["oak"], "query")
    for _ in range(3):
        with pytest.raises(ProviderDown):  # the breaker is everybody's
            encoder.embed(["oak"], "query")
    assert clock.now() - began <= 2
    assert len(there.asked) == 4


@pytest.mark.parametrize("fault", ["rejected", "no_quota", "too_large"])
def test_what_no_second_try_mends_is_asked_once(there: Provider, fault: str) -> None:
    there.script.append(fault)
    with pytest.raises(Failure):
        encoder_at(there).embed(["oak"], "query")
    assert len(there.asked) == 1


def test_no_search_runs_with_an_invalid_vector(there: Provider) -> None:
    there.embed = lambda texts, dimension: np.full((len(texts), dimension), np.nan, np.float32)
    with pytest.raises(ProviderError, match="invalid vector"):
        at(there, SetClock()).embed(["oak"], "query")


def test_search_is_told_of_busy_calls(there: Provider, context: CallContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embeddings, "QUERY_PATIENCE_SECONDS", 0.1)
    there.delay = lambda: 0.5
    encoder = encoder_at(there, provider_concurrency=1)
    with ThreadPoolExecutor(1) as other:
        working = other.submit(encoder.embed, TEXTS, "document", context)
        while not there.asked:
            time.sleep(0.001)
        with pytest.raises(ProviderDown, match="busy"):
            encoder.embed(["oak"], "query")
        assert working.result().shape == (3, 1_024)


def test_batches_hold_the_tokens_the_provider_takes(there: Provider, context: CallContext) -> None:
    texts = [f"{number} " + "word " * 11_000 for number in range(10)]
    assert encoder_at(there).embed(texts, "document", context).shape == (10, 1_024)
    assert [len(asked.texts) for asked, _ in there.asked] == [4, 4, 2]


def test_long_text_is_cut_and_counted(there: Provider, context: CallContext, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        encoder_at(there).embed(["ü" * 100_000, "oak"], "document", context)
    assert "1 texts are too long for voyage-3.5 and were truncated" in caplog.text
    assert spending(context.ledger, context.run.document)[0].truncated == 1
    sent = there.asked[0][0].texts
    assert 30_000 < len(sent[0]) < 32_000
    assert sent[1] == "oak"


def test_vectors_of_another_length_name_the_setting(there: Provider, context: CallContext) -> None:
    there.dimension = 768
    with pytest.raises(Configuration, match=r"768.*SWATCHBOOK_TEXT__DIMENSION is 1024") as raised:
        encoder_at(there, text_encoder="openai").embed(TEXTS, "document", context)
    assert raised.value.advice
    assert "SWATCHBOOK_TEXT__DIMENSION=768" in raised.value.advice
    spent = spending(context.ledger, context.run.document)[0]
    assert (spent.failed, spent.tokens_in, spent.cost_usd) == (3, 3, pytest.approx(3e-6))


def test_nan_and_zero_vectors_are_requested_again(there: Provider, context: CallContext) -> None:
    there.embed = lambda texts, dimension: np.stack(
        [np.full(dimension, value, np.float32) for value in (np.nan, 0.0, 1.0)]
    )
    encoder = encoder_at(there)
    found = encoder.embed(TEXTS, "document", context)
    assert np.isnan(found[0]).all()
    assert not found[1].any()
    assert np.linalg.norm(found[2]) == pytest.approx(1)
    there.embed = random_vectors
    np.testing.assert_allclose(encoder.embed(TEXTS, "document", context)[:2], expected(TEXTS)[:2], atol=1e-6)
    assert [asked.texts for asked, _ in there.asked] == [("oak", "ash", "elm"), ("oak", "ash")]
    spent = spending(context.ledger, context.run.document)[0]
    assert (spent.failed, spent.unknown, spent.tokens_in) == (2, 0, 5)  # what was paid for stays paid for


@pytest.mark.parametrize("size", [1e-30, 1e38])
def test_vectors_of_any_size_get_unit_length(there: Provider, context: CallContext, size: float) -> None:
    there.embed = lambda texts, dimension: np.full((len(texts), dimension), size, np.float32)
    found = encoder_at(there).embed(TEXTS, "document", context)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data[1:],
        lambda data: [*data, {**data[0], "index": 3}],
        lambda data: [data[0], data[0], data[1]],
        lambda data: [{**each, "embedding": base64.b64encode(b"\1" * (4 * 1_024 + 1)).decode()} for each in data],
    ],
    ids=["one less", "one more", "one twice", "some bytes over"],
)
def test_vectors_of_unknown_texts_are_not_kept(
    there: Provider, context: CallContext, change: Callable[[list[dict[str, Any]]], Any]
) -> None:
    there.rewrite = lambda reply: {**reply, "data": change(reply["data"])}
    encoder = encoder_at(there)
    with pytest.raises(ProviderError, match="not one embedding per text"):
        encoder.embed(TEXTS, "document", context)
    there.rewrite = lambda reply: reply
    np.testing.assert_allclose(encoder.embed(TEXTS, "document", context), expected(TEXTS), atol=1e-6)


def test_the_budget_counts_vectors_too(there: Provider, context: CallContext) -> None:
    set_document(context.ledger, context.run.document, options=IngestOptions(max_usd=0.5).model_dump(mode="json"))
    with pytest.raises(Configuration, match="SWATCHBOOK_PRICES"):
        encoder_at(there, prices={}).embed(TEXTS, "document", context)
    encoder_at(there).embed(TEXTS, "document", context)


def test_tag_needs_no_key_and_loading_does(there: Provider) -> None:
    chosen = Settings(text_encoder="voyage")
    assert tags(chosen)[Role.TEXT] == "voyage-3.5@1024/document-query"
    assert tags(Settings(text_encoder="openai", text={"model": "m"}))[Role.TEXT] == "m@1024/alike"
    with pytest.raises(Authentication, match="SWATCHBOOK_TEXT__API_KEY"):
        _ = load(chosen).text_encoder
    encoder = load(settings(there, text_encoder="voyage")).text_encoder
    assert (encoder.tag, encoder.dimension) == ("voyage-3.5@1024/document-query", 1_024)
