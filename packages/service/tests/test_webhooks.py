"""Webhooks over real sockets: who proves himself is served once, and nobody learns why he was not believed."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from standardwebhooks.webhooks import Webhook

from swatchbook.domain.records import DocumentStatus, document_id, sha256
from swatchbook.domain.setting_values import WebhookSource
from swatchbook.domain.settings import Settings
from swatchbook.domain.signature import is_signed
from swatchbook.store.ledger import owners
from swatchbook.store.ledger.document_commands import delete_rows, finish_delete, mark_deleting
from swatchbook.store.ledger.stored_documents import get_document, list_documents
from tests.doors.served import Served, serve, served
from tests.fixtures import ROOT
from tests.origin import PDF, Origin, origin
from tests.tables import rows_of
from tests.waiting import until

__all__ = ["serve"]  # a fixture

SECRET = "whsec_" + "c3dhdGNoYm9vay1zd2F0Y2hib29rLXN3YXRjaA"
OLD_SECRET = "whsec_" + "b2xkLW9sZC1vbGQtb2xkLW9sZC1vbGQtb2xk"
OTHER_SECRET = "whsec_" + "b3RoZXItb3RoZXItb3RoZXItb3RoZXItb3RoZXI"
TOKEN = "token-token-token"
NOBODY = "00000000-0000-0000-0000-000000000000"

SHOP = WebhookSource(name="shop", secret=(SecretStr(SECRET), SecretStr(OLD_SECRET)), owners=("alice", "bob"))
DAM = WebhookSource(name="dam", token=SecretStr(TOKEN), owners=("carol",))

TRUSTING = {"fetch_private_hosts": ("127.0.0.1",)}
"""Settings of a service that fetches from the origin."""

Serve = Callable[..., Served]


@pytest.fixture
def server() -> Iterator[Origin]:
    with origin() as running:
        running.files["/a.pdf"] = PDF
        yield running


@pytest.fixture
def service(serve: Serve) -> Served:
    return serve(webhook_sources=(SHOP, DAM), **TRUSTING)


def at(server: Origin, path: str = "/a.pdf") -> str:
    return f"http://127.0.0.1:{server.port}{path}"


def signed(body: bytes, delivery: str = "msg_1", secret: str = SECRET, when: datetime | None = None) -> dict[str, str]:
    now = when or datetime.now(UTC)
    return {
        "webhook-id": delivery,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(delivery, now, body.decode()),
    }


def post(service: Served, body: bytes, headers: dict[str, str], source: str | None = "shop") -> httpx.Response:
    query = {} if source is None else {"source": source}
    return httpx.post(f"{service.url}/hooks/upload", content=body, headers=headers, params=query, timeout=30)


def announce(service: Served, delivery: str = "msg_1", secret: str = SECRET, **message: Any) -> httpx.Response:
    body = json.dumps(message).encode()
    return post(service, body, signed(body, delivery, secret))


def documents(service: Served) -> list[str]:
    return [document.id for document in list_documents(service.resources.ledger, limit=1_000)]


def test_signed_upload_is_durable_when_it_is_answered(service: Served, server: Origin) -> None:
    answer = announce(service, url=at(server), name="../Spring\n2026.pdf", options={"focus": False})
    identity = document_id("alice", sha256(PDF))
    assert (answer.status_code, answer.headers["location"]) == (202, f"/documents/{identity}")
    assert answer.json() == {"id": identity, "owner": "alice", "name": "Spring 2026.pdf", "status": "queued"}
    known = get_document(service.resources.ledger, identity)
    assert (known.status, known.options.focus) == (DocumentStatus.QUEUED, False)
    assert service.resources.files.read(known.file or "") == PDF
    assert service.waiting == []


def test_the_same_delivery_again_starts_nothing(service: Served, server: Origin) -> None:
    first = announce(service, url=at(server))
    server.files["/a.pdf"] = PDF + b"changed since"
    again = announce(service, url=at(server))
    assert (again.status_code, again.json()) == (200, first.json())
    assert len(server.seen) == 1
    assert documents(service) == [first.json()["id"]]
    assert announce(service, "msg_2", url=at(server)).json()["id"] != first.json()["id"]


def test_a_newer_edition_is_announced(service: Served, server: Origin) -> None:
    older = announce(service, url=at(server)).json()["id"]
    server.files["/a.pdf"] = PDF + b"newer"
    for number, of_nobody in enumerate((NOBODY, announce(service, "msg_2", url=at(server), owner="bob").json()["id"])):
        answer = announce(service, f"refused_{number}", url=at(server), edition_of=of_nobody)
        assert (answer.status_code, answer.json()["kind"]) == (422, "invalid_reference")
    assert len(documents(service)) == 2, "what is refused is not queued"
    newer = announce(service, "msg_3", url=at(server), edition_of=older).json()["id"]
    assert get_document(service.resources.ledger, newer).edition_of == older


def test_delivery_stays_known_when_its_document_is_deleted(service: Served, server: Origin) -> None:
    first = announce(service, url=at(server)).json()["id"]
    mark_deleting(service.resources.ledger, first)
    delete_rows(service.resources.ledger, first)
    assert finish_delete(service.resources.ledger, first)
    again = announce(service, url=at(server))
    assert (again.status_code, again.json()["id"], again.json()["status"]) == (200, first, "deleted")
    assert documents(service) == []
    assert announce(service, "msg_2", url=at(server)).status_code == 202  # another delivery has it anew


def test_delivery_reveals_nothing_of_a_renamed_collection(service: Served, server: Origin) -> None:
    first = announce(service, url=at(server)).json()["id"]
    owners.rename(service.resources.ledger, "alice", "lena")
    again = announce(service, url=at(server))
    assert again.json() == {"id": first, "owner": "alice", "name": "", "status": "deleted"}


def test_sender_that_hangs_up_learns_the_end_later(service: Served, server: Origin) -> None:
    body = json.dumps({"url": at(server, "/gated")}).encode()
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{service.url}/hooks/upload?source=shop", content=body, headers=signed(body), timeout=0.3)
    busy = post(service, body, signed(body))
    assert (busy.status_code, busy.headers["retry-after"]) == (409, "5")
    server.open.set()
    until(lambda: post(service, body, signed(body)).status_code == 200)
    assert len(documents(service)) == 1
    assert len(server.seen) == 1


def test_who_cannot_sign_shows_a_token(service: Served, server: Origin) -> None:
    body = json.dumps({"url": at(server)}).encode()
    first = post(service, body, {"Authorization": f"Bearer {TOKEN}"}, source="dam")
    assert (first.status_code, first.json()["owner"]) == (202, "carol")
    again = post(service, body, {"Authorization": f"bearer {TOKEN}"}, source="dam")  # the same by its content
    assert again.json() == first.json()
    assert len(documents(service)) == 1


def test_unnamed_source_may_sign_with_any_secret(serve: Serve, server: Origin) -> None:
    service = serve(webhook_sources=(SHOP,), **TRUSTING)
    body = json.dumps({"url": at(server), "owner": "bob"}).encode()
    for number, secret in enumerate((SECRET, OLD_SECRET)):
        headers = signed(body, f"msg_{number}", secret)
        headers["webhook-signature"] = f"v1,AAAA v1a,BBBB {headers['webhook-signature']}"
        answer = post(service, body, headers, source=None)
        assert (answer.status_code, answer.json()["owner"]) == (202, "bob")


BODY = b'{"url": "https://files.example/a.pdf"}'


def proof(
    secret: str = SECRET, tail: str = "", minutes: float = 0, version: str = "v1", **changes: str | None
) -> dict[str, str]:
    """A delivery's headers as they should be, but for these."""
    when = datetime.now(UTC) + timedelta(minutes=minutes)
    headers: dict[str, str | None] = {**signed(BODY + tail.encode(), secret=secret, when=when)}
    headers["webhook-signature"] = str(headers["webhook-signature"]).replace("v1,", f"{version},")
    headers |= {name.replace("_", "-"): value for name, value in changes.items()}
    return {name: value for name, value in headers.items() if value is not None}


