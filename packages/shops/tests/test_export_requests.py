"""`POST /export` with formats of shops: the file and hints of the command, and what is asked wrongly."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from swatchbook.doors.cli.main import app
from tests.doors.conftest import asking

FULL = {
    "fields": {"description": "{name}", "link": "https://shop.example/{key}", "availability": "in_stock"},
    "currency": "EUR", "supplier": "Nordvik AB", "catalog_id": "2026", "language": "eng",
}  # fmt: skip


def test_the_file_is_that_of_the_command(filled: Path, tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text(json.dumps(FULL))
    words = ["export", "--all", "--owner", "anna", "--format", "shopify", "--to", str(tmp_path / "file")]
    words += ["--mapping", str(tmp_path / "shop.yaml"), "--pictures-url", "https://cdn.example/p"]
    assert CliRunner().invoke(app, words).exit_code == 0
    given = {"owner": "anna", "format": "shopify", "mapping": FULL, "pictures_url": "https://cdn.example/p"}
    with asking() as client:
        answer = client.post("/export", json=given)
        page = client.get(f"/ui/documents/{client.get('/documents').json()['documents'][0]['id']}/export.shopify")
    assert answer.status_code == 200, answer.text
    assert answer.content == (tmp_path / "file").read_bytes()
    assert page.headers["content-disposition"] == 'attachment; filename="small.csv"'
    assert "Title" in page.text.splitlines()[0]


def test_what_is_asked_wrongly_is_refused(filled: Path) -> None:
    ahead = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    wrong: list[dict[str, Any]] = [
        {"pictures_url": "file:///etc"}, {"pictures_url": "http://["}, {"since": "shop.csv"}, {"since": ahead},
        {"mapping": {"fields": {"Colour": "red"}}}, {"format": "bmecat"},
    ]  # fmt: skip
    with asking() as client:
        for given in wrong:
            asked = {"owner": "anna", "format": "shopify", **given}
            assert client.post("/export", json=asked).status_code == 422, given
