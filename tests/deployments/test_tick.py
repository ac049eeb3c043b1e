"""Rounds of the loop: on a real Prefect server, with a real worker, and without either."""

import asyncio
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from deployments.tick import Ticked, keep_ticking, tick
from swatchbook.delete import delete
from swatchbook.errors import InvalidReference
from swatchbook.lab import Lab, open_lab
from swatchbook.ledger import due, reviews
from swatchbook.ledger.accounts import get_document
from swatchbook.ledger.runs import Document, live_runs
from swatchbook.records import DocumentStatus, IngestOptions
from swatchbook.register import register
from swatchbook.settings import load_settings
from tests.command import run_json
from tests.conftest import ROOT, free_port
from tests.deployments.conftest import POOL, died, queued
from tests.ledger.scene import begin_again, set_document
from tests.ledger.test_reviews import weak
from tests.pdf.making import Paper, gradient, jpeg


def round_of(lab: Lab) -> Ticked:
    return asyncio.run(tick(lab))


def page(folder: Path) -> Path:
    """A catalogue of one page with one picture."""
    paper = Paper()
    paper.page("Tile Alba").insert_image((40, 80, 240, 280), stream=jpeg(gradient(300, 300)))
    return paper.save(folder / "alba.pdf")


def uploaded(lab: Lab, folder: Path) -> Document:
    return register(lab, page(folder), owner="anna", options=IngestOptions()).document


def until(condition: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.2)


def test_a_round_frees_what_died_and_starts_it_again(lab: Lab, deployment: Any) -> None:
    document = queued(lab)
    run = begin_again(lab.ledger, document)
    assert round_of(lab) == Ticked()
    died(lab, run, bury=False)
    done = round_of(lab)
    assert done.buried == (run.token,)
    assert done.launched == (document.id,)
    assert round_of(lab) == Ticked()


def test_a_round_finishes_deletes(lab: Lab, deployment: Any) -> None:
    document = queued(lab)
    due.mark_deleting(lab.ledger, document.id)
    assert round_of(lab).deleted == (document.id,)
    assert round_of(lab) == Ticked()


