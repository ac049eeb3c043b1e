"""Teaching on pages: what is clicked travels in the form, what would follow is shown, only Accept changes anything."""

import json
import re
from threading import Event

import pytest
from fastapi.testclient import TestClient
from test_web_documents import post_and_tell

from swatchbook.domain.records import UNTAUGHT, DocumentStatus, Example, IngestOptions, TaughtReading, TextRule
from swatchbook.resources import Resources
from swatchbook.store.ledger.stored_documents import get_document
from swatchbook_teach import lessons
from swatchbook_teach.kept_readings import list_readings
from swatchbook_teach.web import teach
from tests.doors.pages import BROWSER, Page, page
from tests.store.ledger.scene import queued, set_document

OAK, PALLADIO = "Nordvik Oak", "Palladio Terrazzo"
"""The two products of the sample; the first one is on page 3."""

Fields = dict[str, list[str] | str]


def fields_of(read: Page) -> Fields:
    """The fields of the form as a browser sends them, without that of a button."""
    fields: Fields = {"example": [], "part": []}
    for given in (given for tag, given in read.tags if tag == "input" and given.get("name")):
        name, value = given["name"], given.get("value", "")
        if given.get("type") in ("radio", "checkbox"):
            if "checked" in given:
                fields[name] = value
        elif isinstance(listed := fields.get(name), list):
            listed.append(value)
        elif name != "back":
            fields[name] = value
    return fields


def text_of(read: Page, words: str) -> dict[str, str]:
    """The button of a text of the page, by its words."""
    return next(each for each in read.all("button", name="click") if each["aria-label"].startswith(words))


def send(client: TestClient, document: str, fields: Fields, status: int = 200, **button: str) -> Page:
    got = client.post(f"/ui/documents/{document}/teach", data={**fields, **button}, headers=BROWSER)
    assert got.status_code == status, got.text
    return Page(got.text)


def click(client: TestClient, document: str, read: Page, words: str, mode: str = "name") -> Page:
    """Click a text of the page."""
    fields = fields_of(read) | {"mode": mode}
    return send(client, document, fields, click=text_of(read, words)["value"])


def shown(read: Page) -> list[Example]:
    """What was shown so far, as the page says."""
    return [Example.model_validate_json(each) for each in fields_of(read)["example"]]


def counts(read: Page) -> tuple[int, int]:
    """The products now, and then."""
    found = re.search(r"(\d+)\s*→\s*(\d+) product", read.text)
    assert found, read.text
    return int(found[1]), int(found[2])


def set_sure(resources: Resources, document: str, sure: float) -> None:
    """Let the last report of a document say how sure its products are."""
    report = get_document(resources.ledger, document).report
    assert report is not None
    set_document(resources.ledger, document, report=report.model_copy(update={"sure": sure}).model_dump(mode="json"))


