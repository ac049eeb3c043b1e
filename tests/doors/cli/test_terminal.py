"""How values look, that secrets are masked, and that strangers' text cannot drive the terminal."""

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from rich.console import Console

from swatchbook.domain.errors import Configuration, InvalidReference
from swatchbook.doors.cli.config import shown
from swatchbook.doors.cli.terminal import cell, duration, megabytes, say_failure, say_json, table, until
from swatchbook_base.one_line import clean


@given(st.text())
def test_no_control_character_reaches_the_terminal(text: str) -> None:
    console = Console(file=io.StringIO(), force_terminal=False, width=10_000, markup=False)
    made = table("name")
    made.add_row(cell(text))
    console.print(made)
    written = console.file.getvalue()  # type: ignore[attr-defined]
    assert all(c.isprintable() or c == "\n" for c in written)


def test_messages_are_plain_text_in_usual_units(capsys: pytest.CaptureFixture[str]) -> None:
    say_failure(Configuration("[red]oak[/red] is no setting."))
    assert "[red]oak[/red] is no setting." in capsys.readouterr().err
    assert clean("Eiche\n\x1b[31mweiß 🪵") == "Eiche\n [31mweiß 🪵"
    shown = ["0.4 s", "9.9 s", "12 s", "59 s", "3:05 min", "2:03 h"]
    assert [*map(duration, (0.42, 9.94, 12.2, 59.4, 185, 7380))] == shown
    assert megabytes(12_345_678) == "12.3 MB"
    assert megabytes(2_048) == "2.0 kB"
    assert [until(None, 100), until(90, 100), until(1_000, 100)] == ["–", "now", "in 15:00 min"]


def test_only_a_wrong_name_counts_as_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert say_failure(InvalidReference("No document x.")) == 2
    assert say_failure(Configuration("No home.", advice="Set SWATCHBOOK_HOME.")) == 1
    assert capsys.readouterr().err == "✗ No document x.\n✗ No home.\n  Set SWATCHBOOK_HOME.\n"


def test_json_says_the_same_without_driving_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    said = {"name": "Eiche\x9b31m\u202e weiß 🪵\n\x1b]0;", "file": "bad\udcff.pdf"}
    say_json(said)
    written = capsys.readouterr().out
    assert json.loads(written) == said
    assert "weiß 🪵" in written
    assert not set(written) & set("\x1b\x9b\u202e\udcff")


def test_secrets_are_masked() -> None:
    assert "hush" not in shown(SecretStr("hush"))
    assert shown("postgresql://ann:hu:sh@db/swatchbook") == "postgresql://ann:••••••@db/swatchbook"
    assert "hush" not in shown("postgresql://db/swatchbook?user=ann&password=hush&ssl=on")
    assert shown("https://key@host/x?ssl=on") == "https://key@host/x?ssl=on"
    assert shown("http://127.0.0.1:8080") == "http://127.0.0.1:8080"
