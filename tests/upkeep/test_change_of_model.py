"""What must hold while models change, on both indexes, with ingests, deletes and kills meanwhile: at every moment each
search answers from one complete space; nothing is left of a dropped one; nothing is made or paid for twice.
"""

import tarfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from benchmarks import bare_ingest
from swatchbook.errors import Configuration, Unexpected
from swatchbook.index.contract import Index, Match, Space
from swatchbook.ledger import space_registry
from swatchbook.ledger.queries.account import account
from swatchbook.ledger.stored_documents import list_documents
from swatchbook.pipeline.delete import delete
from swatchbook.records import DocumentStatus, Role
from swatchbook.reports.stale import stale_roles
from swatchbook.resources import Resources, open_resources
from swatchbook.search.search import search
from swatchbook.settings import flatten, load_settings, variable
from swatchbook.upkeep.spaces import activate, drop_old, list_spaces, rollback
from swatchbook.upkeep.verify import verify
from swatchbook_base import e5
from tests.models import tiny
from tests.providers.standin import KEY, Provider, provider
from tests.upkeep.changing import active_pairs, asked_as_documents, fill, index_left, rows_left, small_catalogue
from tests.weaviate_server import WEAVIATE, weaviate_server

__all__ = ["weaviate_server"]

TEXT = {Role.UNDERSTANDING, Role.TEXT}
OLD_HOME = Path(__file__).with_name("home_of_descriptors_and_minilm.tar.xz")
"""Ledger, files and index with catalogues 1 and 2 of `small_catalogue`, of when the descriptors and MiniLM were the
defaults.
"""

WITH_DESCRIPTORS = {"descriptors@1", "efficientnet-lite2@9656183e"}
"""Models of one encoder."""


class Watched:
    """An index before and after each of whose writes somebody searches; it may be killed at one of them."""

    def __init__(self, index: Index, look: Callable[[], None]) -> None:
        self.index, self.look, self.read = index, look, set[Space]()
        self.looking = False
        self.writes, self.die_at = 0, 0

    def __getattr__(self, name: str) -> Callable[..., object]:
        move = getattr(self.index, name)
        if name == "search":
            return self._searching(move)
        if name in ("upsert", "delete"):  # what was there before is what was seen after the last write
            return self._writing(move, before=False)
        return self._writing(move) if name in ("drop", "activate", "ensure") else move

    def _searching(self, move: Callable[..., object]) -> Callable[..., object]:
        def search(space: Space, *given: object, **named: object) -> object:
            self.read.add(space)
            return move(space, *given, **named)

        return search

    def _writing(self, move: Callable[..., object], *, before: bool = True) -> Callable[..., object]:
        def write(*given: object) -> object:
            self.writes += 1
            if self.writes == self.die_at:
                raise KeyboardInterrupt
            if before:
                self._look()
            done = move(*given)
            self._look()
            return done

        return write

    def _look(self) -> None:
        if not self.looking:
            self.looking = True
            try:
                self.look()
            finally:
                self.looking = False


class Collection:
    """A home that people search while things change. `kept`: a document that stays, and what each role has of it."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.home, self.monkeypatch, self.folder = home, monkeypatch, folder
        self.kept: dict[Role, set[str]] = {}
        self.number = 0
        self.die_at = 0

    def choose(self, **settings: str | dict[str, str]) -> None:
        for name, value in flatten(settings).items():
            self.monkeypatch.setenv(variable(name), value)

    @contextmanager
    def opened(self) -> Iterator[Resources]:
        with open_resources(load_settings()) as resources:
            watched = Watched(resources.index, lambda: self.look(resources))
            watched.die_at, self.die_at = self.die_at, 0
            resources.index = watched  # type: ignore[assignment]
            yield resources
            resources.index = watched.index

    def ingest(self) -> str:
        """Another small catalogue; its document's id."""
        self.number += 1
        path = small_catalogue(self.folder, self.number)
        bare_ingest.main(path)
        with open_resources(load_settings()) as resources:
            return list_documents(resources.ledger)[0].id

    def keep(self) -> None:
        """What is there now must be found in all roles that are searched from now on."""
        with open_resources(load_settings()) as resources:
            self.kept = {
                role: set(resources.index.ids(each.space))
                for role, each in space_registry.active_spaces(resources.ledger).items()
            }
            self.picture = next(iter(hit.file for hit in search(resources, text="oak floor") if hit.file))

    def look(self, resources: Resources) -> None:
        """Search by text and by picture; what was asked is of one model for each encoder, and complete."""
        watched: Watched = resources.index  # type: ignore[assignment]
        if not self.kept:
            return
        active = {role: each.space for role, each in space_registry.active_spaces(resources.ledger).items()}
        watched.read.clear()
        assert search(resources, text="oak floor")
        with resources.files.local(self.picture) as file:
            assert search(resources, image=file)[0].score > 0.9
        assert len({space.tag for space in watched.read if space.role in TEXT}) == 1
        encoders = {space.tag.partition("/")[0] for space in watched.read if space.role not in TEXT}
        assert len(encoders) == 1 or encoders == WITH_DESCRIPTORS
        assert watched.read <= set(active.values())
        for space in watched.read:
            held = set(watched.index.ids(space))
            assert self.kept.get(space.role, set()) <= held, space.name

    def change(self) -> None:
        """From what is searched to what the settings name, with everything that happens meanwhile."""
        with self.opened() as resources:
            before = active_pairs(resources)
            with pytest.raises(Configuration, match="no space") as refused:
                activate(resources)
            assert "spaces fill" in (refused.value.advice or "")
            assert stale_roles(resources.ledger, resources.settings)
            assert active_pairs(resources) == before
        for at in (2, 5):
            self.die_at = at
            with pytest.raises(KeyboardInterrupt), self.opened() as resources:
                fill(resources)
        doomed = self.ingest()
        with self.opened() as resources:
            filled = fill(resources)
            assert filled.lacks == ()
            assert fill(resources).made == 0
            assert account(resources.ledger).pending == 0
            assert delete(resources, doomed)
            later = self.ingest()
            assert active_pairs(resources) == before
            activate(resources)
            after = active_pairs(resources)
            assert before - after
            assert stale_roles(resources.ledger, resources.settings) == ()
            rollback(resources)
            assert active_pairs(resources) == before
            activate(resources)
            assert active_pairs(resources) == after
            assert delete(resources, later)
        self.ingest()
        self.die_at = 1
        with pytest.raises(KeyboardInterrupt), self.opened() as resources:
            drop_old(resources)
        with self.opened() as resources:
            drop_old(resources)
            assert rows_left(resources, before - after) == index_left(resources, before - after) == []
            assert set(resources.index.spaces()) == {
                each.space.name for each in space_registry.registered(resources.ledger)
            }
            assert verify(resources).unpublished == 0
            assert all(space.missing == space.foreign == 0 for space in verify(resources).spaces)
            assert {document.status for document in list_documents(resources.ledger)} == {DocumentStatus.COMPLETED}
            assert [len(role.spaces) for role in list_spaces(resources)] == [1] * len(after)


