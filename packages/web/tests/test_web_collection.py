"""The page of coverage and health says what `GET /coverage` says, and says so when the account does not close."""

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import insert, update

from swatchbook.domain.errors import InvalidModelOutput
from swatchbook.domain.records import DocumentStatus
from swatchbook.resources import Resources
from swatchbook.store.ledger.database import db_now
from swatchbook.store.ledger.schedule import record_round
from swatchbook.store.ledger.stored_documents import get_document
from swatchbook.store.ledger.tables import calls, items, pages, runs
from swatchbook_web import collection
from tests.doors.conftest import ADDRESS, ALL, ANNA, asking, bearing
from tests.doors.pages import Page, page
from tests.fixtures import free_port
from tests.store.ledger.scene import begun, change, fail, keys, lapse


def test_troubles_are_told_in_full(sample: TestClient, resources: Resources, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = resources.ledger
    run = begun(ledger, owner="bert", content="other", pictures=keys(2))
    fail(ledger, run, keys(1), InvalidModelOutput("No."))
    lapse(ledger, run)
    with ledger.write() as connection:
        connection.execute(update(pages).where(pages.c.number == 1).values(failure_kind="unreadable_page"))
        connection.execute(update(runs).where(runs.c.token == run.token).values(prefect_run="00000000-0000"))
        call = {"request": "r", "run": run.token, "document": run.document, "provider": "vision.example"}
        connection.execute(insert(calls).values(**call, state="answered", cost_usd=0.5, at=db_now()))
    record_round(ledger, {"launched": ["somewhere"]})
    prefect = f"http://127.0.0.1:{free_port()}"
    monkeypatch.setenv("PREFECT_API_URL", f"{prefect}/api")
    told = page(sample, "/ui/coverage").text
    assert "The AI model gave no usable answer1 picture" in told
    assert "Unreadable page1 pagenot by itself" in told
    assert "The Prefect server does not answer." in told
    assert "invalid_model_output" not in told
    shown = page(sample, "/ui/coverage/log")
    for each in (
        "The account closes: the documents show 16 pictures.", "invalid_model_output", "stuck", "no progress for",
        "vision.example", "launched somewhere",
        "1 call in the last 14 days, 0 failed.", "Ledger: ok", "Prefect: down",
    ):  # fmt: skip
        assert each in shown.text, each
    for title in ("Failed tries by day", "Pages read and pictures embedded by day", "Cost by day in US dollars"):
        assert shown.all("div", **{"aria-label": title})
    assert f"{prefect}/runs/flow-run/00000000-0000" in shown.links(prefect)
    stated = sample.get("/coverage").json()
    assert (stated["images"]["found"], stated["counted"], stated["closes"]) == (16, 16, True)
    assert {each["owner"] for each in stated["owners"]} == {"anna", "bert"}
    assert [each["state"] for each in stated["runs"]] == ["stuck", "ended"]
    bert = sample.get("/coverage?owner=bert").json()
    assert (bert["images"]["pending"], [each["owner"] for each in bert["owners"]], bert["rounds"]) == (2, ["bert"], [])


def test_an_open_account_is_said(sample: TestClient, resources: Resources, monkeypatch: pytest.MonkeyPatch) -> None:
    from swatchbook_service import collection

    monkeypatch.setattr(collection, "count_shown", lambda *_: 15)
    told = page(sample, "/ui/coverage")
    assert "The account does not close: the documents show 15 pictures, and the states add up to 14" in told.text
    assert told.all("p", role="alert")


def test_a_kind_of_failures_is_retried_now(
    sample: TestClient, resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = resources.ledger
    run = begun(ledger, owner="bert", content="other", pictures=keys(2))
    first = sample.get("/coverage/documents?limit=1").json()
    second = sample.get("/coverage/documents", params={"limit": 1, "cursor": first["next"]}).json()
    assert [(each["owner"], each["found"]) for (each,) in (first["documents"], second["documents"])] == [
        ("bert", 2), ("anna", 14),
    ]  # fmt: skip
    assert second["next"] is None
    monkeypatch.setattr(collection, "_LISTED", 1)
    (older,) = page(sample, "/ui/coverage").links("/ui/coverage?cursor=")
    assert "small.pdf" in page(sample, older).text
    fail(ledger, run, keys(1), InvalidModelOutput("No."))
    change(ledger, items, items.c.key == keys(1)[0], state="failed", next_retry_at=None)
    shown = page(sample, "/ui/coverage?owner=bert")
    assert shown.all("button", **{"aria-label": "Retry now: The AI model gave no usable answer"})
    got = sample.post(
        "/ui/coverage/retry?owner=bert", data={"kind": "invalid_model_output"}, headers={"Origin": ADDRESS}
    )
    assert "1 document will be tried again now." in Page(got.text).text
    assert ledger.execute(items.select().where(items.c.key == keys(1)[0])).one().state == "pending"
    assert get_document(ledger, run.document).status is DocumentStatus.RUNNING
    assert "0 documents" in sample.post("/ui/coverage/retry", data={"kind": "x"}, headers={"Origin": ADDRESS}).text


@pytest.mark.usefixtures("keys", "filled")
def test_owner_key_sees_neither_loop_nor_other_owners(resources: Resources) -> None:
    record_round(resources.ledger, {"launched": ["somewhere"]})
    with asking() as client:
        anna, everybody = (client.get("/coverage", headers=bearing(key)).json() for key in (ANNA, ALL))
    assert (anna["owner"], anna["rounds"], len(everybody["rounds"])) == ("anna", [], 1)
