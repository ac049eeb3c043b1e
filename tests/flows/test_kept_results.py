"""Kept results of pure stages: served when they are ours, made anew when they are not, and never run."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from swatchbook.domain.records import DocumentStatus
from swatchbook.resources import Resources
from tests.flows.conftest import Ingest, results_of

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


@pytest.mark.parametrize("damage", [pytest.param(tamper_with_the_serializer, marks=pytest.mark.gate), cut_it_short])
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


def test_a_result_without_its_file_is_computed_again(
    home: Path, resources: Resources, ingest: Ingest, small_catalogue: Path
) -> None:
    pages = json.loads(json.loads(kept_reading(home).read_text())["result"])["data"]["pages_file"]
    resources.files.delete(pages)
    report = ingest(small_catalogue, owner="anna", focus=False)
    assert report.status == DocumentStatus.COMPLETED
    assert resources.files.has(pages)
