"""Folders and batch files that a browser sends become the documents that `swatchbook ingest` makes of them."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from swatchbook.ledger.documents import get_document
from swatchbook.pipeline.delete import delete
from swatchbook.resources import Resources
from tests.interface.conftest import ANNA, BERT, asking, bearing


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


@pytest.mark.usefixtures("keys", "home")
def test_folders_of_the_same_name_are_those_of_their_owners(picture: bytes) -> None:
    with asking() as client:
        contents = []
        for key in (ANNA, BERT):
            assert send(client, "tiles", "a.png", picture, **bearing(key)) == 204
            (queued,) = client.post("/ui/uploads", data={"folder": "tiles"}, headers=bearing(key)).json()["documents"]
            contents.append(get_document(client.app.state.resources.ledger, queued["id"]).content)  # type: ignore[attr-defined]
        assert contents[0] != contents[1]
        assert (
            client.post("/ui/uploads", data={"folder": "tiles", "owner": "bert"}, headers=bearing(ANNA)).status_code
            == 403
        )


def test_what_is_no_picture_is_refused(client: TestClient, home: Path, picture: bytes) -> None:
    assert send(client, "tiles", "a.exe", b"MZ") == 415
    assert send(client, "tiles", "../a.png", picture) == 422
    assert send(client, "..", "a.png", picture) == 422
    assert send(client, "tiles", "a.png", bytes((25 << 20) + 1)) == 413
    assert client.post("/ui/uploads/files", data={"folder": "tiles"}).status_code == 415  # no form with a file
    assert list(home.rglob("*.png")) == []
