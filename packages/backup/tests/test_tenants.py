"""A collection whose owners are tenants in Weaviate is backed up and restored: each finds only its own."""

from pathlib import Path

import numpy as np
import pytest

from swatchbook.index.contract import Space, Where
from swatchbook.resources import Resources
from swatchbook.search.fusion import parse_weights
from swatchbook.search.request import SearchRequest
from swatchbook.search.search import find_relevant
from swatchbook.store.ledger.space_registry import registered
from swatchbook.upkeep.rename_owner import rename
from swatchbook.upkeep.verify import verify
from swatchbook_backup.restore import restore
from swatchbook_backup.write import back_up
from swatchbook_weaviate.index import WeaviateIndex
from tests.new_collection import NewCollection
from tests.upkeep.kept_collection import files, indexed, make, rows

pytestmark = pytest.mark.stack

PICTURES = {"lena": 2, "anna": 1, "bert": 2, "Bert": 1}
"""Owner -> number of its pictures. Most show the same oak."""


def fill(resources: Resources) -> None:
    """Four owners: `anna` and `bert` share pictures, `Bert` has nearly their name, `lena` was called anna."""
    make(resources, "oak", "ash", owner="anna", content="floors")
    rename(resources, "anna", "lena")
    make(resources, "oak", owner="anna", content="walls")
    make(resources, "oak", "elm", owner="bert", content="floors")
    make(resources, "elm", owner="Bert", content="floors")


def visual(resources: Resources) -> Space:
    return next(each.space for each in registered(resources.ledger) if each.space.role == "visual")


def found(resources: Resources, where: Where | None = None) -> set[str]:
    """Every picture that a search by vector finds."""
    space = visual(resources)
    return {each.id for each in resources.index.search(space, np.ones(space.dimension, np.float32), 100, where)}


def held_by_tenants(resources: Resources) -> set[frozenset[str]]:
    """The pictures in each tenant, as the server tells them."""
    assert isinstance(resources.index, WeaviateIndex)
    with resources.index._server.answering() as client:
        collection = client.collections.use(f"Swatchbook_{visual(resources).name}__tenants")
        return {
            frozenset(str(each.uuid) for each in collection.with_tenant(name).iterator())
            for name in collection.tenants.get()
        }


def rows_of(resources: Resources) -> dict[str, list[str]]:
    """Table -> its rows, without `owner_seeds`: former names of owners, which a restore does not need."""
    return {name: found for name, found in rows(resources).items() if name != "owner_seeds"}


def test_restored_owners_find_only_their_own(new_collection: NewCollection, tmp_path: Path) -> None:
    here = new_collection(index="tenants")
    fill(here)
    assert back_up(here, tmp_path / "backup").missing == ()
    held, shown = indexed(here), {owner: found(here, Where(owner=owner)) for owner in PICTURES}
    assert {owner: len(ids) for owner, ids in shown.items()} == PICTURES
    for each in registered(here.ledger):
        here.index.drop(each.space)  # the server is lost, or another one
    there = new_collection("postgresql", "tenants")
    assert restore(there, tmp_path / "backup").documents == len(PICTURES)
    assert rows_of(there) == rows_of(here)
    assert files(there) == files(here)
    assert indexed(there) == held
    assert held_by_tenants(there) == {frozenset(ids) for ids in shown.values()}
    assert all(not each.missing and not each.foreign for each in verify(there).spaces)
    for owner, ids in shown.items():
        where = Where(owner=owner)
        assert found(there, where) == ids
        assert there.index.count(visual(there), where) == len(ids)
        told = find_relevant(there, SearchRequest("oak", where=where, weights=parse_weights("keyword=1"), k=100)).hits
        assert {hit.owner for hit in told} == {owner}
        assert {hit.id for hit in told} <= ids
    assert found(there, Where(owners=("bert", "Bert"))) == shown["bert"] | shown["Bert"]
    assert found(there) == set.union(*shown.values())
    assert found(there, Where(owner="nobody")) == set()
