"""Pictures and files of items that a browser sends become the documents that `swatchbook ingest` makes of them."""

import os
from pathlib import Path
from urllib.parse import urlencode

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from swatchbook.domain.records import BatchMapping, DocumentStatus, IngestOptions
from swatchbook.ingest.begin_run import begin_work
from swatchbook.ingest.delete import delete
from swatchbook.ingest.register_path import register_folder
from swatchbook.ingest.run import Work
from swatchbook.ingest.scan import scan
from swatchbook.resources import Resources
from swatchbook.store.ledger.stored_documents import get_document, list_documents
from swatchbook.store.ledger.tables import documents
from tests.doors.conftest import asking
from tests.doors.pages import BROWSER, page
from tests.pdf.making import png
from tests.store.ledger.scene import change


@pytest.fixture
def picture() -> bytes:
    return png(Image.new("RGB", (64, 64), "teal"))


def send(client: TestClient, name: str, data: bytes) -> int:
    return client.post("/ui/uploads/files", files={"file": (name, data)}).status_code


def test_pictures_become_a_folder_deleted_with_its_document(client: TestClient, picture: bytes) -> None:
    assert client.post("/ui/uploads").status_code == 422  # nothing was sent yet
    assert [send(client, name, picture) for name in ("a.png", "b.png", "a.png")] == [204] * 3
    queued = client.post("/ui/uploads")
    assert queued.status_code == 202
    (made,) = list_documents(tools(client).ledger)
    assert (made.id, made.name, made.kind, made.status.value) == (queued.json()["id"], "pictures", "folder", "queued")
    folder = Path(made.content)
    assert sorted(path.name for path in folder.iterdir()) == ["a.png", "b.png"]
    assert client.post("/ui/uploads").json()["id"] == made.id
    delete(tools(client), made.id)
    assert not folder.parent.exists()


def test_what_is_no_picture_is_refused(client: TestClient, home: Path, picture: bytes) -> None:
    assert send(client, "a.exe", b"MZ") == 415
    assert send(client, "a.pdf", b"%PDF-1.7") == 415
    assert send(client, "a.png", bytes((25 << 20) + 1)) == 413
    assert client.post("/ui/uploads/files", data={"owner": "anna"}).status_code == 415  # no form with a file
    for name in ("", "..", "../a.png", ".hidden.png", "a/b.png", "a\\b.png", "x" * 201 + ".png"):
        assert send(client, name, picture) == 422, name
    assert list(home.rglob("*.png")) == []


def test_refused_files_are_not_quoted(client: TestClient, tmp_path: Path) -> None:
    """What was refused when it was sent, and what was refused when a path of the server was read."""
    secret, tools = b"AWS_SECRET=topsecret12345\n", client.app.state.resources  # type: ignore[attr-defined]
    refused = client.post("/ui/uploads/files", files={"file": ("secret.env", secret)})
    assert refused.status_code == 415
    (tmp_path / "secret.csv").write_text("id,title,images\n")
    registered = register_folder(tools, tmp_path / "secret.csv", owner="default", options=IngestOptions())
    (tmp_path / "secret.csv").write_bytes(secret)
    work = begin_work(tools, registered)
    assert isinstance(work, Work)
    scan(tools, work, {}, progress=lambda done, total: None)
    answers = [client.get(f"{address}/{work.document}").text for address in ("/documents", "/ui/documents")]
    for answer in (refused.text, *answers):
        assert "is no list of items" in answer
        assert "topsecret" not in answer


