"""Owners renamed and deleted while people search: with a real index, and with a kill in between."""

import pytest

from swatchbook.domain.errors import UnknownOwner
from swatchbook.index.contract import Where
from swatchbook.ingest.publish import publish_all
from swatchbook.resources import Resources
from swatchbook.search.request import SearchRequest
from swatchbook.search.search import search
from swatchbook.store.ledger import owners, schedule
from swatchbook.store.ledger.queries.account import count_owners
from swatchbook.store.ledger.tables import items, runs, vectors
from swatchbook.upkeep.rename_owner import rename
from swatchbook.upkeep.verify import verify
from tests.store.ledger.scene import count

pytestmark = pytest.mark.usefixtures("filled")


def found(resources: Resources, owner: str) -> list[str]:
    return [hit.id for hit in search(resources, SearchRequest("grey terrazzo", where=Where(owner=owner), k=5))]


def test_renamed_collection_is_searched_by_its_new_name(resources: Resources) -> None:
    before = found(resources, "anna")
    (counted,) = count_owners(resources.ledger)
    made = [count(resources.ledger, table) for table in (runs, items, vectors)]
    rename(resources, "anna", "lena")
    assert found(resources, "lena") == before != []
    assert found(resources, "anna") == []
    assert count_owners(resources.ledger) == [counted.model_copy(update={"owner": "lena"})]
    assert [count(resources.ledger, table) for table in (runs, items, vectors)] == made
    assert verify(resources).sound
    rename(resources, "anna", "lena")  # does nothing
    assert found(resources, "lena") == before
    with pytest.raises(UnknownOwner, match="There is no owner 'anna'"):
        rename(resources, "anna", "mona")


def test_killed_rename_is_published_by_a_round(resources: Resources) -> None:
    before = found(resources, "anna")
    assert owners.rename(resources.ledger, "anna", "lena")
    assert found(resources, "anna") == [], "the index still has the old name"
    assert schedule.needs_publishing(resources.ledger)
    assert [each.owner for each in schedule.due_documents(resources.ledger, owner="lena")] == ["lena"]
    publish_all(resources, at_most=0)
    assert found(resources, "lena") == before