def test_every_false_proof_gets_the_same_answer(distrusting: Served) -> None:
    for changes, source in rows_of(__file__, "false_proofs"):
        shown = changes.get("authorization")
        headers = proof(**changes) if shown is None else {"Authorization": shown.format(token=TOKEN, secret=SECRET)}
        raw = {name: value.encode("latin-1") for name, value in headers.items()}
        query = {} if source is None else {"source": source}
        answer = httpx.post(f"{distrusting.url}/hooks/upload", content=BODY, headers=raw, params=query)
        assert answer.status_code == 401
        assert answer.json() == {
            "type": "about:blank", "title": "Unauthorized", "status": 401,
            "detail": "Invalid source, signature, timestamp or token.",
        }  # fmt: skip


@pytest.fixture(scope="module")
def distrusting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(Settings(home=tmp_path_factory.mktemp("home"), webhook_sources=(SHOP, DAM))) as running:
        yield running
        assert documents(running) == []


@given(body=st.text().map(str.encode), delivery=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1))
def test_what_is_signed_is_believed(body: bytes, delivery: str) -> None:
    assert is_signed(SECRET, signed(body, delivery), body)
    assert not is_signed(OTHER_SECRET, signed(body, delivery), body)


def test_forbidden_message_says_why(distrusting: Served) -> None:
    for message, status, said in rows_of(__file__, "messages"):
        answer = announce(distrusting, **message)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
        assert said in answer.text
    for body in [b"", b"{", b"[]", b"null", b'"x"', b'{"url": "https://a.example/"', b"[" * 10_000]:
        assert post(distrusting, body, signed(body)).status_code == 422
    fits = b" " * ((64 << 10) - 2) + b"{}"
    assert post(distrusting, fits, signed(fits)).status_code == 422
    assert post(distrusting, fits + b" ", signed(fits + b" ")).status_code == 413
    for delivery in ["", "x" * 257, "a b"]:
        headers = {"webhook-id": delivery, "Authorization": f"Bearer {TOKEN}"}
        assert post(distrusting, BODY, headers, source="dam").status_code == 422


