"""Edits of products over HTTP and with the Python client: made, listed, undone, and refused with the reason."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from interface import client
from interface.client import Client, Invalid, NotFound
from swatchbook.records import Add, Assign, Merge, Rename
from swatchbook.settings import load_settings
from tests.interface.conftest import ANNA, BERT
from tests.interface.service.served import Served, served


@pytest.fixture
def service(filled: Path, keys: None) -> Iterator[Served]:
    with served(load_settings()) as service:
        yield service


def test_an_edit_is_shown_at_once_and_can_be_undone(service: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    with Client(service.url, key=ANNA) as anna, Client(service.url, key=BERT) as bert:
        (listed,) = anna.documents()
        one, other = anna.products(listed.id)
        picture = one.pictures[0].id
        made = anna.edit(listed.id, Rename[str](product=one.id, name="Larch"))
        assert (made.edit.number, made.edit.by, made.published) == (1, "anna", True)
        anna.edit(listed.id, Assign[str](picture=picture, products=(other.id,)))
        assert anna.product(one.id).name == "Larch"
        assert picture in {each.id for each in anna.product(other.id).pictures}
        assert picture in {hit.id for hit in anna.search("tile", product=other.id, k=100)}
        anna.edit(listed.id, Merge[str](products=("Larch", other.name)))
        assert [product.id for product in anna.products(listed.id)] == [one.id]
        assert anna.undo(listed.id, 3).edit.undone_by == "anna"
        assert [product.name for product in anna.products(listed.id)] == ["Larch", other.name]
        assert [edit.undone_at is None for edit in anna.edits(listed.id)] == [True, True, False]

        with pytest.raises(Invalid, match="no product"):
            anna.edit(listed.id, Rename[str](product="Larch tree", name="Oak"))
        with pytest.raises(Invalid, match="no edit 3"):
            anna.undo(listed.id, 3)
        for forbidden in (lambda: bert.edit(listed.id, Add(page=1, name="Mine")), lambda: bert.undo(listed.id, 1)):
            with pytest.raises(NotFound):
                forbidden()
        monkeypatch.setattr(client, "_PAGE", 2)
        assert [edit.number for edit in anna.edits(listed.id)] == [1, 2, 3]
