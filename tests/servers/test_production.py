"""The production profile, whole: PostgreSQL, Weaviate and a Prefect server as they are, providers as local stand-ins
that speak their wire formats and fail for a while, networks of the real architectures with random weights.
"""

import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from deployments.weaviate import free_ports
from swatchbook.lab import open_lab
from swatchbook.search import TEXT_WEIGHTS, search
from swatchbook.settings import Settings
from tests.command import SWATCHBOOK
from tests.models import tiny
from tests.providers import attentive
from tests.providers.standin import KEY, Provider, minilm_vectors, mixed, provider
from tests.servers.stack import OWNER, WEAVIATE_KEY, Stack, run_weaviate, settings_of

PRICES = {"qwen-vl": {"input": 0.2, "output": 0.8}, "qwen": {"input": 0.1, "output": 0.4}}
QUERIES = {"porcelain tile 60x120": "Terra Nova", "R10 slip rating": "Terra Nova", "acoustic wool panel": "Fjord Wool"}
"""A specification as customers write it, and the sample's product that has it."""

WORDS = {role: weight for role, weight in TEXT_WEIGHTS.items() if role != "visual"}
"""A text tower of random weights means nothing."""


@pytest.fixture(scope="module")
def there() -> Iterator[Provider]:
    """All providers in one, which reads what it is shown. Every tenth answer fails."""
    with provider() as server:
        server.answer = lambda asked: attentive.answer(asked.texts, asked.pictures)
        server.embed = minilm_vectors()
        server.faults = mixed(0.1, ("error", "cut", "garbage", "off_schema", "rate_limited_silent"))
        yield server


@pytest.fixture(scope="module")
def production(
    whole_stack: Stack, there: Provider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, str]]:
    """What commands are told. Ledger and index are their own: the stack's service would work by its own settings."""
    folder = tmp_path_factory.mktemp("production")
    whole_stack.postgres.new_database("production")
    port, grpc_port = free_ports(2)
    weaviate = run_weaviate(folder, port, grpc_port, WEAVIATE_KEY)
    given = {
        "HOME": folder / "home",
        "LEDGER_URL": whole_stack.postgres.url_of("production"),
        "FILES_URL": folder / "files",
        "WEAVIATE_URL": f"http://127.0.0.1:{port}",
        "WEAVIATE_GRPC_PORT": grpc_port,
        "PROFILE": "production",
        "ENCODER_MODEL": tiny.save(folder, "siglip2"),
        "STRUCTURE_MODEL": tiny.save(folder, "dinov2"),
        "VISION_URL": there.openai_url,
        "VISION_MODEL": "qwen-vl",
        "VISION_API_KEY": KEY,
        "LLM_URL": there.openai_url,
        "LLM_MODEL": "qwen",
        "LLM_API_KEY": KEY,
        "TEXT_URL": there.openai_url,
        "TEXT_API_KEY": KEY,
        "PRICES": json.dumps(PRICES | {"voyage-3.5": {"input": 0.06, "output": 0}}),
    }
    try:
        yield {**whole_stack.environment, **{f"SWATCHBOOK_{name}": str(value) for name, value in given.items()}}
    finally:
        weaviate.stop()


def ask(environment: Mapping[str, str], *words: str) -> Any:
    done = subprocess.run([SWATCHBOOK, *words, "--json"], env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[:2_500] + done.stderr[-4_000:]
    assert KEY not in done.stdout + done.stderr
    return json.loads(done.stdout)


def test_catalogue_is_found_by_what_it_says_and_every_answer_is_paid_once(
    production: Mapping[str, str], whole_stack: Stack, there: Provider, catalogue: Path
) -> None:
    [report] = ask(production, "ingest", str(catalogue), "--owner", OWNER)
    assert report["status"] == "completed"
    assert (report["images_found"], report["images_complete"]) == (256, 256)
    assert report["products_discovered"] == 11
    assert {each["stage"] for each in report["spent"]} == {"discover", "describe", "embed"}
    assert report["cost_usd"] > 0
    assert set(there.paid.values()) == {1}
    asked = len(there.asked)
    [again] = ask(production, "ingest", str(catalogue), "--owner", OWNER)
    assert again["cost_usd"] == pytest.approx(report["cost_usd"])
    assert len(there.asked) == asked
    there.faults = mixed(0)  # nobody asks twice for a person who searches
    with open_lab(Settings.model_validate(settings_of(production))) as lab:
        for query, product in QUERIES.items():
            best = search(lab, text=query, owner=OWNER, by="product", k=3, weights=WORDS)
            assert best[0].title == product, (query, best)
    logs = [*whole_stack.folder.glob("*.log"), *Path(production["SWATCHBOOK_HOME"]).rglob("*.log")]
    assert len(logs) > 3
    assert not [path for path in logs if KEY in path.read_text(errors="replace")]
