"""Teaching over HTTP: a reading is accepted, listed and undone, and refused where it cannot be used."""

import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from swatchbook.interface.client import Client
from swatchbook.interface.client_errors import Invalid, NotFound
from swatchbook.ledger.stored_documents import FOLDER, PDF, get_document, queue
from swatchbook.records import (
    UNTAUGHT,
    Example,
    IngestOptions,
    PagePlace,
    PictureSide,
    PlacementState,
    Shown,
    TaughtReading,
    TextRule,
)
from swatchbook.resources import Resources
from swatchbook.settings import load_settings
from tests.fixtures import ROOT
from tests.interface.conftest import ANNA, asking
from tests.interface.service.served import served

LARGE = TaughtReading(
    names=(TextRule(traits={"size": 12.0}),), examples=(Example(page=1, box=(1, 2, 3, 4), text="POLO"),)
)
SMALL = TaughtReading(names=(TextRule(traits={"size": 8.0, "bold": True}),))


def accept(client: TestClient, document: str, reading: TaughtReading, status: int = 202, **fields: object) -> None:
    body = {"reading": reading.model_dump(mode="json"), **fields}
    answer = client.post(f"/documents/{document}/teaching", json=body)
    assert answer.status_code == status, answer.text


def test_accepted_readings_are_listed_latest_first_and_undone_in_order(filled: Path) -> None:
    with asking() as client:
        (document,) = (each["id"] for each in client.get("/documents").json()["documents"])
        for reading in (LARGE, SMALL):
            accept(client, document, reading, products=7)
        pages = [client.get("/readings?limit=1").json()]
        pages.append(client.get("/readings", params={"limit": 1, "cursor": pages[0]["next"]}).json())
        assert pages[1]["next"] is None
        listed = [each for page in pages for each in page["readings"]]
        assert [(each["number"], each["in_use"], each["products"]) for each in listed] == [(2, True, 7), (1, False, 7)]
        assert client.get("/readings").json()["readings"] == listed
        resources: Resources = client.app.state.resources  # type: ignore[attr-defined]
        for left in (LARGE, UNTAUGHT):
            assert client.delete(f"/documents/{document}/teaching").status_code == 202
            assert get_document(resources.ledger, document).options.taught == left
        assert client.delete(f"/documents/{document}/teaching").status_code == 409
        undone = client.get("/readings").json()["readings"]
        assert all(each["undone_at"] and not each["in_use"] for each in undone)
        assert len(undone) == 2


def test_what_cannot_be_taught_is_refused_in_words(filled: Path) -> None:
    with asking() as client:
        (document,) = (each["id"] for each in client.get("/documents").json()["documents"])
        resources: Resources = client.app.state.resources  # type: ignore[attr-defined]
        folder = queue(
            resources.ledger, owner="anna", content="/pictures", kind=FOLDER, name="pictures", file=None, size=1,
            options=IngestOptions(),
        )  # fmt: skip
        accept(client, document, UNTAUGHT, status=422)
        accept(client, folder.id, LARGE, status=422)
        accept(client, document, LARGE, status=404, taken_from="00000000-0000-0000-0000-000000000000")
        accept(client, document, LARGE, status=422, products=-1)
        endless = b'{"reading": {"names": [{"traits": {"size": 1e999}}]}}'
        assert client.post(f"/documents/{document}/teaching", content=endless).status_code == 422
        assert client.get("/readings").json()["readings"] == []


