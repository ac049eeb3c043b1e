"""The whole way with a language model and a vision model behind addresses: good ones, and some not to be trusted."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from swatchbook.domain.errors import Authentication
from swatchbook.domain.records import DocumentStatus, Product, Role
from swatchbook.resources import Resources
from swatchbook.search.request import SearchRequest
from swatchbook.search.search import search
from swatchbook.store.ledger import calls
from swatchbook.store.ledger.queries.document import read_products
from swatchbook.store.ledger.stored_documents import list_documents
from tests.catalogue.llm.scanned import Scanned
from tests.flows.conftest import Ingest
from tests.models.providers import attentive
from tests.models.providers.standin import KEY, Asked, Provider, provider

pytestmark = pytest.mark.stack


@pytest.fixture(autouse=True)  # before the resources have read the settings
def there(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    """Where both models are; they read what they are given."""
    with provider() as elsewhere:
        elsewhere.answer = lambda asked: attentive.answer(asked.texts, asked.pictures)
        given = {"DISCOVERY": "llm", "ANALYST": "vision", "VISION__SIDE": "256"}
        for part in ("LLM", "VISION"):
            given |= {f"{part}__URL": elsewhere.openai_url, f"{part}__MODEL": "attentive", f"{part}__API_KEY": KEY}
        for name, value in given.items():
            monkeypatch.setenv(f"SWATCHBOOK_{name}", value)
        yield elsewhere


def products(resources: Resources, document: str) -> dict[str, Product]:
    return {product.name: product for product in read_products(resources.ledger, document)}


@pytest.mark.gate
def test_products_metadata_and_analyses_are_what_models_read(
    there: Provider, resources: Resources, ingest: Ingest, small_catalogue: Path
) -> None:
    report = ingest(small_catalogue)
    assert report.status == DocumentStatus.COMPLETED, report
    assert report.images_found == report.images_complete > 5
    truth = json.loads(small_catalogue.with_suffix(".truth.json").read_text())["products"]
    found = products(resources, report.document_id)
    assert {(p.name, p.category, p.first_page, p.last_page) for p in found.values()} == {
        (p["name"], p["category"], p["first_page"], p["last_page"]) for p in truth
    }
    assert found["Nordvik Oak"].metadata["slip_rating"] == "R10"
    assert found["Palladio Terrazzo"].metadata["price"] == "€ 96.00 per m²"
    assert not [warning for warning in report.warnings if "language model" in warning]
    assert search(resources, SearchRequest("grey surface", k=5))[0].why[Role.UNDERSTANDING]
    assert set(there.paid.values()) == {1}
    assert {(spent.stage, spent.calls) for spent in calls.spending(resources.ledger, report.document_id)} == {
        ("discover", 1), ("describe", 2), ("embed", len(there.paid) - 3),
    }  # fmt: skip

    asked = len(there.asked)
    ingest(small_catalogue, focus=False)
    assert {key for key, times in there.paid.items() if times > 1} == set()
    assert all(asked.pictures for asked, _ in there.asked[asked:]), "only pages that were skipped show new pictures"


@pytest.fixture
def no_text_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWATCHBOOK_TEXT_ENCODER", "openai")
    monkeypatch.setenv("SWATCHBOOK_TEXT__MODEL", "text-embedding-3-small")


@pytest.mark.usefixtures("no_text_key")
def test_nothing_is_paid_before_everything_is_there(
    there: Provider, resources: Resources, ingest: Ingest, small_catalogue: Path
) -> None:
    for pause in (60, 120, 240):  # each is a red flow run, until a person acts
        with pytest.raises(Authentication, match="SWATCHBOOK_TEXT__API_KEY is not set"):
            ingest(small_catalogue, focus=False)
        (document,) = list_documents(resources.ledger)
        assert (document.status, document.failure_kind) == (DocumentStatus.BLOCKED, "authentication")
        assert document.due_at == pytest.approx(document.updated_at + pause, abs=5)
    assert there.asked == []


def test_inventions_of_models_are_dropped_and_failures_named(
    there: Provider, resources: Resources, ingest: Ingest, small_catalogue: Path
) -> None:
    def answer(asked: Asked) -> Any:
        said = attentive.answer(asked.texts, asked.pictures)
        if "products" in said:
            invented = {**said["products"][0], "name": "Hackwood", "category": "Free"}
            return {"products": [*said["products"], invented, {**said["products"][0], "last_page": 500}]}
        if "facts" in said:
            if asked.texts[0].startswith("The product: Palladio"):
                return "I am not in the mood."
            facts = [{"kind": "price", "value": "€ 0.00", "page": 4}, {"kind": "owner", "value": "me", "page": 4}]
            return {"facts": [*said["facts"], *facts]}
        return said

    there.answer = answer
    report = ingest(small_catalogue)
    found = products(resources, report.document_id)
    assert set(found) == {"Nordvik Oak", "Palladio Terrazzo"}
    assert found["Nordvik Oak"].metadata["price"] == "€ 82.50 per m²"
    assert "owner" not in found["Nordvik Oak"].metadata
    (warning,) = [warning for warning in report.warnings if "language model" in warning]
    assert re.match("4 answers .* dropped: .*Hackwood", warning)

    assert found["Palladio Terrazzo"].metadata["slip_rating"] == "R10 honed", "by layout rules"
    (failure,) = report.other_failures
    assert (failure.page_number, failure.kind) == (5, "invalid_model_output")
    assert "Palladio Terrazzo" in failure.error
    assert report.status == DocumentStatus.WAITING

    there.answer = lambda asked: attentive.answer(asked.texts, asked.pictures)
    again = ingest(small_catalogue)
    assert again.status == DocumentStatus.COMPLETED
    assert again.other_failures == ()


def test_scanned_catalogue_is_read_by_the_model(
    there: Provider, resources: Resources, ingest: Ingest, small_catalogue: Path, tmp_path: Path
) -> None:
    scan = Scanned(small_catalogue, tmp_path)

    def answer(asked: Asked) -> Any:
        reads = "lines" in (asked.schema or {}).get("properties", {})
        return (scan.says if reads else attentive.answer)(asked.texts, asked.pictures)

    there.answer = answer
    report = ingest(scan.path)
    assert report.status == DocumentStatus.COMPLETED, report
    assert report.images_found == report.images_complete > 0
    truth = json.loads(small_catalogue.with_suffix(".truth.json").read_text())["products"]
    found = products(resources, report.document_id)
    assert {(p.name, p.first_page, p.last_page) for p in found.values()} == {
        (p["name"], p["first_page"], p["last_page"]) for p in truth
    }
    assert found["Nordvik Oak"].metadata["slip_rating"] == "R10"
    spent = {(each.stage, each.calls) for each in calls.spending(resources.ledger, report.document_id)}
    assert spent >= {("discover", 7), ("describe", 2)}, "six pages and one question of them all"
    assert set(there.paid.values()) == {1}
