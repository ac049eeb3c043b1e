"""Kept results of pure stages: served when they are ours, made anew when they are not, and never run."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from swatchbook.domain.records import DocumentStatus
from swatchbook.resources import Resources
from swatchbook.store.ledger.tables import placements
from swatchbook_catalogue import stages
from tests.flows.conftest import Ingest, first_report, results_of

pytestmark = [pytest.mark.stack, pytest.mark.usefixtures("filled")]


def kept_reading(home: Path) -> Path:
    """The file that holds the result of stage 1."""
    (kept,) = results_of(home).glob("read-*")
    return kept


def tamper_with_the_serializer(kept: Path, marker: Path) -> None:
    record = json.loads(kept.read_text())
    record["metadata"]["serializer"] = {"type": "json"}
    record["result"] = json.dumps({"__class__": "subprocess.getoutput", "data": [f"touch {marker}"]})
    kept.write_text(json.dumps(record))


def cut_it_short(kept: Path, marker: Path) -> None:
    kept.write_text(kept.read_text()[: len(kept.read_text()) // 2])


def change_a_field(kept: Path, marker: Path) -> None:
    kept.write_text(kept.read_text().replace("page_count", "pages_counted"))


@pytest.mark.parametrize("damage", [tamper_with_the_serializer, cut_it_short, change_a_field])
@pytest.mark.gate
def test_a_foreign_result_is_computed_again(
    home: Path, ingest: Ingest, small_catalogue: Path, tmp_path: Path, damage: Callable[[Path, Path], None]
) -> None:
    kept = kept_reading(home)
    whole = kept.read_text()
    marker = tmp_path / "it ran"
    damage(kept, marker)
    report = ingest(small_catalogue, owner="anna", focus=False)
    assert report.status == DocumentStatus.COMPLETED
    assert report.images_complete > 0
    assert not marker.exists()
    assert json.loads(json.loads(kept.read_text())["result"]) == json.loads(json.loads(whole)["result"])


def test_second_owner_reads_and_extracts_nothing(
    resources: Resources, ingest: Ingest, small_catalogue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("the same bytes were read before")

    monkeypatch.setattr(stages, "extract", refuse)
    monkeypatch.setattr(stages, "read", refuse)
    theirs = first_report(resources)
    ours = ingest(small_catalogue, owner="bert")
    assert ours.status == DocumentStatus.COMPLETED
    assert (ours.images_found, ours.images_complete) == (theirs.images_found, theirs.images_complete)
    rows = resources.ledger.execute(select(placements.c.document, placements.c.id)).all()
    of = {each: {id for document, id in rows if document == each} for each in (theirs.document_id, ours.document_id)}
    assert len(of[ours.document_id]) == len(of[theirs.document_id])
    assert of[ours.document_id].isdisjoint(of[theirs.document_id])


def test_a_result_whose_file_is_gone_is_computed_again(
    home: Path, resources: Resources, ingest: Ingest, small_catalogue: Path
) -> None:
    pages = json.loads(json.loads(kept_reading(home).read_text())["result"])["data"]["pages_file"]
    resources.files.delete(pages)
    report = ingest(small_catalogue, owner="anna", focus=False)
    assert report.status == DocumentStatus.COMPLETED
    assert resources.files.has(pages)