@contextmanager
def prefect_away(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An address at which nobody answers, for this process and its children."""
    from prefect.settings import PREFECT_API_URL, temporary_settings

    address = f"http://127.0.0.1:{free_port()}/api"
    with monkeypatch.context() as changed, temporary_settings({PREFECT_API_URL: address}):
        changed.setenv("PREFECT_API_URL", address)
        yield


def test_what_cannot_be_done_keeps_nothing_else_from_its_turn(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    document = queued(lab)
    run = begin_again(lab.ledger, document)
    died(lab, run, bury=False)
    with prefect_away(monkeypatch):
        done = round_of(lab)
        assert done.buried == (run.token,)
        (trouble,) = done.troubles
        assert "Prefect does not answer" in trouble
        assert get_document(lab.ledger, document.id).status == DocumentStatus.WAITING
        assert run_json("tick", expect=3)["troubles"] == [trouble]


def test_an_outage_is_said_once_and_the_next_round_goes_on(
    lab: Lab, deployment: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    document = queued(lab)

    async def rounds() -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(keep_ticking(lab, asyncio.Event(), every=0.05), timeout=3)

    with prefect_away(monkeypatch), caplog.at_level(logging.INFO, "deployments.tick"):
        asyncio.run(rounds())
    said = [record.message for record in caplog.records if record.name == "deployments.tick"]
    assert len(said) == 1
    assert "Prefect does not answer" in said[0]
    assert round_of(lab).launched == (document.id,)


def test_who_is_woken_does_not_wait_for_the_next_round(lab: Lab) -> None:
    def is_deleted(document: Document) -> bool:
        try:
            return not get_document(lab.ledger, document.id)
        except InvalidReference:
            return True

    async def deleted_in_turn() -> None:
        wake = asyncio.Event()
        loop = asyncio.create_task(keep_ticking(lab, wake, every=600))
        for name in ("first", "second"):
            document = queued(lab, name)
            due.mark_deleting(lab.ledger, document.id)
            wake.set()
            await asyncio.to_thread(until, partial(is_deleted, document), 30)
        loop.cancel()
        with suppress(asyncio.CancelledError):
            await loop

    asyncio.run(deleted_in_turn())


@contextmanager
def worker(folder: Path, api: str) -> Iterator[None]:
    """A real worker on the pool, its runs on this home; gone with its children afterwards."""
    environment = {
        **os.environ,
        "PREFECT_API_URL": api,
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_LOCAL_STORAGE_PATH": str(folder / "results"),
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "PREFECT_RESULTS_DEFAULT_SERIALIZER": "json",
        "PYTHONPATH": str(ROOT),
    }
    with (folder / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL],
            env=environment, stdout=log, stderr=log, cwd=folder, start_new_session=True,
        )  # fmt: skip
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
                process.wait()


def test_an_uploaded_document_ends_on_a_worker(lab: Lab, deployment: Any, tmp_path: Path, prefect_api: str) -> None:
    document = uploaded(lab, tmp_path)
    assert round_of(lab).launched == (document.id,)
    with worker(tmp_path, prefect_api):
        until(lambda: get_document(lab.ledger, document.id).status == DocumentStatus.COMPLETED)
    assert round_of(lab).launched == ()


def test_a_flow_run_that_starts_after_the_cancel_does_not_run(
    lab: Lab, deployment: Any, tmp_path: Path, prefect_api: str
) -> None:
    from tests.deployments.test_launch import flow_runs

    cancelled = uploaded(lab, tmp_path)
    round_of(lab)
    due.cancel(lab.ledger, cancelled.id)
    with worker(tmp_path, prefect_api):
        until(lambda: all(run.state.is_final() for run in flow_runs()))
    assert get_document(lab.ledger, cancelled.id).status == DocumentStatus.CANCELLED
    assert get_document(lab.ledger, cancelled.id).generation is None
    assert live_runs(lab.ledger) == []


def test_without_a_prefect_server_a_round_works_off_what_is_due(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    document = uploaded(lab, tmp_path)
    done = run_json("tick")
    assert done["worked_off"] == 1
    assert done["troubles"] == []
    assert get_document(lab.ledger, document.id).status == DocumentStatus.COMPLETED


def test_without_a_prefect_server_a_round_has_weak_pictures_reviewed(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    with open_lab(load_settings()) as lab:
        weak(lab.ledger, "oak")
        assert round_of(lab) == Ticked(), "nobody looks again"
    monkeypatch.setenv("SWATCHBOOK_REVIEW_MODEL", "stronger")
    monkeypatch.setenv("SWATCHBOOK_REVIEW_URL", "http://127.0.0.1:1/v1")
    with open_lab(load_settings()) as lab:
        assert round_of(lab).reviewed == 1
        (picture,) = reviews.waiting(lab.ledger)
        assert picture.standing is not None
        assert "file_missing" in picture.standing.reasons[0], "there is no such picture"
        assert round_of(lab) == Ticked(), "its next try comes later"


def test_two_rounds_at_once_work_off_what_is_due_once(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from filelock import FileLock

    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    queued(lab)
    with FileLock(lab.settings.home / "retry.lock"):
        assert round_of(lab).worked_off == 0


def test_a_document_of_the_future_is_left_alone(lab: Lab, deployment: Any) -> None:
    document = queued(lab)
    set_document(lab.ledger, document.id, status=DocumentStatus.WAITING, due_at=lab.ledger.now() + 600)
    assert round_of(lab) == Ticked()


def test_a_flow_run_that_starts_after_the_delete_does_not_bring_the_document_back(
    lab: Lab, deployment: Any, tmp_path: Path, prefect_api: str
) -> None:
    from tests.deployments.test_launch import flow_runs

    deleted = uploaded(lab, tmp_path)
    round_of(lab)
    assert delete(lab, deleted.id)
    with worker(tmp_path, prefect_api):
        until(lambda: all(run.state.is_final() for run in flow_runs()))
    with pytest.raises(InvalidReference):
        get_document(lab.ledger, deleted.id)
