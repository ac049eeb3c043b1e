"""Stage 0 as a task: a source that is a URL, and a run that was launched for what is asked differently by now."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from swatchbook.blocks import load_resources
from swatchbook.domain.errors import Configuration, InvalidReference
from swatchbook.domain.records import BlockNames, DocumentStatus, IngestOptions
from swatchbook.ingest.register import register_upload
from swatchbook.ingest.run import Work
from swatchbook.store.ledger import owners, runs, schedule
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.stored_documents import BEGIN_SECONDS, Document, all_documents, get_document
from swatchbook.tasks.document_run import Idle, register_document
from tests.origin import PDF, origin
from tests.store.ledger.scene import queued, set_document

pytestmark = pytest.mark.usefixtures("fresh")


@pytest.fixture
def fresh(home: Path) -> Iterator[None]:
    load_resources.cache_clear()
    yield
    load_resources(BlockNames()).close()
    load_resources.cache_clear()


async def begin(source: str, options: IngestOptions = IngestOptions(), **given: Any) -> Work | Idle:
    return await register_document.fn(load_resources(BlockNames()), source, "alice", options, BlockNames(), **given)


def uploaded(folder: Path, options: IngestOptions = IngestOptions()) -> Document:
    (folder / "a.pdf").write_bytes(PDF)
    resources = load_resources(BlockNames())
    return register_upload(resources, folder / "a.pdf", owner="alice", options=options, name="a.pdf").document


def launched(document: Document, monkeypatch: pytest.MonkeyPatch) -> Work:
    """What a flow run that was launched for a document begins."""
    monkeypatch.setattr("swatchbook.tasks.document_run.flow_run", SimpleNamespace(id="launched", tags=[document.id]))
    work = asyncio.run(begin(document.file or ""))
    assert isinstance(work, Work)
    return work


def test_url_is_fetched_once_while_following_another_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWATCHBOOK_FETCH_PRIVATE_HOSTS", "127.0.0.1")

    async def follow() -> None:
        first = await begin(url)
        assert isinstance(first, Work)
        second = asyncio.create_task(begin(url, IngestOptions(focus=False)))
        await asyncio.sleep(1.2)  # it looks twice a second
        assert not second.done()
        runs.end(load_resources(BlockNames()).ledger, first.run, DocumentStatus.COMPLETED)
        after = await second
        assert isinstance(after, Work)
        assert (after.document, after.name) == (first.document, "spring.pdf")

    with origin() as server:
        server.files["/spring.pdf"] = PDF
        url = f"http://127.0.0.1:{server.port}/spring.pdf"
        asyncio.run(follow())
        assert len(server.seen) == 2  # once each


def test_edition_of_an_unknown_document_leaves_nothing_queued(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWATCHBOOK_FETCH_PRIVATE_HOSTS", "127.0.0.1")
    with origin() as server:
        server.files["/spring.pdf"] = PDF
        url = f"http://127.0.0.1:{server.port}/spring.pdf"
        with pytest.raises(InvalidReference):
            asyncio.run(begin(url, edition_of="unknown"))
    assert all_documents(load_resources(BlockNames()).ledger, None) == []


def test_launched_run_makes_what_was_asked_for_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document, asked_last = uploaded(tmp_path), IngestOptions(focus=False)
    uploaded(tmp_path, asked_last)
    work = launched(document, monkeypatch)
    assert work.options == asked_last
    ledger = load_resources(BlockNames()).ledger
    assert runs.end(ledger, work.run, DocumentStatus.COMPLETED) == DocumentStatus.COMPLETED


def test_launched_run_works_for_a_renamed_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document, ledger = uploaded(tmp_path), load_resources(BlockNames()).ledger
    owners.rename(ledger, "alice", "lena")
    work = launched(document, monkeypatch)
    assert (work.document, work.owner) == (document.id, "lena")
    assert [each.owner for each in all_documents(ledger, None)] == ["lena"]
    runs.end(ledger, work.run, DocumentStatus.CANCELLED)


def test_what_cannot_begin_is_blocked_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document = uploaded(tmp_path)
    load_resources.cache_clear()
    monkeypatch.setenv("SWATCHBOOK_ANALYST", "vision")  # without the name of a model
    with pytest.raises(Configuration, match="VISION__URL and SWATCHBOOK_VISION__MODEL are not set"):
        asyncio.run(begin(document.file or ""))
    ledger = load_resources(BlockNames()).ledger
    held_up = get_document(ledger, document.id)
    assert (held_up.status, held_up.failure_kind) == (DocumentStatus.BLOCKED, "configuration")
    assert "VISION__MODEL" in (held_up.message or "")
    assert 0 < (held_up.due_at or 0) - ledger.now() <= 60

    load_resources.cache_clear()
    monkeypatch.setenv("SWATCHBOOK_ANALYST", "local")
    assert isinstance(asyncio.run(begin(document.file or "")), Work)


def test_loop_between_registering_and_beginning_launches_no_twin(
    monkeypatch: pytest.MonkeyPatch, home: Path, tmp_path: Path
) -> None:
    monkeypatch.setenv("SWATCHBOOK_INPUT_ROOTS", str(tmp_path))
    (tmp_path / "spring.pdf").write_bytes(PDF)
    due = list[str]()
    begin_run = runs.begin

    def tick_before(ledger: Ledger, document: str, **options: Any) -> Any:
        due.extend(each.id for each in schedule.launchable(ledger, 10))
        return begin_run(ledger, document, **options)

    monkeypatch.setattr(runs, "begin", tick_before)
    work = asyncio.run(begin(str(tmp_path / "spring.pdf")))
    assert isinstance(work, Work)
    assert due == []


def test_document_whose_run_never_begins_is_due_later() -> None:
    ledger = load_resources(BlockNames()).ledger
    document = queued(ledger, begins=True)
    assert document.due_at == pytest.approx(ledger.now() + BEGIN_SECONDS, abs=60)
    assert schedule.launchable(ledger, 10) == []
    set_document(ledger, document.id, due_at=ledger.now())
    assert [each.id for each in schedule.launchable(ledger, 10)] == [document.id]
