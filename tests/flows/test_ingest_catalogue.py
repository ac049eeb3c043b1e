"""The whole way, on the small sample, with every real part."""

from pathlib import Path

import pytest
from sqlalchemy import text

from swatchbook.delete import delete
from swatchbook.lab import Lab
from swatchbook.ledger import accounts, publishing
from swatchbook.records import DocumentStatus
from swatchbook.search import search
from swatchbook.verify import rebuild, verify
from tests.flows.conftest import Ingest
from tests.ledger_audit import count_writes, writes


def found(lab: Lab, query: str) -> list[tuple[str, float]]:
    return [(hit.id, hit.score) for hit in search(lab, text=query, k=10)]


def test_account_closes_and_everything_is_searchable(lab: Lab, ingest: Ingest, small_catalogue: Path) -> None:
    report = ingest(small_catalogue)
    assert report.status == DocumentStatus.COMPLETED, report
    assert report.images_found == report.images_complete > 5
    assert report.products_discovered == 2
    assert publishing.unpublished(lab.ledger) == 0
    assert verify(lab).sound
    assert found(lab, "tile")


def test_unchanged_ingest_makes_nothing(lab: Lab, ingest: Ingest, small_catalogue: Path) -> None:
    first = ingest(small_catalogue)
    count_writes(lab.ledger)
    again = ingest(small_catalogue)
    assert again.status == DocumentStatus.COMPLETED
    assert again.images_complete == first.images_complete
    assert not writes(lab.ledger)


def test_two_owners_share_the_work_but_not_the_collection(lab: Lab, ingest: Ingest, small_catalogue: Path) -> None:
    first = ingest(small_catalogue, owner="ann")
    count_writes(lab.ledger)
    second = ingest(small_catalogue, owner="bob")
    assert second.images_complete == first.images_complete
    assert not writes(lab.ledger)
    ann, bob = ({hit.id for hit in search(lab, text="tile", owner=owner, k=50)} for owner in ("ann", "bob"))
    assert ann
    assert bob
    assert not ann & bob


def test_changed_option_leaves_nothing_of_the_old_generation(lab: Lab, ingest: Ingest, small_catalogue: Path) -> None:
    ingest(small_catalogue)
    report = ingest(small_catalogue, focus=False)
    assert report.status == DocumentStatus.COMPLETED
    with lab.ledger.read() as connection:
        for table in ("pages", "placements", "products", "chunks", "entities", "links", "wants"):
            generations = {row[0] for row in connection.execute(text(f"SELECT DISTINCT generation FROM {table}"))}
            assert generations <= {report.generation}, table
    assert verify(lab).sound


def test_index_is_rebuilt_from_the_ledger_without_a_forward_pass(
    lab: Lab, ingest: Ingest, small_catalogue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest(small_catalogue)
    before = found(lab, "wood floor")
    for space, _ in publishing.spaces(lab.ledger):
        lab.index.drop(space)
    count_writes(lab.ledger)
    rebuild(lab)
    assert found(lab, "wood floor") == before
    assert not writes(lab.ledger)


def test_deleted_document_leaves_nothing_and_can_come_again(lab: Lab, ingest: Ingest, small_catalogue: Path) -> None:
    report = ingest(small_catalogue)
    assert delete(lab, report.document_id)
    for space, _ in publishing.spaces(lab.ledger):
        assert lab.index.count(space) == 0
    assert accounts.list_documents(lab.ledger) == []
    again = ingest(small_catalogue)
    assert again.status == DocumentStatus.COMPLETED
    assert again.images_complete == report.images_complete