def test_without_sources_there_are_no_webhooks(serve: Serve) -> None:
    answer = post(serve(), BODY, signed(BODY))
    assert (answer.status_code, "SWATCHBOOK_WEBHOOK_SOURCES" in answer.json()["detail"]) == (404, True)


@pytest.mark.parametrize(("path", "status", "kind"), rows_of(__file__, "files"))
def test_a_file_that_cannot_be_had_is_named(serve: Serve, server: Origin, path: str, status: int, kind: str) -> None:
    server.files |= {"/page.html": b"<html>", "/empty": b""}
    service = serve(webhook_sources=(SHOP,), max_document_mb=1, upload_idle_seconds=0.3, **TRUSTING)
    answer = announce(service, url=at(server, path))
    assert (answer.status_code, answer.json()["kind"]) == (status, kind), answer.text
    assert ("retry-after" in answer.headers) == (status == 503)
    assert str(service.resources.settings.home) not in answer.text
    assert (service.waiting, documents(service)) == ([], [])
    server.files[path] = PDF
    assert announce(service, url=at(server, path)).status_code == 202  # the same delivery, once it can be had


def test_an_object_is_taken_by_its_key(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "store" / "new").mkdir(parents=True)
    (tmp_path / "store" / "new" / "a.pdf").write_bytes(PDF)
    (tmp_path / "secret.pdf").write_bytes(PDF)
    service = serve(webhook_sources=(SHOP,), uploads_url=str(tmp_path / "store"))
    answer = announce(service, key="new/a.pdf")
    assert (answer.status_code, answer.json()["name"]) == (202, "a.pdf")
    for key in ("../secret.pdf", "new/../../secret.pdf", str(tmp_path / "secret.pdf"), "none.pdf"):
        assert announce(service, "msg_2", key=key).status_code == 422
    assert len(documents(service)) == 1


@pytest.mark.parametrize("language", ["python", pytest.param("bash", marks=pytest.mark.needs("curl", "openssl"))])
def test_the_documented_ways_to_sign_work(service: Served, server: Origin, language: str) -> None:
    text = (ROOT / "docs" / "webhooks.md").read_text()
    script = re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)[0]
    command = {"python": [sys.executable, "-c"], "bash": ["bash", "-euc"]}[language]
    environment = {"SWATCHBOOK": service.url, "SECRET": SECRET, "FILE_URL": at(server)}
    done = subprocess.run(
        [*command, script], capture_output=True, text=True, env={"PATH": os.environ["PATH"], **environment}
    )
    assert done.returncode == 0, done.stderr
    assert documents(service) == [document_id("alice", sha256(PDF))]
    assert documents(service)[0] in done.stdout
