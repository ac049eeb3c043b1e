"""Weak pictures from the ingest to a second look and a person's word, with two models that see different things."""

import asyncio
import io
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from swatchbook.domain.records import DocumentStatus, IngestOptions, Role, RunReport
from swatchbook.flows.retry_failed import retry_failed
from swatchbook.flows.review_quality import review_quality
from swatchbook.ingest.review import Reviewed, review_document
from swatchbook.resources import Resources
from swatchbook.search.request import SearchRequest
from swatchbook.search.search import search
from swatchbook.store.ledger.calls import spending
from swatchbook.store.ledger.queries.document import show_document
from swatchbook.store.ledger.queries.report import document_report
from swatchbook.store.ledger.stored_documents import get_document
from tests.command import run, run_json
from tests.fixtures import ROOT
from tests.flows.conftest import Ingest
from tests.models.providers.standin import KEY, Asked, Provider, provider
from tests.pdf.making import Paper, gradient, jpeg
from tests.store.ledger.scene import pass_time, set_document

pytestmark = pytest.mark.stack

FIRST, SECOND = "seer", "stronger"
PRICES = json.dumps({model: {"input": 1, "output": 1} for model in (FIRST, SECOND)})
MATERIALS = ("oak", "ash", "elm", "fir")
SURE = 3  # of these pictures, the one that the first model is sure of


def number_of(asked: Asked) -> int:
    """Which of the pictures is shown: `gradient` paints its number in blue."""
    blue = Image.open(io.BytesIO(asked.pictures[0])).convert("RGB").getchannel("B").resize((1, 1)).tobytes()[0]
    return round((blue - 40) / 37)


def says(material: str, confidence: float) -> dict[str, Any]:
    nothing = ("finish", "pattern", "contrast", "dimensions", "slip_rating", "printed_text", "application")
    return {
        **dict.fromkeys(nothing), "material": material, "colors": [], "textures": [], "confidence": confidence,
        "quality": 0.9,
    }  # fmt: skip


def answer(asked: Asked) -> Any:
    """The second model is no surer of the first picture, knows the second better, and has no answer to the third."""
    number = number_of(asked)
    if asked.body["model"] == FIRST:
        return says(MATERIALS[number], 0.9 if number == SURE else 0.2)
    return (says("oak", 0.3), says("walnut", 0.9), "I am not in the mood.")[number]


