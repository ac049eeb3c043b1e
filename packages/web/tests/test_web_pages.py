"""What holds for every page: no other host, nothing inline, text escaped, errors as pages, access as for the API."""

import os
import re
import time
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import httpx
import pytest
from fastapi import HTTPException
from fastapi.testclient import TestClient
from sqlalchemy import update

from swatchbook.domain.settings import load_settings
from swatchbook.resources import Resources
from swatchbook.store.ledger.tables import documents, placements, products
from swatchbook_service.sessions import SESSION_COOKIE, SESSION_SECONDS, begin_session, end_session, find_session
from swatchbook_web import login_limits
from swatchbook_web.login_limits import LoginLimits
from swatchbook_web.pages import POLICY
from tests.doors.conftest import ADDRESS, ANNA, BERT, asking, bearing
from tests.doors.pages import BROWSER, Page, page
from tests.doors.served import served
from tests.tables import rows_of

HOSTILE = '</title><script>alert("1")</script><img src=x onerror=alert(2)> {{ 7 * 7 }} \' "'
MOST_BYTES = 200_000


def every_page(client: TestClient, document: str) -> list[str]:
    """An address of each page, and of pages in other states."""
    (image, *_) = client.get(f"/documents/{document}/images").json()["images"]
    first = client.get(f"/documents/{document}/products").json()["products"][0]
    named = {"document": document, "image": image["id"], "name": first["name"], "product": first["id"]}
    return [address.format(**named) for address in rows_of(__file__, "addresses")]


def test_pages_load_only_from_here_and_label_cells(sample: TestClient, document: str) -> None:
    """A phone shows each row of a table as a card, whose cells name their columns."""
    for address in every_page(sample, document):
        got = sample.get(address, headers=BROWSER)
        if address == "/ui/nothing":  # no page
            continue
        assert got.headers["content-security-policy"] == POLICY, address
        assert len(got.content) < MOST_BYTES
        stacked = False
        for tag, given in Page(got.text).tags:
            classes = given.get("class", "").split()
            if tag == "table":
                stacked = "stack" in classes
            elif tag == "td" and stacked and not {"cover", "what", "progress", "title", "todo", "wide"} & {*classes}:
                assert given.get("data-label"), (address, given)
            assert tag != "style", address
            assert tag != "script" or "src" in given, address
            assert not [name for name in given if name == "style" or name.startswith("on")], address
            for name in ("src", "href", "action", "hx-get"):
                assert not re.match(r"[a-z]+:|//", given.get(name, "")), (address, given)
    assert "unsafe" not in POLICY
    assert "http" not in POLICY


def test_rows_of_documents_are_cards_on_a_phone(sample: TestClient) -> None:
    assert any("stack" in given.get("class", "").split() for given in page(sample, "/ui/documents").all("table"))


def test_text_of_documents_is_never_markup(sample: TestClient, resources: Resources, document: str) -> None:
    with resources.ledger.write() as connection:
        connection.execute(update(documents).values(name=HOSTILE, message=HOSTILE, failure_kind="x", status="failed"))
        connection.execute(update(placements).values(caption=HOSTILE, reason=HOSTILE))
        for row in connection.execute(products.select()).all():
            record = {**row.record, "name": HOSTILE, "category": HOSTILE, "metadata": {HOSTILE: HOSTILE}}
            changed = update(products).where(products.c.id == row.id)
            connection.execute(changed.values(name=HOSTILE, record=record))
    addresses, shown = every_page(sample, document), 0
    for address in addresses:
        read = Page(sample.get(address, headers=BROWSER).text)
        shown += read.text.count("</title><script>alert")
        assert not [given for tag, given in read.tags if tag == "script" and "src" not in given], address
        assert not [given for tag, given in read.tags if given.get("src") == "x" or "onerror" in given], address
        assert "49 '" not in read.text
    assert shown >= len(addresses)


def test_errors_are_pages_that_say_what_is_wrong(sample: TestClient) -> None:
    missing = "00000000-0000-0000-0000-000000000000"
    assert f"Document {missing} not found." in page(sample, f"/ui/documents/{missing}", 404).text
    wrong = page(sample, "/?k=1000", 422).text
    assert "Something in the address or form is not right" in wrong
    assert "k: must be at most" in wrong
    assert "query" not in wrong
    assert "typed wrongly" in page(sample, "/ui/documents/mistyped", 404).text
    assert "nobody" in page(sample, "/?owner=nobody", 404).text
    gone = page(sample, f"/?picture={'0' * 64}", 404)
    assert "drop it again" in gone.text


