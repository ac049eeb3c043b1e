"""What was backed up is restored whole on any ledger and any index: rows, files, account, vectors, search results; and
no model is asked.
"""

from pathlib import Path

import pytest

from swatchbook.index.contract import Where
from swatchbook.resources import Resources
from swatchbook.search.request import SearchRequest
from swatchbook.search.search import search
from swatchbook.store.ledger.publishing import count_unpublished
from swatchbook.store.ledger.queries.account import owner_accounts
from swatchbook.upkeep.verify import verify
from swatchbook_backup.restore import restore
from swatchbook_backup.write import back_up
from tests.new_collection import NewCollection
from tests.upkeep.kept_collection import files, indexed, rows

pytestmark = pytest.mark.stack


TEXTS = (
    *(
        "oak",
        "matt grey terrazzo",
        "Nordvik Oak",
        "Palladio Terrazzo",
        "PT-101",
        "PT-104",
        "Limed",
        "engineered oak floor",
    ),
    *("colours and technical data", "price per m²", "warm wooden floor", "dark stone", "white", "slip rating R10"),
    *("bathroom tile", "14 mm", "Eiche"),
)


def results(resources: Resources) -> list[dict[str, float]]:
    """Id -> score of all results of fifty searches. Equal scores may come in any order."""
    return [
        {
            hit.id: round(hit.score, 4)
            for hit in search(resources, SearchRequest(text, where=Where(owner="anna"), by=by, k=100))
        }
        for text in TEXTS
        for by in ("image", "product", "chunk")
    ]


@pytest.mark.parametrize("index", ["lance", pytest.param("weaviate", marks=pytest.mark.gate)])
def test_there_and_back(collection: Resources, new_collection: NewCollection, tmp_path: Path, index: str) -> None:
    """To PostgreSQL with one index, and from there to SQLite with the other one: both ledgers with both indexes."""
    there = new_collection("postgresql", index)
    written = back_up(collection, tmp_path / "backup")
    assert written.missing == ()
    assert written.vectors > 20
    restored = restore(there, tmp_path / "backup")
    assert (restored.documents, restored.kept, restored.unfinished, restored.missing) == (1, 0, 0, ())
    back = new_collection("sqlite", "lance" if index == "weaviate" else "weaviate")
    back_up(there, tmp_path / "another")
    restore(back, tmp_path / "another")
    for other in (there, back):
        assert not {"models", "decoders"} & vars(other).keys(), "a restore asks no model"
        assert rows(other) == rows(collection)
        assert files(other) == files(collection)
        assert owner_accounts(other.ledger) == owner_accounts(collection.ledger)
        assert [each.complete for each in owner_accounts(other.ledger)] == [14]
        assert indexed(other) == indexed(collection)
        found, before = results(other), results(collection)
        exactly = other.settings.index == "lance"  # another index rounds the scores of keywords otherwise
        assert found == (before if exactly else [pytest.approx(each, abs=0.01) for each in before])
        assert verify(other, deep=True).sound
        assert count_unpublished(other.ledger) == 0
