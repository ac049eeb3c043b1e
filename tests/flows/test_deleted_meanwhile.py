"""A delete wins at whatever point it meets an ingest: the ingest says so, and nothing of the document stays."""

import threading
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from swatchbook.domain.records import IngestOptions
from swatchbook.doors.cli.ingest import ingest
from swatchbook.doors.cli.terminal import FAILED
from swatchbook.ingest.delete import delete, delete_owner, end, throw_away
from swatchbook.resources import Resources
from swatchbook.store.ledger.portable_rows import PART_TABLES
from swatchbook.store.ledger.space_registry import registered
from swatchbook.store.ledger.stored_documents import FOLDER, PDF, all_documents, list_documents
from swatchbook.store.ledger.tables import analyses, contents, documents, images, items, runs, vectors
from swatchbook.store.ledger.trashed_documents import list_trash
from swatchbook.upkeep.gc import sweep
from tests.fixtures import SOAK
from tests.flows.conftest import results_of
from tests.ingest.sources.pictures import draw

pytestmark = pytest.mark.stack

POINTS = {
    "registered": "swatchbook.doors.cli.prefect_run.load_prefect", "found": "swatchbook.store.ledger.runs.begin",
    "begun": "swatchbook.tasks.document_run.hold_run", "read": "swatchbook.ingest.stages.progress_callback",
    "discovered": "swatchbook.ingest.stages.discover_products", "planned": "swatchbook_catalogue.stages.plan_pages",
    "chunked": "swatchbook.store.ledger.stage_results.save_pages",
    "extracted": "swatchbook.store.ledger.stage_results.save_extraction",
    "embedded": "swatchbook.store.ledger.claims.commit",
    "assembled": "swatchbook.store.ledger.edited_products.save_assembly",
    "published": "swatchbook.store.ledger.publishing.publications",
    "recorded": "swatchbook.store.ledger.publishing.record_publication",
    "finished": "swatchbook.tasks.document_run.finish_run",
    "ended": "swatchbook.tasks.document_run.describe_end",
}  # fmt: skip
"""What an ingest calls on its way: the delete comes just before the first call."""

OF_FOLDERS = ("registered", "found", "begun", "embedded", "recorded", "finished")
LEFT = (documents, images, *PART_TABLES, runs, contents, items, vectors, analyses)


def delete_its_owner(resources: Resources, document: str) -> None:
    delete_owner(resources, "anna")


WAYS = (throw_away, delete, delete_its_owner)


def cases(points: Iterable[str]) -> list[Any]:
    """A soak tries each way at each point; a quick suite one way at each point, the next one at the next."""
    return [
        pytest.param(point, way, id=f"{point}-{way.__name__}")
        for number, point in enumerate(points)
        for way in (WAYS if SOAK else [WAYS[number % len(WAYS)]])
    ]


def delete_at(point: str, way: Callable[[Resources, str], object], resources: Resources, patch: Any) -> list[str]:
    """Delete the only document just before the first call of what stands for the point; return its id, once known."""
    module, _, name = POINTS[point].rpartition(".")
    genuine, deleted = getattr(import_module(module), name), list[str]()

    def meet(*args: Any, **kwargs: Any) -> Any:
        if not deleted:
            (document,) = all_documents(resources.ledger, "anna")
            deleted.append(document.id)
            way(resources, document.id)
        return genuine(*args, **kwargs)

    patch.setattr(POINTS[point], meet)
    return deleted


def counts(resources: Resources) -> dict[str, int]:
    found = {each.name: resources.ledger.execute(select(func.count()).select_from(each)).scalar_one() for each in LEFT}
    return {name: count for name, count in found.items() if count}


def check_gone(resources: Resources, home: Path, document: str) -> None:
    """Nothing is searched, listed or stored any more, once garbage is collected and the trash is empty."""
    for thread in threading.enumerate():  # a command's would have ended with it
        if thread.name == "read ahead":
            thread.join()
    assert list_documents(resources.ledger) == []
    for each in registered(resources.ledger):
        assert list(resources.index.ids(each.space)) == []
    if list_trash(resources.ledger):
        assert end(resources, document)
    sweep(resources, older_than=0)
    assert counts(resources) == {}
    assert list(resources.files.keys()) == []
    assert not results_of(home).exists() or list(results_of(home).iterdir()) == []


def check_deleted(
    source: Path, kind: str, point: str, way: Callable[[Resources, str], object], resources: Resources, home: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    deleted = delete_at(point, way, resources, monkeypatch)
    reports, code = ingest(resources, {source: kind}, owner="anna", options=IngestOptions(), quiet=True)
    assert (reports, code) == ([], FAILED)
    said = capsys.readouterr().err
    assert ("moved to the trash while" if way is throw_away else "was deleted while") in said
    assert source.name in said
    monkeypatch.undo()
    check_gone(resources, home, *deleted)


@pytest.mark.usefixtures("prefect_api")  # a temporary server for each would take most of the time
@pytest.mark.parametrize(("point", "way"), cases(POINTS))
def test_delete_wins_over_a_catalogue(
    point: str, way: Callable[[Resources, str], object], resources: Resources, home: Path, small_catalogue: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    check_deleted(small_catalogue, PDF, point, way, resources, home, monkeypatch, capsys)


@pytest.mark.usefixtures("prefect_api")
@pytest.mark.parametrize(("point", "way"), cases(OF_FOLDERS))
def test_delete_wins_over_a_folder(
    point: str, way: Callable[[Resources, str], object], resources: Resources, home: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    folder = tmp_path / "oak and ash"
    draw(folder / "oak.png", 1)
    draw(folder / "ash.jpg", 2)
    check_deleted(folder, FOLDER, point, way, resources, home, monkeypatch, capsys)
