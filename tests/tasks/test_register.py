"""Stage 0 as a task: a source that is a URL."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from blocks import lab
from swatchbook.ledger import runs
from swatchbook.records import BlockNames, DocumentStatus, IngestOptions
from swatchbook.working import Work
from tasks.register import begin
from tests.origin import PDF, origin


@pytest.fixture
def fresh(home: Path) -> Iterator[None]:
    """This process' tools are those of the test's home."""
    lab.cache_clear()
    yield
    lab(BlockNames()).close()
    lab.cache_clear()


@pytest.mark.usefixtures("fresh")
def test_a_url_is_fetched_once_however_long_another_run_is_followed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SWATCHBOOK_FETCH_PRIVATE_HOSTS", "127.0.0.1")

    async def follow() -> None:
        first = await begin.fn(url, "alice", IngestOptions(), BlockNames())
        assert isinstance(first, Work)
        second = asyncio.create_task(begin.fn(url, "alice", IngestOptions(focus=False), BlockNames()))
        await asyncio.sleep(1.2)  # it looks twice a second
        assert not second.done()
        runs.end(lab(BlockNames()).ledger, first.run, DocumentStatus.COMPLETED)
        after = await second
        assert isinstance(after, Work)
        assert (after.document, after.name) == (first.document, "spring.pdf")

    with origin() as server:
        server.files["/spring.pdf"] = PDF
        url = f"http://127.0.0.1:{server.port}/spring.pdf"
        asyncio.run(follow())
        assert len(server.seen) == 2  # once each