def test_unknown_address_answers_browsers_and_programs(client: TestClient) -> None:
    for address in ("/nothing", "/ui/nothing", "/documents/a/b/c"):
        shown = client.get(address, headers=BROWSER)
        assert (shown.status_code, shown.headers["content-security-policy"]) == (404, POLICY)
        read = Page(shown.text)
        assert "There is nothing at this address" in read.text
        assert read.links("/ui/documents") == ["/ui/documents"]
        assert read.links("/ui/review"), "the pages are one click away"
        told = client.get(address)
        assert (told.status_code, told.headers["content-type"]) == (404, "application/problem+json")
    no_document = "/documents/00000000-0000-0000-0000-000000000000"
    assert client.get(no_document, headers={"Accept": "text/html"}).headers["content-type"].endswith("problem+json")
    assert client.get("/ui/static/style.css").status_code == 200
    for name in ("pages.py", "..%2Fpages.py", "htmx-LICENSE", "%2Fetc%2Fpasswd"):
        assert client.get(f"/ui/static/{name}").status_code in (404, 422)


def log_in(client: TestClient, key: str, next: str = "/", origin: str = ADDRESS) -> int:
    form = {"key": key, "next": next}
    got = client.post("/ui/login", data=form, headers={"Origin": origin}, follow_redirects=False)
    return got.status_code


@pytest.mark.usefixtures("keys", "filled")
def test_login_shows_only_what_the_key_may_see() -> None:
    with asking() as client:
        (document,) = client.get("/documents", headers=bearing(ANNA)).json()["documents"]
        picture = f"/documents/{document['id']}/pages/1?width=64"
        form = page(client, f"/ui/documents/{document['id']}?page=2", 401)
        assert form.all("input", name="next", value=f"/ui/documents/{document['id']}?page=2")
        assert client.get(picture).status_code == 401
        assert log_in(client, "nobody-0123456789abcdef") == 403
        assert log_in(client, ANNA, origin="https://elsewhere.example") == 403
        assert log_in(client, ANNA) == 303
        assert document["name"] in page(client, "/ui/documents").text
        assert client.get(picture).status_code == 200
        assert client.get("/documents").json()["documents"] == [document]
        assert client.get("/ui/coverage?owner=bert").status_code == 403
        cookie = client.cookies[SESSION_COOKIE]
        assert ANNA not in cookie
        assert client.post("/ui/logout", headers={"Origin": ADDRESS}, follow_redirects=False).status_code == 303
        assert client.get("/ui/documents").status_code == 401
        kept = {"Cookie": f"{SESSION_COOKIE}={cookie}"}
        assert client.get("/documents", headers=kept).status_code == 401
    with asking() as client:  # after a restart, too
        assert client.get("/documents", headers=kept).status_code == 401
        assert log_in(client, BERT) == 303
        assert page(client, f"/ui/documents/{document['id']}", 404).all("h1")


@pytest.mark.usefixtures("keys", "home")
def test_no_link_leads_through_the_login_elsewhere() -> None:
    with asking() as client:
        for next in ("https://elsewhere.example", "//elsewhere.example", "/\\elsewhere", "ui", "/\n/x"):
            form = {"key": ANNA, "next": next}
            got = client.post("/ui/login", data=form, headers={"Origin": ADDRESS}, follow_redirects=False)
            assert got.headers["location"] == "/", next
            cookie = got.headers["set-cookie"].lower()
            assert "httponly" in cookie
            assert "samesite=lax" in cookie


@pytest.mark.usefixtures("keys", "home")
def test_a_session_ends_and_cannot_be_made_up(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = home / "ended"
    anna, *others = load_settings().api_keys
    cookie = begin_session(anna)
    assert find_session([*others, anna], cookie, ended) == anna
    assert find_session(others, cookie, ended) is None
    end, number, signature = cookie.split(".")
    made_up = (f"{int(end) + 1}.{number}.{signature}", f"{end}.{number}.", "", "..", "x" * 9_999, f"{end}.é.é", "²..")
    assert [find_session([anna], each, ended) for each in made_up] == [None] * len(made_up)
    for each in made_up:
        end_session([anna], each, ended)
    assert not ended.exists(), "who has no session stores nothing"
    first, second = begin_session(anna), begin_session(anna)
    end_session([anna], first, ended)
    end_session([anna], first, ended)
    assert [find_session([anna], each, ended) for each in (first, second)] == [None, anna]
    (mark,) = ended.iterdir()
    os.utime(mark, (0, 0))
    end_session([anna], second, ended)
    assert mark not in ended.iterdir(), "it goes when the session would have ended"
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + SESSION_SECONDS + 1)
    assert find_session([anna], cookie, ended) is None