def test_texts_of_a_page_are_shown_and_a_proposal_changes_nothing(filled: Path, keys: None) -> None:
    with served(load_settings()) as service, Client(service.url, key=ANNA) as anna:
        (document,) = (each.id for each in anna.documents())
        before = anna.status(document)
        page = anna.texts(document, 3)
        (name,) = (each for each in page.texts if each.is_name)
        assert (name.name, page.page, page.turn) == ("Nordvik Oak", 3, 0)
        assert 0 <= name.box[0] < name.box[2] <= page.width
        assert any(each.is_line for each in page.texts)
        shown = [
            Example(page=4, box=each.box, text=each.name)
            for each in anna.texts(document, 4).texts
            if each.name in ("Limed", "Smoked")
        ]
        proposal = anna.propose(document, shown)
        assert proposal.reading.examples == tuple(shown)
        assert proposal.products == len({each.name for each in proposal.names}) > 2
        (one,) = (each for each in shown if each.text == "Limed")
        others = anna.propose(document, [one]).others
        assert 1 <= len(others) <= 4
        taken = anna.propose(document, [one], start=others[0].reading)
        assert (taken.products, taken.pages, taken.reading) == (
            others[0].products, others[0].pages, others[0].reading,
        )  # fmt: skip
        assert set(others[0].names) <= {each.name for each in taken.names}
        readings = anna.likeliest_readings(document)
        assert readings.in_use is None
        assert 1 <= len(readings.likeliest) <= 3
        previewed = anna.propose(document, start=readings.likeliest[0].reading)
        assert previewed.names == readings.likeliest[0].names
        assert anna.status(document) == before
        with pytest.raises(Invalid, match="show at least one name"):
            anna.propose(document)
        with pytest.raises(NotFound, match="Page 99"):
            anna.texts(document, 99)
        kept = anna.accept(document, proposal.reading, products=proposal.products)
        assert anna.likeliest_readings(document).in_use == kept.reading
        assert {each.name for each in anna.texts(document, 4).texts if each.is_name} >= {"Limed", "Smoked"}


def test_pictures_of_a_page_are_listed_and_shown_and_a_side_is_given_and_taken_back(filled: Path, keys: None) -> None:
    with served(load_settings()) as service, Client(service.url, key=ANNA) as anna:
        (document,) = (each.id for each in anna.documents())
        pictures = anna.texts(document, 4).pictures
        swatch = next(each for each in pictures if each.state is PlacementState.SHOWN)
        assert swatch.url == f"/images/{swatch.image}/file"
        logo = next(each for each in pictures if each.state is PlacementState.DECORATIVE)
        assert (logo.url, logo.reason) == (None, "tiny: its short side is under 32 pt")
        shown = [
            Example(page=4, box=swatch.box, what=Shown.DECORATION),
            Example(page=4, box=logo.box, what=Shown.DECORATION, right=False),
            Example(page=5, box=(60, 620, 160, 700), what=Shown.PICTURE),
        ]
        proposal = anna.propose(document, shown, side=PictureSide.ABOVE)
        made = proposal.pictures
        assert made is not None
        assert (made.decoration, made.missed) == ((PagePlace(page=4, box=swatch.box),), ())
        assert logo.box in {each.box for each in made.shown}
        assert [each.box for each in made.taken] == [shown[2].box]
        assert proposal.reading.side is PictureSide.ABOVE
        kept = anna.accept(document, proposal.reading)
        assert kept.reading.examples == tuple(shown)
        assert anna.propose(document, [shown[0].model_copy(update={"right": False})]).reading.side is PictureSide.ABOVE
        as_found = anna.propose(document, start=kept.reading, side="as found")
        assert as_found.reading == kept.reading.model_copy(update={"side": None})


def test_example_of_the_documentation_runs(filled: Path, keys: None, capsys: pytest.CaptureFixture[str]) -> None:
    example, _in_a_notebook = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "teaching.md").read_text(), re.DOTALL)
    with served(load_settings()) as service, Client(service.url, key=ANNA) as anna:
        for printed, real in (
            ("http://127.0.0.1:8420", service.url),
            ("4f1c…", ANNA),
            ("catalogue.pdf", next(iter(anna.documents())).name),
        ):
            assert printed in example
            example = example.replace(printed, real)
        exec(compile(example, "docs/teaching.md", "exec"), {})
        (kept,) = anna.readings()
        assert [each.text for each in kept.reading.examples] == ["Nordvik Oak"]
        assert "Nordvik Oak" in capsys.readouterr().out


def test_document_that_was_not_read_cannot_be_taught_yet(filled: Path) -> None:
    with asking() as client:
        resources: Resources = client.app.state.resources  # type: ignore[attr-defined]
        unread = queue(
            resources.ledger, owner="anna", content="0" * 64, kind=PDF, name="next.pdf", file=None, size=1,
            options=IngestOptions(),
        )  # fmt: skip
        for address in ("pages/1/texts", "teaching/readings"):
            assert client.get(f"/documents/{unread.id}/{address}").status_code == 409
        assert client.post(f"/documents/{unread.id}/teaching/proposal", json={}).status_code == 409
