"""What `swatchbook doctor` says of models, providers and the pool of shards."""

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from swatchbook.domain.errors import Configuration
from swatchbook.domain.records import IngestOptions, Role
from swatchbook.domain.settings import Settings
from swatchbook.doors.cli.doctor import CHECKS, check_models, check_pool, check_providers, examine
from swatchbook.ingest.required_parts import require_parts
from swatchbook.models.registry import load
from swatchbook.resources import Resources, open_resources
from tests.models.providers.standin import KEY, provider


def on_pool(**given: Any) -> Resources:
    """Resources whose images are made in shards; none of its parts is opened."""
    many = {"ledger_url": "postgresql+psycopg://localhost/none", "index": "weaviate"}
    return Resources(Settings(**{"execution": "pool", "shards": {"memory_mb": 512}, **many, **given}))


def test_only_a_pool_needs_prefect_and_shared_ledger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    assert check_pool(Resources(Settings())).startswith("not used")
    with pytest.raises(Configuration, match="need a Prefect server"):
        check_pool(on_pool())
    with pytest.raises(Configuration, match="cannot reach the ledger of this machine"):
        check_pool(on_pool(ledger_url=None))


def test_pool_check_names_troubles_or_room_for_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    troubles = ["No worker polls the work pool embed. Start one."]
    monkeypatch.setattr("swatchbook_service.scheduler.prefect_state.find_troubles", lambda settings: troubles)
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:4200/api")
    with pytest.raises(Configuration, match="No worker polls the work pool embed"):
        check_pool(on_pool())
    troubles.clear()
    assert f"{2 * (os.cpu_count() or 1)} by CPUs" in check_pool(on_pool(shards={"cpus": 0.5}))
    assert "room for 0 shards: 0 by free memory" in check_pool(on_pool(shards={"memory_mb": 1 << 20}))


def test_all_that_production_lacks_is_named_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(Configuration) as lacking:
        check_models(Resources(Settings(profile="production", review={"model": "strong"})))
    said = str(lacking.value)
    for each in ("VISION__URL and SWATCHBOOK_VISION__MODEL", "LLM__MODEL and SWATCHBOOK_LLM__API_KEY", "TEXT__API_KEY"):
        assert f"SWATCHBOOK_{each}" in said
    assert "siglip2-base-patch16-224" in said
    assert "SWATCHBOOK_REVIEW__URL" in said
    assert said.count("SWATCHBOOK_VISION__MODEL") == 1
    settings, text = Settings(profile="production"), IngestOptions(roles=frozenset({Role.TEXT}))
    with pytest.raises(Configuration, match="TEXT__API_KEY"):
        require_parts(load(settings), settings, text, weights=False)
    with pytest.raises(Configuration) as lacking:  # shards have weights of their own
        require_parts(load(settings), settings, weights=False)
    assert "not downloaded" not in str(lacking.value)


def test_what_does_not_answer_holds_up_nothing_else(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("swatchbook.doors.cli.doctor.WAIT_SECONDS", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        text = {"url": f"http://127.0.0.1:{silent.getsockname()[1]}/v1", "model": "m"}
        with open_resources(Settings.model_validate({"home": home, "text_encoder": "openai", "text": text})) as opened:
            findings = {each.check: each for each in examine(opened)}
    assert findings["providers"].found == "No answer in 1 s."
    assert findings["models"].ok
    assert [*findings] == [*CHECKS]


def test_paid_vectors_are_tried_without_billing_a_document() -> None:
    with provider() as there:
        where = {"text_encoder": "openai", "text": {"url": there.openai_url, "model": "m", "api_key": KEY}}
        assert "openai (1024-d)" in check_providers(Resources(Settings.model_validate(where)))
        assert len(there.asked) == 1
