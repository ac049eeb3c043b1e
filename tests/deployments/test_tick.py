"""Rounds of the loop: on a real Prefect server, with a real worker, and without either."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from swatchbook.deployments import tick as scheduler
from swatchbook.deployments.tick import Ticked, keep_ticking, tick
from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.records import DocumentStatus, IngestOptions
from swatchbook.domain.settings import load_settings
from swatchbook.ingest import publish
from swatchbook.ingest.hold_files import holding_files
from swatchbook.ingest.register import register
from swatchbook.resources import Resources, open_resources
from swatchbook.store.ledger import picture_reviews
from swatchbook.store.ledger.document_commands import mark_deleting
from swatchbook.store.ledger.publishing import mark_dirty
from swatchbook.store.ledger.schedule import due_documents, last_rounds, launchable
from swatchbook.store.ledger.stored_documents import BEGIN_SECONDS, Document, get_document
from tests.command import run_json
from tests.deployments.conftest import died, queued
from tests.fixtures import free_port
from tests.ingest.test_delete import make
from tests.pdf.making import Paper, gradient, jpeg
from tests.store.ledger.scene import begin_again, pass_time, set_document
from tests.store.ledger.test_picture_reviews import weak
from tests.waiting import until


def round_of(resources: Resources) -> Ticked:
    return asyncio.run(tick(resources))


def page(folder: Path) -> Path:
    paper = Paper()
    paper.page("Tile Alba").insert_image((40, 80, 240, 280), stream=jpeg(gradient(300, 300)))
    return paper.save(folder / "alba.pdf")


def uploaded(resources: Resources, folder: Path) -> Document:
    return register(resources, page(folder), owner="anna", options=IngestOptions()).document


def test_round_frees_what_died_and_starts_it_again(resources: Resources, deployment: Any) -> None:
    document = queued(resources)
    run = begin_again(resources.ledger, document)
    assert round_of(resources) == Ticked()
    died(resources, run, bury=False)
    done = round_of(resources)
    assert done.buried == (run.token,)
    assert done.launched == (document.id,)
    assert round_of(resources) == Ticked()


def test_long_work_is_left_to_the_next_round(resources: Resources, monkeypatch: pytest.MonkeyPatch) -> None:
    document = make(resources, "oak", "ash")
    monkeypatch.setattr(scheduler, "_PART_SECONDS", -1.0)
    monkeypatch.setattr(publish, "ROWS", 1)
    mark_dirty(resources.ledger)
    assert [round_of(resources).published for _ in range(4)] == [1, 1, 1, 0]
    mark_deleting(resources.ledger, document)
    assert [round_of(resources).deleted for _ in range(2)] == [(), (document,)]


@contextmanager
def prefect_away(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An address at which nobody answers, for this process and its children."""
    from prefect.settings import PREFECT_API_URL, temporary_settings

    address = f"http://127.0.0.1:{free_port()}/api"
    with monkeypatch.context() as changed, temporary_settings({PREFECT_API_URL: address}):
        changed.setenv("PREFECT_API_URL", address)
        yield


def test_failure_of_one_part_holds_up_no_other(resources: Resources, monkeypatch: pytest.MonkeyPatch) -> None:
    document = queued(resources)
    run = begin_again(resources.ledger, document)
    died(resources, run, bury=False)
    with prefect_away(monkeypatch):
        done = round_of(resources)
        assert done.buried == (run.token,)
        (trouble,) = done.troubles
        assert "Prefect does not answer at" in trouble
        assert get_document(resources.ledger, document.id).status == DocumentStatus.WAITING
        assert run_json("upkeep", "tick", expect=3)["troubles"] == [trouble]
    told = [each.done for each in last_rounds(resources.ledger, 9)]
    assert told == [{"troubles": [trouble]}, {"buried": [run.token], "troubles": [trouble]}]