@pytest.mark.usefixtures("keys", "home")
def test_who_tries_keys_has_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1_000.0]
    monkeypatch.setattr(login_limits, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    with asking() as client:
        for number in range(login_limits.FREE_TRIES):
            assert log_in(client, f"{number}-guessed-0123456789") == 403
        form = {"key": "another-0123456789", "next": "/"}
        refused = client.post("/ui/login", data=form, headers={"Origin": ADDRESS})
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "6")
        assert "Too many wrong keys; try again in 6 s." in refused.text
        assert log_in(client, ANNA) == 303, "somebody else may have tried behind the same proxy"
        clock[0] += 6
        assert log_in(client, BERT) == 303, "a right key takes no try"
        assert log_in(client, "another-0123456789") == 403


@pytest.mark.usefixtures("keys", "home")
def test_tries_behind_a_proxy_count_for_each_browser() -> None:
    with served(load_settings()) as service:

        def guess(number: int, *forwarded: str) -> int:
            headers = {"Origin": service.url, "X-Forwarded-For": ", ".join(forwarded)}
            return httpx.post(f"{service.url}/ui/login", data={"key": f"{number}-guessed"}, headers=headers).status_code

        for number in range(login_limits.FREE_TRIES):
            assert guess(number, f"10.9.9.{number}", "192.0.2.1") == 403
        assert guess(100, "192.0.2.2", "192.0.2.1") == 429, "what a browser claims itself is not believed"
        assert guess(101, "192.0.2.2") == 403


MALFORMED = ["http://[", "//[", "http://a]b", "http://[::1", "http://[x]", "http://a:99999", "http://a:b", "//[v1.]"]


@pytest.mark.usefixtures("keys")
def test_malformed_address_is_refused_wherever_it_is_named(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    for address in MALFORMED:
        for path in ("/ui/login", "/ui/logout"):
            assert client.post(path, headers={"Origin": address}, data={"key": ANNA}).status_code == 403
        assert client.get("/ui/login", params={"next": address}).status_code == 422
        for key in (ANNA, "unknown"):
            given = {"key": key, "next": address}
            assert client.post("/ui/login", headers={"Origin": ADDRESS}, data=given).status_code == 422
        for headers in ({}, bearing(ANNA)):
            given = {"Referer": address, **headers}
            asked = client.get(f"/ui/images/{uuid4()}", headers=given)
            assert asked.status_code == (404 if headers else 401)
        assert not [record for record in caplog.records if record.name.startswith("swatchbook")]


def test_tries_are_counted_by_network_and_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = LoginLimits()
    for number in range(login_limits.FREE_TRIES):
        limits.count(f"2001:db8::{number}", f"other-{number}")
        limits.count(f"10.0.0.{number}", f"anna-012{number}")
    for address, key in (("2001:db8::ffff", "x"), ("10.9.9.9", "anna-0123x")):
        with pytest.raises(HTTPException, match="429"):
            limits.require(address, key)
    limits.require("2001:db8:0:1::1", "x")
    limits.require("10.0.0.1", "bert-0123")
    monkeypatch.setattr(login_limits, "_REMEMBERED", 50)
    limits = LoginLimits()
    for number in range(200):
        limits.count(f"10.0.{number // 100}.{number % 100}", f"{number:06}")
    assert len(limits) == 50


def test_a_home_without_documents_has_pages(client: TestClient, home: Path) -> None:
    assert "no documents yet" in page(client, "/ui/documents").text
    assert "0 pictures" in page(client, "/ui/coverage").text
    review = page(client, "/ui/review")
    assert "No picture needs a review" in review.text
    assert len(review.links("/ui/documents")) == 1, "it says what to do next"
    assert "Nothing was found" in page(client, "/?text=oak").text
