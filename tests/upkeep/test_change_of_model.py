"""A change from a model that is gone, and a search that meets the switch."""

import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks import bare_ingest
from swatchbook.domain.errors import Configuration, Unexpected
from swatchbook.domain.records import Role
from swatchbook.domain.settings import load_settings
from swatchbook.index.contract import Match, Space
from swatchbook.resources import open_resources
from swatchbook.search.request import SearchRequest
from swatchbook.search.search import search
from swatchbook.store.ledger import space_registry
from swatchbook.upkeep.reports.stale import stale_roles
from swatchbook.upkeep.spaces import activate, drop_old
from swatchbook_base import e5
from tests.models.providers.standin import Provider
from tests.upkeep.changing import active_pairs, fill, small_catalogue
from tests.upkeep.test_spaces import choose_voyage, voyage

__all__ = ["voyage"]

TEXT = {Role.UNDERSTANDING, Role.TEXT}
OLD_HOME = Path(__file__).with_name("home_of_descriptors_and_minilm.tar.xz")
"""Ledger, files and index with catalogues 1 and 2 of `small_catalogue`, of when the descriptors and MiniLM were the
defaults.
"""


@pytest.mark.nightly
def test_collection_of_a_removed_model_is_changed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with tarfile.open(OLD_HOME) as archive:
        archive.extractall(home, filter="data")
    monkeypatch.setenv("SWATCHBOOK_TEXT_ENCODER", "minilm")
    with pytest.raises(
        Configuration, match=r"no text encoder is called 'minilm'\. Built in: e5, .* Correct or remove it"
    ):
        load_settings()
    monkeypatch.delenv("SWATCHBOOK_TEXT_ENCODER")
    with open_resources(load_settings()) as resources:
        assert {pair.role for pair in active_pairs(resources)} == {Role.VISUAL, Role.COLOR, Role.TEXTURE, *TEXT}
        with pytest.raises(Configuration, match=r"all-minilm-l6-v2@.*, is not available") as refused:
            search(resources, SearchRequest("Eiche"))
        assert "`swatchbook fill spaces`" in (refused.value.advice or "")
        assert fill(resources).lacks == ()
        activate(resources)
        drop_old(resources)
        tags = {pair.role: pair.tag for pair in active_pairs(resources)}
        assert tags[Role.TEXT] == tags[Role.UNDERSTANDING] == e5.TAG
        assert tags[Role.VISUAL].startswith("efficientnet-lite2@")
        assert list(search(resources, SearchRequest("Eiche")))
        assert stale_roles(resources.ledger, resources.settings) == ()


def test_search_losing_its_space_uses_the_new_one(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, voyage: Provider
) -> None:
    bare_ingest.main(small_catalogue(tmp_path, 1))
    choose_voyage(voyage, monkeypatch)
    with open_resources(load_settings()) as resources:
        fill(resources)
        index = resources.index
        find, asked = index.search, list[Space]()

        def lose(space: Space, *given: Any) -> Sequence[Match]:
            asked.append(space)  # all roles are asked at the same time
            if space is asked[0]:
                activate(resources)
                drop_old(resources)
                raise Unexpected("Some of its files are gone.")  # LanceDB, while a table is being deleted
            return find(space, *given)

        monkeypatch.setattr(index, "search", lose)
        assert search(resources, SearchRequest("oak floor"))
        active = {each.space for each in space_registry.active_spaces(resources.ledger).values()}
        assert asked[0] not in active
        assert {space.role for space in asked if space in active} == {space.role for space in asked}
        asked.clear()
        with pytest.raises(Unexpected):
            search(resources, SearchRequest("oak floor"))
