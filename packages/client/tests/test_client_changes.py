"""Edits, teaching and exports by the Python client, against the real service."""

import json
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.records import Rename
from swatchbook_client import Client, Invalid, calls
from tests.doors.conftest import ANNA, asking
from tests.doors.served import Served
from tests.fixtures import ROOT
from tests.test_tutorials import blocks


def test_an_edit_is_made_and_undone(service: Served) -> None:
    with Client(service.url, key=ANNA) as anna:
        (listed,) = anna.documents()
        product = next(anna.products(listed.id))
        made = anna.edit(listed.id, Rename[str](product=product.id, name="Larch"))
        assert (made.edit.number, made.edit.by, made.published) == (1, "anna", True)
        assert anna.product(product.id).name == "Larch"
        assert anna.undo(listed.id, 1).edit.undone_by == "anna"
        assert [edit.undone_at is None for edit in anna.edits(listed.id)] == [False]
        with pytest.raises(Invalid, match="no product"):
            anna.edit(listed.id, Rename[str](product="Larch tree", name="Oak"))


def test_example_of_the_documentation_runs(service: Served, capsys: pytest.CaptureFixture[str]) -> None:
    example, _in_a_notebook = blocks(ROOT / "docs" / "teaching.md", "python")
    with Client(service.url, key=ANNA) as anna:
        name = next(iter(anna.documents())).name
        for printed, real in (("http://127.0.0.1:8420", service.url), ("4f1c…", ANNA), ("catalogue.pdf", name)):
            assert printed in example
            example = example.replace(printed, real)
        exec(compile(example, "docs/teaching.md", "exec"), {})
        (kept,) = anna.readings()
        assert [each.text for each in kept.reading.examples] == ["Nordvik Oak"]
        assert "Nordvik Oak" in capsys.readouterr().out


def test_the_client_returns_the_file(filled: Path) -> None:
    call = calls.export(owner="anna", format="akeneo")
    with asking() as client, call.opened(None) as request:
        assert isinstance(client, TestClient)
        assert b"Nordvik Oak" in call.answer(client.request(**request), "")
        (filled / "shop.yaml").write_text(json.dumps({"fields": {"name-en_US": "{name}", "description": None}}))
        by_file = calls.export(owner="anna", format="akeneo", mapping=filled / "shop.yaml")
        with by_file.opened(None) as request:
            assert b"name-en_US" in by_file.answer(client.request(**request), "").splitlines()[0]
    with pytest.raises(InvalidReference, match="no such file"):
        calls.export(format="akeneo", mapping=filled / "none.yaml")
    assert Client.export.__doc__ == calls.export.__doc__