def test_outage_is_logged_once_and_rounds_go_on(
    resources: Resources, deployment: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    document, released = queued(resources), list[int]()
    monkeypatch.setattr(scheduler, "release_memory", lambda: released.append(1))

    async def rounds() -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(keep_ticking(resources, asyncio.Event(), every=0.05), timeout=3)

    with prefect_away(monkeypatch), caplog.at_level(logging.INFO, "swatchbook.deployments.tick"):
        asyncio.run(rounds())
    said = [record.message for record in caplog.records if record.name == "swatchbook.deployments.tick"]
    assert len(said) == 1
    assert "Prefect does not answer at" in said[0]
    (outage,) = last_rounds(resources.ledger, 9)
    assert outage.count > 1
    assert len(released) > 1, "memory is given back though a round fails"
    assert round_of(resources).launched == (document.id,)


def test_woken_loop_begins_its_next_round_at_once(resources: Resources) -> None:
    def is_deleted(document: Document) -> bool:
        try:
            return not get_document(resources.ledger, document.id)
        except InvalidReference:
            return True

    async def deleted_in_turn() -> None:
        wake = asyncio.Event()
        loop = asyncio.create_task(keep_ticking(resources, wake, every=600))
        for name in ("first", "second"):
            document = queued(resources, name)
            mark_deleting(resources.ledger, document.id)
            wake.set()
            await asyncio.to_thread(until, partial(is_deleted, document), 30)
        loop.cancel()
        with suppress(asyncio.CancelledError):
            await loop

    asyncio.run(deleted_in_turn())


@pytest.mark.stack
@pytest.mark.gate
def test_round_without_prefect_works_off_what_is_due(
    resources: Resources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    document = uploaded(resources, tmp_path)
    done = run_json("upkeep", "tick")
    assert done["worked_off"] == 1
    assert done["troubles"] == []
    assert get_document(resources.ledger, document.id).status == DocumentStatus.COMPLETED


def test_document_uploaded_during_a_child_starts_after_it(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    first, begun = queued(resources, "first"), list[set[str]]()

    async def child(resources: Resources, *command: str) -> bool:
        due = due_documents(resources.ledger)
        begun.append({each.id for each in due})
        await asyncio.sleep(1)
        for each in due:
            set_document(resources.ledger, each.id, status=DocumentStatus.COMPLETED)
        return True

    async def rounds() -> None:
        wake = asyncio.Event()
        loop = asyncio.create_task(keep_ticking(resources, wake, every=600))
        await asyncio.to_thread(until, lambda: len(begun) == 1, 30)
        second = queued(resources, "second")
        wake.set()
        await asyncio.to_thread(until, lambda: len(begun) == 2, 30)
        loop.cancel()
        assert begun == [{first.id}, {second.id}]

    monkeypatch.setattr("swatchbook.deployments.tick.GATHER_SECONDS", 0.0)
    monkeypatch.setattr("swatchbook.deployments.tick._in_child", child)
    asyncio.run(rounds())


def test_round_without_prefect_has_weak_pictures_reviewed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    with open_resources(load_settings()) as resources:
        weak(resources.ledger, "oak")
        assert round_of(resources) == Ticked(), "nobody looks again"
    monkeypatch.setenv("SWATCHBOOK_REVIEW__MODEL", "stronger")
    monkeypatch.setenv("SWATCHBOOK_REVIEW__URL", "http://127.0.0.1:1/v1")
    with open_resources(load_settings()) as resources:
        assert round_of(resources).reviewed == 1
        ((picture,), _) = picture_reviews.images_to_review(resources.ledger)
        assert "file_missing" in str(picture.review), "there is no such picture"
        assert round_of(resources) == Ticked(), "its next try comes later"


def test_simultaneous_rounds_work_off_due_documents_once(
    resources: Resources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from filelock import FileLock

    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    queued(resources)
    with FileLock(resources.settings.home / "fill.lock"):
        assert round_of(resources).worked_off == 0


def test_document_is_left_to_the_command_beginning_it(resources: Resources, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    document = queued(resources)
    with holding_files(resources.ledger):
        assert round_of(resources).worked_off == 0
        pass_time(resources.ledger, BEGIN_SECONDS)
        assert [each.id for each in launchable(resources.ledger, 9, patient=True)] == [document.id]
