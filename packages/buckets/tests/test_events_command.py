"""`swatchbook upkeep events`: what a bucket told and was not ingested is listed with its reason, and tried again."""

import json
import re

import pytest

from swatchbook.domain.errors import FileMissing, UnsupportedFormat
from swatchbook.resources import Resources
from swatchbook.store.ledger.object_events import dead_events
from swatchbook_buckets.event_ledger import (
    FIRST_PAUSE,
    NewEvent,
    claim_events,
    list_events,
    record_events,
    record_failed,
)
from tests.command import attempt, run, run_json
from tests.doors.conftest import asking
from tests.store.ledger.scene import pass_time

SOURCE = "s3://shop/incoming"


def event(name: str, **given: object) -> NewEvent:
    fields = {"owner": "anna", "source": SOURCE, "event": "Put", "is_new": True, "version": "1", "order_key": "1"}
    return NewEvent.model_validate({**fields, "url": f"{SOURCE}/{name}", **given})


@pytest.fixture
def told(resources: Resources, monkeypatch: pytest.MonkeyPatch) -> Resources:
    """A collection of anna's without a document, and four events: one waits, one is dead, two are ignored."""
    monkeypatch.setenv("SWATCHBOOK_EVENT_SOURCES", json.dumps([{"url": SOURCE, "owner": "anna"}]))
    ignored = event("notes.txt", reason="By its name it is no PDF.")
    elsewhere = event("a.pdf", owner=None, source=None, reason="It is below no URL.")
    record_events(resources.ledger, [event("missing.pdf"), event("broken.pdf"), ignored, elsewhere])
    missing, broken = claim_events(resources.ledger, 2)
    record_failed(resources.ledger, missing, FileMissing(f"There is no object {missing.url}."))
    record_failed(resources.ledger, broken, UnsupportedFormat("It is not a PDF."))
    return resources


def test_waiting_and_dead_events_are_listed_with_reasons(told: Resources) -> None:
    shown = run("upkeep", "events", "--owner", "anna")
    for words in ("missing.pdf", "There is no object", "waiting", "broken.pdf", "It is not a PDF.", "dead"):
        assert words in shown
    assert "notes.txt" not in shown
    dead, waiting = run_json("upkeep", "events", "--owner", "anna")
    assert (dead["state"], dead["next_try_at"], dead["failure_kind"]) == ("dead", None, "unsupported_format")
    assert (waiting["state"], waiting["tries"]) == ("waiting", 1)
    assert waiting["next_try_at"] >= waiting["at"] + FIRST_PAUSE
    assert len(run_json("upkeep", "events", "--owner", "anna", "--ended")) == 3
    assert len(run_json("upkeep", "events", "--all-owners", "--ended")) == 4
    assert "no owner" in run("upkeep", "events", "--all-owners", "--ended")


def test_dead_event_is_listed_and_tried_again(told: Resources) -> None:
    dead = next(each for each in run_json("upkeep", "events", "--owner", "anna") if each["state"] == "dead")
    (tried,) = run_json("upkeep", "events", "retry", dead["id"][:8], "--owner", "anna")
    assert (tried["id"], tried["state"], tried["tries"]) == (dead["id"], "waiting", 0)
    assert [each.id for each in claim_events(told.ledger, 9)] == [dead["id"]]
    assert len(run_json("upkeep", "events", "retry", "--owner", "anna")) == 2


def test_event_without_a_document_to_make_is_refused(told: Resources) -> None:
    (ignored,) = list_events(told.ledger, "anna", states=("ignored",))
    status, _, err = attempt("upkeep", "events", "retry", ignored.id, "--owner", "anna")
    assert (status, "nothing to try" in err) == (2, True)


def test_without_events_it_says_so(resources: Resources) -> None:
    assert list_events(resources.ledger, None) == []
    assert run_json("upkeep", "events") == []
    assert run_json("upkeep", "events", "retry") == []


def test_dead_event_is_reported_until_its_object_returns(told: Resources) -> None:
    line = (
        f"Not ingested, although a bucket announced it: 1 object, the last {SOURCE}/broken.pdf. It is not a PDF. "
        "Upload what is wrong again; for what was put right, run `swatchbook upkeep events retry`. "
        "`swatchbook upkeep events` lists all."
    )
    assert " ".join(run("status", "--owner", "anna").split()).endswith(f"! {line}")
    assert run_json("status", "--owner", "anna")["dead_events"]["count"] == 1
    assert dead_events(told.ledger, "bert") is None
    assert _health() == ("degraded", (line,), {"dead_last_day": 1.0})
    pass_time(told.ledger, 90_000)
    assert _health() == ("ok", (), {"dead_last_day": 0.0}), "not for all of its thirty days"
    assert dead_events(told.ledger, "anna") is not None
    record_events(told.ledger, [event("broken.pdf", version="2", order_key="2")])
    assert dead_events(told.ledger, "anna") is None
    assert "!" not in run("status", "--owner", "anna")


def _health() -> tuple[str, tuple[str, ...], dict[str, float]]:
    """Return what a service that has just started tells: its state, troubles without late work, and the figures."""
    with asking() as client:
        health, figures = client.get("/health").json(), client.get("/metrics").text
    events = re.findall(r"^swatchbook_events_(\w+) (.*)$", figures, re.MULTILINE)
    return health["status"], tuple(health["troubles"]), {name: float(value) for name, value in events}
