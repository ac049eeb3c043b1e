"""`POST /export`: the file is that of the command, and what is asked wrongly is the caller's mistake."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from swatchbook.interface.cli.main import app
from tests.interface.conftest import ANNA, BERT, asking, bearing

FULL = {
    "fields": {"description": "{name}", "link": "https://shop.example/{key}", "availability": "in_stock"},
    "currency": "EUR", "supplier": "Nordvik AB", "catalog_id": "2026", "language": "eng",
}  # fmt: skip


@pytest.mark.parametrize("form", ["csv", "shopify"])
def test_the_file_is_that_of_the_command(filled: Path, tmp_path: Path, form: str) -> None:
    (tmp_path / "shop.yaml").write_text(json.dumps(FULL))
    words = ["export", "--all", "--owner", "anna", "--format", form, "--to", str(tmp_path / "file")]
    given: dict[str, Any] = {"owner": "anna", "format": form}
    if form == "shopify":
        words += ["--mapping", str(tmp_path / "shop.yaml"), "--pictures-url", "https://cdn.example/p"]
        given |= {"mapping": FULL, "pictures_url": "https://cdn.example/p"}
    assert CliRunner().invoke(app, words).exit_code == 0
    with asking() as client:
        answer = client.post("/export", json=given)
    assert answer.status_code == 200, answer.text
    assert (answer.headers["Swatchbook-Products"], answer.headers["Swatchbook-Left-Out"]) == ("2", "0")
    assert answer.content == (tmp_path / "file").read_bytes()


def test_hints_are_those_of_the_command(filled: Path) -> None:
    given = {"owner": "anna", "format": "google", "mapping": {"fields": {"brand": "{nam}"}}}
    with asking() as client:
        said = json.loads(client.post("/export", json=given).headers["Swatchbook-Hints"])
        assert json.loads(client.post("/export", json={"owner": "anna"}).headers["Swatchbook-Hints"]) == []
    assert said[0] == "No product has {nam}, which the mapping names: what needs it is empty. Did you mean {name}?"
    assert "Google needs their addresses" in said[1]
    assert said[-1].startswith("2 left out. A mapping can fill")


def test_since_a_time_is_what_changed(filled: Path) -> None:
    given = {"owner": "anna", "format": "shopify", "mapping": FULL, "pictures_url": "https://cdn.example/p"}
    with asking() as client:
        all_of_it, nothing = (
            client.post("/export", json={**given, "since": since})
            for since in ("2020-01-01T00:00:00", datetime.now(UTC).isoformat())
        )
    assert len(all_of_it.text.splitlines()) > 1
    assert len(nothing.text.splitlines()) == 1, "the columns"


@pytest.mark.parametrize(
    "wrong",
    [
        {"format": "docx"}, {"format": "csv", "since": "2020-01-01T00:00:00Z"}, {"format": "csv", "mapping": {}},
        {"format": "shopify", "pictures_url": "file:///etc"}, {"format": "shopify", "pictures_url": "http://["},
        {"format": "shopify", "since": "shop.csv"},
        {"format": "shopify", "since": (datetime.now(UTC) + timedelta(days=2)).isoformat()},
        {"format": "shopify", "mapping": {"fields": {"Colour": "red"}}}, {"format": "bmecat"}, {"colour": "red"},
    ],
)  # fmt: skip
def test_what_is_asked_wrongly_is_refused(filled: Path, wrong: dict[str, Any]) -> None:
    with asking() as client:
        assert client.post("/export", json={"owner": "anna", **wrong}).status_code == 422
    assert not list(filled.glob("tmp/*"))


@pytest.mark.usefixtures("keys")
def test_a_key_exports_what_it_may_see(filled: Path) -> None:
    with asking() as client:
        document = client.get("/documents", headers=bearing(ANNA)).json()["documents"][0]["id"]
        for asked, of_anna, of_bert in (({}, "2", "0"), ({"document": document}, "2", None)):
            answers = [client.post("/export", json=asked, headers=bearing(key)) for key in (ANNA, BERT)]
            assert [each.headers.get("Swatchbook-Products") for each in answers] == [of_anna, of_bert]
