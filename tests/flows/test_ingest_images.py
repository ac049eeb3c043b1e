"""The flow of a folder, with every real part: it grows, is killed, retried and deleted."""

import asyncio
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from swatchbook.domain.records import DocumentStatus, IngestOptions, ItemCounts, ItemState, Role, RunReport
from swatchbook.flows.ingest_images import ingest_images
from swatchbook.flows.rescan_sources import rescan_sources
from swatchbook.index.contract import Where
from swatchbook.ingest import scan
from swatchbook.ingest.register_path import register_folder
from swatchbook.ingest.sources.folder import list_folder
from swatchbook.ingest.sources.listed import ListedItem
from swatchbook.resources import Resources
from swatchbook.search.request import SearchRequest
from swatchbook.search.search import search
from swatchbook.store.ledger.queries.document import show_document
from swatchbook.store.ledger.run_queries import live_runs
from swatchbook.store.ledger.tables import items
from swatchbook.tasks.embed import cut_batches
from swatchbook.tasks.flow_run import report_of
from swatchbook.upkeep.verify import verify
from tests.ingest.sources.pictures import draw, write
from tests.ingest.test_scan import taken
from tests.store.ledger.scene import change


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(5):
        draw(tmp_path / "pictures" / f"{number}.png", number)
    return tmp_path / "pictures"


def ingest(resources: Resources, folder: Path, owner: str = "anna", **options: object) -> RunReport:
    chosen = IngestOptions.model_validate(options)
    document = register_folder(resources, folder, owner=owner, options=chosen).document.id

    async def report() -> RunReport:
        state = await ingest_images(str(folder), owner, chosen, return_state=True)
        return await report_of(state, resources.ledger, document)

    return asyncio.run(report())


def counts(report: RunReport) -> tuple[int, int, int, int]:
    items = report.items or ItemCounts()
    states = ("processed", "skipped", "partial", "bare", "failed", "pending")
    assert items.total_items == sum(getattr(items, f"{state}_items") for state in states)
    return items.total_items, items.processed_items, items.skipped_items, items.failed_items


@pytest.mark.gate
def test_folder_that_grows_is_continued(resources: Resources, folder: Path) -> None:
    first = ingest(resources, folder)
    assert first.status == DocumentStatus.COMPLETED, first
    assert counts(first) == (5, 5, 0, 0)
    assert first.images_found == first.images_complete == first.products_discovered == 5
    assert first.confidence_score == 1.0
    draw(folder / "new.png", 9)
    write(folder / "broken.png", b"no picture")
    (folder / "0.png").unlink()
    second = ingest(resources, folder)
    assert counts(second) == (6, 1, 4, 1)
    assert [failure.path for failure in second.failed_images if failure.role == "visual"] == ["broken.png"]
    assert any("source: 1; `swatchbook ingest-images --mirror` removes them" in warning for warning in second.warnings)
    third = ingest(resources, folder, mirror=True)
    assert (third.images_found, third.items and third.items.left_items) == (6, 0)
    assert search(resources, SearchRequest("0", where=Where(owner="anna"), k=20))[0].title != "0"
    assert verify(resources).sound


def test_pictures_are_embedded_while_the_folder_is_scanned(
    resources: Resources, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def made() -> int:
        query = select(func.count()).where(items.c.role == Role.VISUAL, items.c.state == ItemState.DONE)
        return resources.ledger.execute(query).scalar_one()

    def note() -> str | None:
        (run,) = live_runs(resources.ledger)
        return run.note

    made_meanwhile = list[int]()
    told_meanwhile = list[str | None]()

    def wait_for_the_first(path: Path, *given: Any, **named: Any) -> Iterator[ListedItem]:
        for number, item in enumerate(list_folder(path, *given, **named)):
            if number == 4:  # the first three are saved
                end = time.monotonic() + 60
                while note() != "3 images embedded" and time.monotonic() < end:
                    time.sleep(0.1)
                made_meanwhile.append(made())
                told_meanwhile.append(note())
            yield item

    monkeypatch.setattr(scan, "_PORTION", 1)
    monkeypatch.setattr(scan, "list_folder", wait_for_the_first)
    assert counts(ingest(resources, folder)) == (5, 5, 0, 0)
    assert made_meanwhile == [3]
    assert told_meanwhile == ["3 images embedded"]
    assert verify(resources).sound


def test_deadly_picture_waits_until_the_scan_has_ended(resources: Resources, folder: Path) -> None:
    work = taken(resources, folder)
    keys = [image["content_key"] for image in show_document(resources.ledger, work.document)["images"]]
    change(resources.ledger, items, items.c.key == keys[2], crashes=1)

    def members(*, all_added: bool) -> list[str]:
        batches = asyncio.run(cut_batches.fn(resources, work, lambda: all_added))
        return [key for batch in batches if batch.kind == "image" for key in batch.members]

    assert members(all_added=False) == [*keys[:2], *keys[3:]]
    assert members(all_added=True) == [*keys[:2], *keys[3:], keys[2]]


@pytest.mark.gate
def test_rescan_ingests_what_has_changed_and_nothing_else(resources: Resources, folder: Path, tmp_path: Path) -> None:
    draw(tmp_path / "gone" / "a.png", 30)
    for source in (folder, tmp_path / "gone"):
        ingest(resources, source, owner="bob")
    assert asyncio.run(rescan_sources()) == []
    draw(folder / "new.png", 9)
    shutil.rmtree(tmp_path / "gone")
    (report,) = asyncio.run(rescan_sources())
    assert (report.owner, counts(report)) == ("bob", (6, 1, 5, 0))
    assert asyncio.run(rescan_sources()) == []