@pytest.fixture
def voyage() -> Iterator[Provider]:
    with provider() as there:
        yield there


@pytest.fixture(params=["lance", WEAVIATE])
def collection(
    request: pytest.FixtureRequest, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Collection]:
    made = Collection(home, monkeypatch, tmp_path)
    made.choose(encoder="descriptors")
    if request.param == "weaviate":
        server = request.getfixturevalue("weaviate_server")
        made.choose(
            index="weaviate",
            weaviate={"url": server.url, "grpc_port": str(server.grpc_port), "api_key": server.api_key},
        )
    made.ingest()
    made.ingest()
    made.keep()
    yield made
    with open_resources(load_settings()) as resources:  # the server is shared
        for each in space_registry.registered(resources.ledger):
            resources.index.drop(each.space)


@pytest.mark.stack
def test_text_encoder_to_voyage_and_descriptors_to_siglip_and_back(collection: Collection, voyage: Provider) -> None:
    model = str(tiny.save(collection.folder / "models", "siglip2"))
    collection.choose(text_encoder="voyage", text={"url": voyage.openai_url, "api_key": KEY})
    collection.choose(encoder="siglip", encoder_model=model)
    collection.change()
    assert voyage.paid
    assert set(asked_as_documents(voyage).values()) == {1}, "no text is paid for twice"
    collection.choose(text_encoder="e5", encoder="descriptors")
    collection.change()
    # what was the default for long, to what is now: colour and texture of the network are those of the descriptors
    collection.choose(encoder="efficientnet")
    with collection.opened() as resources:
        assert fill(resources).lacks == ()
        activate(resources)
        collection.look(resources)
        assert {pair.tag for pair in active_pairs(resources) if pair.role in TEXT} == {e5.TAG}
        drop_old(resources)
        collection.look(resources)
        assert stale_roles(resources.ledger, resources.settings) == ()


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
            search(resources, text="Eiche")
        assert "`swatchbook fill spaces`" in (refused.value.advice or "")
        assert fill(resources).lacks == ()
        activate(resources)
        drop_old(resources)
        tags = {pair.role: pair.tag for pair in active_pairs(resources)}
        assert tags[Role.TEXT] == tags[Role.UNDERSTANDING] == e5.TAG
        assert tags[Role.VISUAL].startswith("efficientnet-lite2@")
        assert list(search(resources, text="Eiche"))
        assert stale_roles(resources.ledger, resources.settings) == ()


def test_a_search_whose_space_is_dropped_meanwhile_is_answered_from_the_new_one(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, voyage: Provider
) -> None:
    small = Collection(home, monkeypatch, tmp_path)
    small.ingest()
    small.choose(text_encoder="voyage", text={"url": voyage.openai_url, "api_key": KEY})
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
        assert search(resources, text="oak floor")
        active = {each.space for each in space_registry.active_spaces(resources.ledger).values()}
        assert asked[0] not in active
        assert {space.role for space in asked if space in active} == {space.role for space in asked}
        asked.clear()
        with pytest.raises(Unexpected):
            search(resources, text="oak floor")
