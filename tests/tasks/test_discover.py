"""Stage 2 as tasks: what happens to products and metadata when the language model fails, by the kind of failure."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from swatchbook.blocks import load_resources
from swatchbook.domain.errors import ProviderError
from swatchbook.domain.records import BlockNames, Description, Discovery, IngestOptions, Reading, Scans, Tables
from swatchbook.ingest import stages
from swatchbook.ingest.begin_run import begin_work
from swatchbook.ingest.register import register
from swatchbook.ingest.run import Work
from swatchbook.resources import Resources
from swatchbook.tasks.stages import ask_description, discover_products
from swatchbook_catalogue.llm import find_products
from swatchbook_catalogue.pdf import reader
from tests.models.providers import attentive
from tests.models.providers.standin import KEY, Provider, provider


@pytest.fixture
def there(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    """Where the language model is, which this process' tools then ask."""
    load_resources.cache_clear()
    with provider() as elsewhere:
        elsewhere.answer = lambda asked: attentive.answer(asked.texts, asked.pictures)
        given = {"DISCOVERY": "llm", "LLM__URL": elsewhere.openai_url, "LLM__MODEL": "attentive", "LLM__API_KEY": KEY}
        for name, value in given.items():
            monkeypatch.setenv(f"SWATCHBOOK_{name}", value)
        yield elsewhere
        load_resources(BlockNames()).close()
    load_resources.cache_clear()


@pytest.fixture
def assisting(there: Provider, monkeypatch: pytest.MonkeyPatch) -> Provider:
    monkeypatch.setenv("SWATCHBOOK_DISCOVERY", "assist")
    return there


class Begun:
    def __init__(self, tools: Resources, path: Path) -> None:
        registered = register(tools, path, owner="ann", options=IngestOptions())
        work = begin_work(tools, registered)
        assert isinstance(work, Work)
        self.work = work
        self.reading: Reading = reader.read(path, tools.files, tools.settings)

    def discover(self) -> Discovery:
        return asyncio.run(discover_products.fn(load_resources(BlockNames()), self.work, self.reading))

    def describe(self) -> Description:
        found = self.discover()
        product = found.products[0]
        resources = load_resources(BlockNames())
        by_layout, *_ = stages.describe_products(resources, self.work, self.reading, found, Tables())
        if not stages.asks_about(resources, product):
            return by_layout
        given = (self.work, self.reading, Scans(), product, by_layout)
        return asyncio.run(ask_description.fn(resources, *given))


def begun(path: Path) -> Begun:
    return Begun(load_resources(BlockNames()), path)


@pytest.mark.parametrize(("fault", "kind"), [("refusal", "provider_rejected"), ("prose", "invalid_model_output")])
def test_unreadable_document_keeps_layout_products(
    there: Provider, small_catalogue: Path, fault: str, kind: str
) -> None:
    run = begun(small_catalogue)
    there.faults.mix = {fault: 1.0}
    found = run.discover()
    assert [product.name for product in found.products] == ["Nordvik Oak", "Palladio Terrazzo"]
    (lost,) = found.lost
    assert (lost.kind, lost.transient) == (kind, False)
    assert "layout rules" in lost.message


def test_while_the_provider_fails_products_wait_for_it(there: Provider, small_catalogue: Path) -> None:
    run = begun(small_catalogue)
    there.faults.mix = {"error": 1.0}
    with pytest.raises(ProviderError):
        run.discover()
    there.faults.mix = {}
    found = run.discover()
    assert found.lost == ()
    assert found.products[0].evidence[0].detail == {"model": "attentive"}


def test_nobody_is_asked_where_layout_rules_are_sure(
    assisting: Provider, small_catalogue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(find_products, "SURE", 0.0)
    run = begun(small_catalogue)
    assert [product.name for product in run.discover().products] == ["Nordvik Oak", "Palladio Terrazzo"]
    assert run.describe().metadata["slip_rating"] == "R10"
    assert assisting.asked == []
