"""Folders and batch files that a browser sends become the documents that `swatchbook ingest` makes of them."""

import os
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from PIL import Image
from sqlalchemy import update

from swatchbook.domain.records import BatchMapping, DocumentStatus, IngestOptions
from swatchbook.ingest.begin_run import begin_work
from swatchbook.ingest.delete import delete
from swatchbook.ingest.register_path import register_folder
from swatchbook.ingest.run import Work
from swatchbook.ingest.scan import scan
from swatchbook.resources import Resources
from swatchbook.store.ledger.stored_documents import get_document, list_documents
from swatchbook.store.ledger.tables import documents
from tests.doors.conftest import asking, bearing
from tests.doors.pages import BROWSER, Page, page


@pytest.fixture
def picture(tmp_path: Path) -> bytes:
    Image.new("RGB", (64, 64), "teal").save(tmp_path / "teal.png")
    return (tmp_path / "teal.png").read_bytes()


def send(client: TestClient, folder: str, path: str, data: bytes, **headers: str) -> int:
    fields = {"folder": folder, "path": path}
    got = client.post("/ui/uploads/files", data=fields, files={"file": ("a", data)}, headers=headers)
    return got.status_code


def test_a_folder_becomes_its_documents_and_goes_with_the_last(client: TestClient, picture: bytes) -> None:
    assert client.post("/ui/uploads", data={"folder": "tiles"}).status_code == 422  # nothing was sent yet
    assert send(client, "tiles", "red/a.png", picture) == 204
    assert send(client, "tiles", "shop/items.jsonl", b'{"id": "1", "title": "A", "images": ["a.png"]}') == 204
    assert send(client, "tiles", "shop/a.png", picture) == 204
    assert client.post("/ui/uploads", data={"folder": "tiles"}).status_code == 200  # a person looks at its batch
    assert client.post("/ui/uploads/start", data={"folder": "tiles"}, follow_redirects=False).status_code == 303
    queued = client.post("/ui/uploads", data={"folder": "tiles"})
    assert queued.status_code == 202
    tools: Resources = client.app.state.resources  # type: ignore[attr-defined]
    made = [get_document(tools.ledger, each["id"]) for each in queued.json()["documents"]]
    assert [(each.name, each.kind, each.status.value) for each in made] == [
        ("shop", "batch", "queued"), ("tiles", "folder", "queued"),
    ]  # fmt: skip
    again = client.post("/ui/uploads", data={"folder": "tiles"}).json()["documents"]
    assert [each["id"] for each in again] == [each.id for each in made]
    folder = Path(made[1].content)
    delete(tools, made[1].id)
    assert (folder / "shop" / "a.png").exists()
    delete(tools, made[0].id)
    assert not folder.parent.exists()


def test_what_is_no_picture_is_refused(client: TestClient, home: Path, picture: bytes) -> None:
    assert send(client, "tiles", "a.exe", b"MZ") == 415
    assert send(client, "tiles", "../a.png", picture) == 422
    assert send(client, "..", "a.png", picture) == 422
    assert send(client, "tiles", "a.png", bytes((25 << 20) + 1)) == 413
    assert client.post("/ui/uploads/files", data={"folder": "tiles"}).status_code == 415  # no form with a file
    assert list(home.rglob("*.png")) == []


def test_refused_files_are_not_quoted(client: TestClient, tmp_path: Path) -> None:
    """What was refused when it was sent, and what was refused when a path of the server was read."""
    secret, tools = b"AWS_SECRET=topsecret12345\n", client.app.state.resources  # type: ignore[attr-defined]
    form = {"data": {"folder": "shop", "path": "secret.env"}, "files": {"file": ("a", secret)}}
    refused = client.post("/ui/uploads/files", **form)  # type: ignore[arg-type]
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


