"""What `swatchbook review` lists."""

import json

import pytest

from swatchbook.doors.cli.commands import review
from swatchbook.doors.cli.commands.review import list_weak
from swatchbook.resources import Resources
from tests.store.ledger.test_picture_reviews import weak


def test_a_table_says_what_it_leaves_out_and_json_leaves_out_nothing(
    resources: Resources, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    weak(resources.ledger, "oak", "ash", "elm")
    monkeypatch.setattr(review, "MOST_LISTED", 1)
    list_weak(all_owners=True)
    assert "… and 2 more" in capsys.readouterr().out
    list_weak(all_owners=True, as_json=True)
    assert len(json.loads(capsys.readouterr().out)) == 3