def test_path_is_checked_before_touching_the_file_system(
    client: TestClient, tmp_path: Path, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether a folder of the server holds batch files or pictures shows in no answer, and not in its time."""
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "items.csv").write_text(TABLE)
    asked = list[str]()
    stat = os.stat
    monkeypatch.setattr(os, "stat", lambda path, *rest, **more: (asked.append(str(path)), stat(path, *rest, **more))[1])
    places = [f"{tmp_path}/secret", f"{tmp_path}/secret/items.csv", f"{tmp_path}/none/a.png"]
    for name in (*places, *(place.replace("/", "//", 1) for place in places), "x" * 300 + ".png", "../a.png"):
        assert send(client, name, picture) == 422
        assert client.get("/ui/uploads/plan", params={"file": name}).status_code == 422
        assert client.post("/ui/uploads/start", data={"file": name}).status_code == 422
    assert [path for path in asked if "/secret" in path or "/none" in path or "xxxx" in path] == []


TABLE = "id,title,price,images\n1,Oak floor,12.50,oak.png\n2,Ash floor,,ash.png\n"


def send_batch(client: TestClient, name: str, data: bytes | str) -> None:
    got = client.post("/ui/uploads/files", files={"file": (name, data)})
    assert got.status_code == 200, got.text
    assert got.json()["plan"] == end(client, name)


def end(client: TestClient, name: str = "shop.csv") -> str:
    """Return the address of the page that is shown after a file was sent."""
    return "/ui/uploads/plan?" + urlencode({"file": name})


def answered(client: TestClient, what: str, status: int = 303, **form: str) -> str:
    """Press a button of the page; return where it leads."""
    got = client.post(f"/ui/uploads/{what}", data={"file": "shop.csv", **form}, headers=BROWSER, follow_redirects=False)
    assert got.status_code == status, got.text
    return got.headers.get("location", got.text)


def tools(client: TestClient) -> Resources:
    made: Resources = client.app.state.resources  # type: ignore[attr-defined]
    return made


def test_a_batch_waits_until_a_person_starts_it(client: TestClient) -> None:
    send_batch(client, "shop.csv", TABLE)
    address = end(client)
    assert list_documents(tools(client).ledger) == []
    assert address in page(client, "/ui/documents").links("/ui/uploads/plan")
    shown = page(client, address)
    assert "2 items checked" in shown.text
    assert "ash.png: The file cannot be found" in shown.text
    assert "SWATCHBOOK_PICTURE_FOLDERS" in shown.text
    assert answered(client, "start") == "/ui/documents?done=started"
    (made,) = list_documents(tools(client).ledger)
    assert (made.name, made.kind, made.options.mapping) == ("shop.csv", "batch", BatchMapping())
    assert [path.name for path in Path(made.content).iterdir()] == ["shop.csv"]
    assert page(client, "/ui/documents").links("/ui/uploads/plan") == []
    page(client, address, status=404)


def test_batch_being_read_is_not_replaced(client: TestClient) -> None:
    send_batch(client, "shop.csv", TABLE)
    answered(client, "start")
    (made,) = list_documents(tools(client).ledger)
    for status, answer in ((DocumentStatus.RUNNING, 409), (DocumentStatus.COMPLETED, 303)):
        change(tools(client).ledger, documents, status=status)
        send_batch(client, "shop.csv", TABLE)
        answered(client, "start", status=answer)
    assert get_document(tools(client).ledger, made.id).status == DocumentStatus.QUEUED, "it is read again"


def test_cancel_removes_only_what_was_sent(client: TestClient, home: Path, picture: bytes) -> None:
    send_batch(client, "shop.csv", TABLE)
    answered(client, "start")
    send_batch(client, "shop.csv", TABLE.replace("Oak", "Elm"))
    address = end(client)
    assert answered(client, "cancel") == "/ui/documents?done=cancelled"
    (kept,) = (path for path in home.rglob("*.csv") if path.is_file())
    assert "Oak" in kept.read_text()
    page(client, address, status=404)
    answered(client, "cancel", status=404)


def test_batch_too_slow_to_preview_can_be_started(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWATCHBOOK_PAGE_SECONDS", "0.0001")
    with asking() as client:
        send_batch(client, "shop.csv", TABLE + "3,Elm floor,,elm.png\n" * 50_000)
        shown = page(client, end(client))
        assert "It cannot be previewed:" in shown.text
        answered(client, "start", again="1")
        assert [each.name for each in list_documents(tools(client).ledger)] == ["shop.csv"]