def test_path_is_checked_before_the_file_system_is_asked(
    client: TestClient, tmp_path: Path, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether a folder of the server holds batch files or pictures shows in no answer, and not in its time."""
    assert send(client, "shop", "here.png", picture) == 204
    assert send(client, "shop", "items.csv", TABLE.encode()) == 204
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "items.csv").write_text(TABLE)
    (tmp_path / "secret" / "a.png").write_bytes(picture)
    asked = list[str]()
    stat = os.stat
    monkeypatch.setattr(os, "stat", lambda path, *rest, **more: (asked.append(str(path)), stat(path, *rest, **more))[1])
    places = [
        f"{tmp_path}/secret",
        f"{tmp_path}/secret/items.csv",
        f"{tmp_path}/secret/a.png",
        f"{tmp_path}/none/a.png",
    ]
    for path in (
        *places,
        *(place.replace("/", "//", 1) for place in places),
        "x" * 300,
        "x" * 300 + ".png",
        "../a.png",
    ):
        assert send(client, "shop", path, picture) == 422
        assert send(client, path, "a.png", picture) == 422
        shown = client.get("/ui/uploads/picture", params={"folder": "shop", "picture": path})
        assert shown.status_code == 404
    assert [path for path in asked if "/secret" in path or "/none" in path or "xxxx" in path] == []
    assert client.get("/ui/uploads/picture", params={"folder": "shop", "picture": "here.png"}).status_code == 200


TABLE = "id,title,price,images\n1,Oak floor,12.50,oak.png\n2,Ash floor,,ash.png\n"


def send_batch(
    client: TestClient, name: str, data: bytes | str, *, folder: str = "shop.csv", key: str | None = None
) -> None:
    content = data if isinstance(data, bytes) else data.encode()
    got = client.post(
        "/ui/uploads/files", data={"folder": folder, "path": name}, files={"file": ("a", content)}, headers=of(key)
    )
    assert got.status_code == 204, got.text


def of(key: str | None) -> dict[str, str]:
    return bearing(key) if key else {}


def end(client: TestClient, folder: str = "shop.csv", key: str | None = None) -> str:
    """Say that all files were sent; return the address of the page that is shown then."""
    got = client.post("/ui/uploads", data={"folder": folder}, headers=of(key))
    assert (got.status_code, got.json()["documents"]) == (200, [])
    return str(got.json()["plan"])


def answered(client: TestClient, what: str, status: int = 303, key: str | None = None, **form: str) -> str:
    """Press a button of the page; return where it leads."""
    got = client.post(
        f"/ui/uploads/{what}", data={"folder": "shop.csv", **form}, headers=BROWSER | of(key), follow_redirects=False
    )
    assert got.status_code == status, got.text
    return got.headers.get("location", got.text)


def selected(shown: Page) -> list[str]:
    return [each["value"] for each in shown.all("option") if "selected" in each]


def tools(client: TestClient) -> Resources:
    made: Resources = client.app.state.resources  # type: ignore[attr-defined]
    return made


def test_a_batch_waits_until_a_person_starts_it(client: TestClient, picture: bytes) -> None:
    send_batch(client, "shop.csv", TABLE)
    send_batch(client, "oak.png", picture)
    address = end(client)
    assert list_documents(tools(client).ledger) == []
    assert address in page(client, "/ui/documents").links("/ui/uploads/plan")
    shown = page(client, address)
    assert "2 items checked" in shown.text
    assert "ash.png: The file cannot be found" in shown.text
    assert "Some pictures were not sent" in shown.text
    (thumbnail,) = (each["src"] for each in shown.all("img"))
    assert client.get(thumbnail).headers["content-type"] == "image/jpeg"
    assert answered(client, "start") == "/ui/documents?done=started"
    (made,) = list_documents(tools(client).ledger)
    assert (made.name, made.kind, made.options.mapping) == ("shop.csv", "batch", BatchMapping())
    assert sorted(path.name for path in Path(made.content).iterdir()) == ["oak.png", "shop.csv"]
    assert page(client, "/ui/documents").links("/ui/uploads/plan") == []
    page(client, address, status=404)


def test_a_batch_that_is_read_now_is_not_replaced(client: TestClient) -> None:
    send_batch(client, "shop.csv", TABLE)
    end(client)
    answered(client, "start")
    (made,) = list_documents(tools(client).ledger)
    for status, answer in ((DocumentStatus.RUNNING, 409), (DocumentStatus.COMPLETED, 303)):
        with tools(client).ledger.write() as connection:
            connection.execute(update(documents).values(status=status))
        send_batch(client, "shop.csv", TABLE)
        end(client)
        answered(client, "start", status=answer)
    assert get_document(tools(client).ledger, made.id).status == DocumentStatus.QUEUED, "it is read again"


def test_cancel_removes_only_what_was_sent(client: TestClient, home: Path, picture: bytes) -> None:
    send_batch(client, "shop.csv", TABLE)
    end(client)
    answered(client, "start")
    send_batch(client, "more.csv", TABLE)
    address = end(client)
    assert answered(client, "cancel") == "/ui/documents?done=cancelled"
    assert [path.name for path in home.rglob("*.csv") if path.is_file()] == ["shop.csv"]
    page(client, address, status=404)
    answered(client, "cancel", status=404)


def test_a_batch_that_takes_too_long_can_still_be_started(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWATCHBOOK_PAGE_SECONDS", "0.0001")
    with asking() as client:
        send_batch(client, "shop.csv", TABLE + "3,Elm floor,,elm.png\n" * 50_000)
        shown = page(client, end(client))
        assert "It cannot be previewed:" in shown.text
        answered(client, "start", again="1")
        assert [each.name for each in list_documents(tools(client).ledger)] == ["shop.csv"]
