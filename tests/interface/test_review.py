"""What `swatchbook review` lists."""

import json

import pytest

from interface import verdicts
from interface.review import list_weak
from swatchbook.lab import Lab
from tests.ledger.test_reviews import weak


def test_a_table_says_what_it_leaves_out_and_json_leaves_out_nothing(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    weak(lab.ledger, "oak", "ash", "elm")
    monkeypatch.setattr(verdicts, "MOST_LISTED", 1)
    list_weak()
    assert "… and 2 more" in capsys.readouterr().out
    list_weak(as_json=True)
    assert len(json.loads(capsys.readouterr().out)) == 3