def test_long_reading_goes_on_in_the_background(
    sample: TestClient, document: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, goes_on, begun = lessons.open_lesson, Event(), list[object]()
    monkeypatch.setattr(lessons, "open_lesson", lambda *of: (begun.append(of), goes_on.wait(60), read(*of))[-1])
    address = f"/ui/documents/{document}/teach"
    with monkeypatch.context() as hurried:
        hurried.setattr(teach, "PAGE_SECONDS", 0.05)
        for _ in range(2):
            waits = sample.get(address, headers=BROWSER)
            assert (waits.status_code, waits.headers["Refresh"]) == (503, "3")
            assert "being read, which goes on" in waits.text
    goes_on.set()
    assert sample.get(address, headers=BROWSER).status_code == 200
    assert len(begun) <= 2, "the second request waits for the reading of the first"


def test_nothing_is_stored_before_it_is_accepted(sample: TestClient, resources: Resources, document: str) -> None:
    before = get_document(resources.ledger, document)
    read = page(sample, f"/ui/documents/{document}/teach?page=4")
    assert "Nothing shown yet" in read.text
    read = click(sample, document, read, "Limed")
    read = click(sample, document, read, "Smoked")
    assert [(each.text, each.page) for each in shown(read)] == [("Limed", 4), ("Smoked", 4)]
    now, then = counts(read)
    assert now == 2
    assert then > 2
    assert get_document(resources.ledger, document) == before
    assert list_readings(resources.ledger) == []
    told = post_and_tell(sample, f"/ui/documents/{document}/teach/accept", **fields_of(read))  # type: ignore[arg-type]
    assert f"done=taught%3A{document}" in told
    after = get_document(resources.ledger, document)
    (kept,) = list_readings(resources.ledger)
    assert (after.status, after.options.taught) == (DocumentStatus.QUEUED, kept.reading)
    assert [each.text for each in kept.reading.examples] == ["Limed", "Smoked"]


def test_clicks_undo_deny_and_name_parts_everywhere(sample: TestClient, document: str) -> None:
    read = page(sample, f"/ui/documents/{document}/teach?page=3")
    read = click(sample, document, read, OAK)
    assert text_of(read, f"{OAK}, name")["aria-pressed"] == "true"
    read = click(sample, document, read, OAK, mode="not")
    assert [each.right for each in shown(read)] == [False], "another mode says it anew"
    read = click(sample, document, read, OAK, mode="not")
    assert shown(read) == []
    read = click(sample, document, read, "3 colours", mode="price")
    assert [each.what for each in shown(read)] == ["price"]
    read = send(sample, document, fields_of(read), remove="0")
    assert shown(read) == []
    read = click(sample, document, read, "Nordvik Oak Limed, NO-104")
    read = send(sample, document, fields_of(read) | {"part": ["Nordvik Oak Limed"]})
    assert [each.text for each in shown(read)] == ["Nordvik Oak Limed"]
    read = send(sample, document, fields_of(read), go="5")
    assert read.all("svg", **{"aria-label": "Page 5 with its texts and pictures"})
    read = send(sample, document, fields_of(read), click=text_of(read, PALLADIO)["value"], clicked="Palladio")
    assert [each.text for each in shown(read)] == ["Nordvik Oak Limed", "Palladio"]
    boxes = len(read.all("button", name="click"))
    read = send(sample, document, fields_of(read) | {"lines": "true"})
    assert len(read.all("button", name="click")) > boxes, "paragraphs are clicked line by line"
    say = read.all("button", name="say")
    assert 0 < sum(each["aria-label"].startswith(("Is a", "Not this")) for each in say) <= 20, "the least sure names"
    wrong = next(each for each in say if each["aria-label"].startswith("Not this one"))
    denied = shown(send(sample, document, fields_of(read), say=wrong["value"]))[-1]
    assert (denied.right, denied.page) == (False, json.loads(wrong["value"])["page"])


def test_likeliest_readings_are_one_click_away(sample: TestClient, resources: Resources, document: str) -> None:
    set_sure(resources, document, 0.9)
    assert not page(sample, f"/ui/documents/{document}").all("section", **{"aria-labelledby": "which"})
    set_sure(resources, document, 0.2)
    read = page(sample, f"/ui/documents/{document}")
    (asked,) = {given["hx-get"] for _, given in read.tags if given.get("hx-get", "").endswith("/readings")}
    choices = page(sample, asked)
    addresses = [each for each in choices.links(f"/ui/documents/{document}/teach") if "likeliest" in each]
    assert 1 <= len(addresses) <= 3
    read = page(sample, addresses[-1])
    assert counts(read)[0] == 2
    told = post_and_tell(sample, f"/ui/documents/{document}/teach/accept", **fields_of(read))  # type: ignore[arg-type]
    assert "done=taught" in told
    (kept,) = list_readings(resources.ledger)
    assert kept.in_use
    assert "Its names are read the way a person showed." in page(sample, f"/ui/documents/{document}").text


def test_other_reading_is_taken_and_corrected(sample: TestClient, resources: Resources, document: str) -> None:
    read = page(sample, f"/ui/documents/{document}/teach?page=4")
    assert read.all("button", name="take"), "before the first click, the likeliest readings"
    read = click(sample, document, read, "Limed")
    others = read.all("button", name="take")
    assert 1 <= len(others) <= 4
    assert all(each["loading"] == "lazy" for each in read.all("img", alt=""))
    read = send(sample, document, fields_of(read), take=others[0]["value"])
    assert [each.text for each in shown(read)] == ["Limed"]
    taken = TaughtReading.model_validate_json(fields_of(read)["start"])  # type: ignore[arg-type]
    assert taken.rules_only == TaughtReading.model_validate_json(others[0]["value"])
    assert others[0]["value"] not in {each["value"] for each in read.all("button", name="take")}
    post_and_tell(sample, f"/ui/documents/{document}/teach/accept", **fields_of(read))  # type: ignore[arg-type]
    (kept,) = list_readings(resources.ledger)
    assert kept.reading == taken
    read = click(sample, document, page(sample, f"/ui/documents/{document}/teach?page=4"), "Smoked", mode="not")
    assert [each.text for each in shown(read)] == ["Limed", "Smoked"]


def test_reading_of_another_document_is_taken_over(sample: TestClient, resources: Resources, document: str) -> None:
    taught = TaughtReading(names=(TextRule(traits={"size": 8.2, "bold": False}),))
    other = queued(resources.ledger, content="other", options=IngestOptions(taught=taught))
    read = page(sample, f"/ui/documents/{document}/teach?taken_from={other.id}")
    assert "The reading that was chosen is shown as boxes." in read.text
    post_and_tell(sample, f"/ui/documents/{document}/teach/accept", **fields_of(read))  # type: ignore[arg-type]
    kept = next(each for each in list_readings(resources.ledger) if each.document == document)
    assert kept.reading == taught
    assert "Page 1 with its texts" in str(page(sample, f"/ui/documents/{document}/teach?page=1").tags)
    missing = "00000000-0000-0000-0000-000000000000"
    assert page(sample, f"/ui/documents/{document}/teach?taken_from={missing}", status=404)


def test_undo_leads_back_to_how_it_was_read(sample: TestClient, document: str, resources: Resources) -> None:
    read = click(sample, document, page(sample, f"/ui/documents/{document}/teach?page=4"), "Limed")
    headers = {"HX-Request": "true", "Accept": "*/*"}
    got = sample.post(f"/ui/documents/{document}/teach/accept", data=fields_of(read), headers=headers)
    assert (got.status_code, got.headers["hx-redirect"].partition("?")[0]) == (204, f"/ui/documents/{document}")
    read = page(sample, f"/ui/documents/{document}/teach")
    assert [each.text for each in shown(read)] == ["Limed"], "what was taught can be corrected"
    assert "It is read so already." in read.text
    told = post_and_tell(sample, f"/ui/documents/{document}/teach/undo", back="/ui/documents")
    assert told == "/ui/documents?done=untaught"
    assert get_document(resources.ledger, document).options.taught == UNTAUGHT
    again = sample.post(f"/ui/documents/{document}/teach/undo", headers=BROWSER)
    assert again.status_code == 409


def test_forged_form_is_refused_and_markup_stays_text(sample: TestClient, resources: Resources, document: str) -> None:
    hostile = '"><script>alert(1)</script>'
    example = Example(page=3, box=(1, 1, 2, 2), text=hostile).model_dump_json()
    read = send(sample, document, {"example": [example], "part": [hostile], "page": "3"})
    assert [each.text for each in shown(read)] == [hostile]
    assert not [given for given in read.all("script") if "src" not in given]
    forms: list[Fields] = [
        {"picture": "{"}, {"side": "inside"}, {"x0": "1" * 50}, {"draw": "maybe"}, {"click": "{"},
        {"click": '{"page": 0, "box": [0, 0, 1, 1]}'}, {"example": ["{}"]}, {"start": '{"names": 7}'},
        {"example": ['{"page": 1, "box": [0, 0, 1, 1]}'] * 202}, {"take": '{"names": 7}'}, {"mode": "drawing"},
        {"unknown": "x"},
        {"example": ['{"page": 1, "box": [0, 0, 1, 1]}'], "part": ["a\x00b"]},
    ]  # fmt: skip
    for forged in forms:
        send(sample, document, forged, status=422)
    assert "Page 99 not found" in page(sample, f"/ui/documents/{document}/teach?page=99", status=404).text
    set_document(resources.ledger, document, page_count=None)
    assert "has not been read yet" in page(sample, f"/ui/documents/{document}/teach", status=409).text
    assert "Show them" not in page(sample, f"/ui/documents/{document}").text