@pytest.fixture(autouse=True)  # before the resources have read the settings
def there(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    with provider() as elsewhere:
        elsewhere.answer = answer
        elsewhere.takes = {"schema"}
        given = {
            "ANALYST": "vision", "VISION__URL": elsewhere.openai_url, "VISION__MODEL": FIRST, "VISION__API_KEY": KEY,
            "VISION__SIDE": "64", "REVIEW__MODEL": SECOND, "REVIEW__BELOW": "0.5", "RETRY_DELAYS": "0",
            "PRICES": PRICES,
        }  # fmt: skip
        for name, value in given.items():
            monkeypatch.setenv(f"SWATCHBOOK_{name}", value)
        yield elsewhere


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    paper = Paper()
    for number, page in enumerate(paper.pages(len(MATERIALS))):
        page.insert_text((40, 40), f"Tile {MATERIALS[number].title()}")
        page.insert_image((40, 80, 240, 280), stream=jpeg(gradient(300, 300, seed=number)))
    return paper.save(tmp_path / "tiles.pdf")


@pytest.fixture
def report(ingest: Ingest, catalogue: Path) -> RunReport:
    """Of a catalogue of four pictures, three of them weak."""
    return ingest(catalogue, focus=False)


def review(**given: Any) -> list[Reviewed]:
    return asyncio.run(review_quality(**given))


def asked_of(there: Provider, model: str) -> list[Asked]:
    return [asked for asked, _ in there.asked if asked.body["model"] == model]


def by_page(resources: Resources, document: str) -> dict[int, dict[str, Any]]:
    return {image["placements"][0]["page"]: image for image in show_document(resources.ledger, document)["images"]}


def found(resources: Resources, words: str) -> list[str]:
    """Images by their vectors of what is said of them."""
    return [hit.id for hit in search(resources, SearchRequest(words, k=9)) if Role.UNDERSTANDING in hit.why]


@pytest.mark.gate
def test_what_the_second_model_replaces_is_searchable(there: Provider, resources: Resources, report: RunReport) -> None:
    assert (report.status, report.images_complete, report.images_to_review) == (DocumentStatus.COMPLETED, 4, 3)
    assert asked_of(there, SECOND) == []
    (done,) = review()
    assert (done.replaced, done.undecided, done.message) == (1, 1, None)
    (failure,) = done.failed
    images = by_page(resources, report.document_id)
    assert images[3]["id"] in failure
    assert "page 3: invalid_model_output" in failure
    assert {page: image["needs_review"] for page, image in images.items()} == {1: True, 2: False, 3: True, 4: False}
    assert (images[2]["review"]["verdict"], images[2]["review"]["reason"]) == ("replaced", "its confidence 0.90")
    assert (images[1]["analysis"]["confidence"], images[2]["analysis"]["material"]) == (0.2, "walnut")
    assert {number_of(asked) for asked in asked_of(there, SECOND)} == {0, 1, 2}
    spent = {each.stage: each for each in spending(resources.ledger, report.document_id)}
    assert spent["review"].model == SECOND
    assert spent["review"].cost_usd > 0

    assert get_document(resources.ledger, report.document_id).status == DocumentStatus.WAITING
    asyncio.run(retry_failed())
    again = document_report(resources.ledger, report.document_id)
    assert (again.status, again.images_complete, again.images_to_review) == (DocumentStatus.COMPLETED, 4, 2)
    assert found(resources, "Material: walnut.")[0] == images[2]["id"]
    asked = len(there.asked)
    assert review() == [], "the failed one has a pause"
    assert len(there.asked) == asked
    assert len(asked_of(there, FIRST)) == 4

    pass_time(resources.ledger, 901)
    there.answer = lambda asked: says("elm", 0.9)
    (done,) = review(owner="default", limit=1)
    assert (done.replaced, done.failed) == (1, ())
    assert {asked.body["model"] for asked, _ in there.asked[asked:]} == {SECOND}


def test_nothing_is_spent_while_the_provider_is_down(there: Provider, resources: Resources, report: RunReport) -> None:
    there.script.extend(["error"] * 50)
    said = run_json("review", "run", expect=3)
    (stopped,) = said["documents"]
    assert (said["left"], len(stopped["failed"])) == (3, 3)
    assert all(image["needs_review"] for image in by_page(resources, report.document_id).values() if image["review"])
    there.script.clear()
    pass_time(resources.ledger, 901)
    there.answer = lambda asked: says("oak", 0.9)
    (done,) = run_json("review", "run")["documents"]
    assert (done["replaced"], done["undecided"]) == (3, 0)
    assert set(there.paid.values()) == {1}


def test_a_budget_holds_for_second_looks_too(there: Provider, resources: Resources, report: RunReport) -> None:
    most = IngestOptions(focus=False, max_usd=report.cost_usd + 0.001)
    set_document(resources.ledger, report.document_id, options=most.model_dump(mode="json"))
    asked = len(there.asked)
    (stopped,) = review()
    assert "USD are spent" in (stopped.message or "")
    assert len(there.asked) == asked
    assert get_document(resources.ledger, report.document_id).status == DocumentStatus.COMPLETED
    gone = review_document(resources, "nowhere", limit=1)
    assert "There is no document" in (gone.message or ""), "it keeps no other from its turn"


def test_commands_of_the_page_do_what_it_says(
    there: Provider, resources: Resources, report: RunReport, prefect_server: str
) -> None:
    """As docs/review.md prints them, one after the other; each that names a picture has the next one."""
    images = by_page(resources, report.document_id)
    ids = iter([images[page]["id"][:8] for page in (1, 2)])
    printed = re.findall(r"^\$ (swatchbook .*)$", (ROOT / "docs" / "review.md").read_text(), re.MULTILINE)
    assert len(printed) == 5
    for line in printed:
        words = shlex.split(line, comments=True)[1:]
        expect = 3 if words in (["review", "run"], ["fill", "failed"]) else 0  # one fails, one is rejected
        named = (next(ids) if word == "70968d45" else word for word in words)
        run(*named, expect=expect, PREFECT_API_URL=prefect_server)
    after = by_page(resources, report.document_id)
    assert [after[page]["status"] for page in (1, 2)] == ["complete", "partial"]
    assert after[1]["review"]["verdict"] == "accepted"
    (failure,) = document_report(resources.ledger, report.document_id).failed_images
    assert "It shows our logo." in failure.error
