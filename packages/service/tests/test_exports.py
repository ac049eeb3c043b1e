"""`POST /export`: the file is that of the command, and what is asked wrongly is the caller's mistake."""

from pathlib import Path

from typer.testing import CliRunner

from swatchbook.doors.cli.main import app
from tests.doors.conftest import asking


def test_the_file_is_that_of_the_command(filled: Path, tmp_path: Path) -> None:
    words = ["export", "--all", "--owner", "anna", "--format", "csv", "--to", str(tmp_path / "file")]
    assert CliRunner().invoke(app, words).exit_code == 0
    with asking() as client:
        answer = client.post("/export", json={"owner": "anna", "format": "csv"})
    assert answer.status_code == 200, answer.text
    assert (answer.headers["Swatchbook-Products"], answer.headers["Swatchbook-Left-Out"]) == ("2", "0")
    assert answer.content == (tmp_path / "file").read_bytes()
    dated = {"format": "csv", "since": "2020-01-01T00:00:00Z"}
    with asking() as client:
        for wrong in ({"format": "docx"}, dated, {"format": "csv", "mapping": {}}, {"colour": "red"}):
            assert client.post("/export", json={"owner": "anna", **wrong}).status_code == 422, wrong
    assert not list(filled.glob("tmp/*"))
