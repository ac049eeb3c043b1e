"""The whole way, on the small sample, with every real part."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from swatchbook.domain.records import DocumentStatus
from swatchbook.index.contract import Where
from swatchbook.resources import Resources
from swatchbook.search.request import SearchRequest
from swatchbook.search.search import search
from swatchbook.store.ledger import publishing
from swatchbook.store.ledger.space_registry import registered
from swatchbook.upkeep.verify import rebuild, verify
from swatchbook_catalogue import stages
from tests.flows.conftest import Ingest, first_report
from tests.ledger_audit import count_writes, writes

pytestmark = [pytest.mark.usefixtures("filled"), pytest.mark.gate]


def found(resources: Resources, query: str) -> list[tuple[str, float]]:
    return [(hit.id, hit.score) for hit in search(resources, SearchRequest(query, k=10))]


def test_account_closes_and_everything_is_searchable(resources: Resources) -> None:
    report = first_report(resources)
    assert report.status == DocumentStatus.COMPLETED, report
    assert report.images_found == report.images_complete > 5
    assert report.products_discovered == 2
    assert publishing.count_unpublished(resources.ledger) == 0
    assert verify(resources).sound
    assert found(resources, "tile")


def test_unchanged_ingest_makes_nothing(resources: Resources, ingest: Ingest, small_catalogue: Path) -> None:
    first = first_report(resources)
    count_writes(resources.ledger)
    again = ingest(small_catalogue, owner="anna")
    assert again.status == DocumentStatus.COMPLETED
    assert again.images_complete == first.images_complete
    assert not writes(resources.ledger)


def test_two_owners_share_work_but_not_a_collection(
    resources: Resources, ingest: Ingest, small_catalogue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("the same bytes were read before")

    monkeypatch.setattr(stages, "extract", refuse)
    monkeypatch.setattr(stages, "read", refuse)
    first = first_report(resources)
    count_writes(resources.ledger)
    second = ingest(small_catalogue, owner="bob")
    assert second.images_found == second.images_complete == first.images_complete
    assert not writes(resources.ledger)
    anna, bob = (
        {hit.id for hit in search(resources, SearchRequest("tile", where=Where(owner=owner), k=50))}
        for owner in ("anna", "bob")
    )
    assert anna
    assert bob
    assert not anna & bob


def test_changed_option_leaves_nothing_of_the_old_generation(
    resources: Resources, ingest: Ingest, small_catalogue: Path
) -> None:
    report = ingest(small_catalogue, owner="anna", focus=False)
    assert report.status == DocumentStatus.COMPLETED
    with resources.ledger.read() as connection:
        for table in ("pages", "placements", "products", "chunks", "links", "requested"):
            generations = {row[0] for row in connection.execute(text(f"SELECT DISTINCT generation FROM {table}"))}
            assert generations <= {report.generation}, table
    assert verify(resources).sound


def test_index_is_rebuilt_from_the_ledger_without_models(resources: Resources) -> None:
    before = found(resources, "wood floor")
    for space in [each.space for each in registered(resources.ledger)]:
        resources.index.drop(space)
    count_writes(resources.ledger)
    rebuild(resources)
    assert found(resources, "wood floor") == before
    assert not writes(resources.ledger)
