"""What an ingest would cost is told before anything is asked."""

import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from swatchbook.domain.records import IngestOptions, Role
from swatchbook.domain.settings import load_settings
from swatchbook.doors.cli.ingest_plan import draw
from swatchbook.ingest.estimate import Estimate, estimate
from swatchbook.resources import Resources, open_resources
from tests.models.providers.standin import KEY, Provider


def drawn(told: Estimate) -> str:
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(draw(told))
    return console.export_text()


@pytest.fixture
def costly(home: Path, ingested_home: Path, there: Provider, monkeypatch: pytest.MonkeyPatch) -> Iterator[Resources]:
    """Resources whose models are all provided by a stand-in provider; the pages of the sample have been read."""
    for kept in ("files", "prefect/results"):
        shutil.copytree(ingested_home / kept, home / kept)
    given = {
        "ANALYST": "vision",
        "DISCOVERY": "llm",
        "TEXT_ENCODER": "voyage",
        "VISION__MODEL": "see",
        "LLM__MODEL": "say",
    }
    for part in ("VISION", "LLM", "TEXT"):
        given |= {f"{part}__URL": there.openai_url, f"{part}__API_KEY": KEY}
    for name, value in given.items():
        monkeypatch.setenv(f"SWATCHBOOK_{name}", value)
    price = {"input": 1.0, "output": 2.0}
    monkeypatch.setenv("SWATCHBOOK_PRICES", json.dumps({"see": price, "say": price}))
    with open_resources(load_settings()) as resources:
        yield resources


def test_every_call_is_counted_and_none_is_made(costly: Resources, there: Provider, small_catalogue: Path) -> None:
    told = estimate(costly, small_catalogue, IngestOptions())
    truth = json.loads(small_catalogue.with_suffix(".truth.json").read_text())
    assert (told.pages, told.products, told.images) == (6, len(truth["products"]), truth["images"])
    of = {(each.stage, each.part): each for each in told.planned}
    assert of["discover", "llm"].calls == 1
    assert of["describe", "llm"].calls == told.products
    assert of["embed", "vision"].calls == told.images
    assert of["embed", "text"].calls == told.images + told.chunks
    for each in told.planned:
        price = {"input": 1.0, "output": 2.0}
        known = (price["input"] * each.tokens_in + price["output"] * each.tokens_out) / 1e6
        assert each.usd == (None if each.part == "text" else pytest.approx(known))
        assert each.tokens_in > 0
    assert told.usd is None, "a price is missing"
    assert "Total unknown: the price of voyage-3.5 is not known, so that --max-usd is refused." in drawn(told)
    assert there.asked == []


def test_what_is_not_made_costs_nothing(
    costly: Resources, small_catalogue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = estimate(costly, small_catalogue, IngestOptions(roles=frozenset({Role.VISUAL})))
    assert {each.stage for each in told.planned} == {"discover", "describe"}
    assert told.usd == pytest.approx(sum(each.usd or 0 for each in told.planned)) != 0
    for part in ("ANALYST", "DISCOVERY", "TEXT_ENCODER"):
        monkeypatch.delenv(f"SWATCHBOOK_{part}")
    with open_resources(load_settings()) as resources:
        told = estimate(resources, small_catalogue, IngestOptions())
    assert told.planned == ()
    assert told.usd == 0
