"""The asynchronous client against the real service on a real socket: it does what the other one does."""

import asyncio
from pathlib import Path

import pytest

from swatchbook.domain.records import DocumentStatus
from swatchbook_client import AsyncClient, Client
from tests.doors.conftest import ANNA
from tests.doors.served import Served
from tests.store.ledger import scene


def test_it_answers_what_the_other_client_does(service: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("swatchbook_client.request.PAGE_ENTRIES", 4)

    async def ask() -> list[object]:
        async with AsyncClient(service.url, key=ANNA) as client:
            (listed,) = [each async for each in client.documents()]
            found = await client.search("oak", by="product", category=["wood", "terrazzo"], k=3)
            return [found, [each async for each in client.chunks(listed.id)]]

    with Client(service.url, key=ANNA) as client:
        (listed,) = client.documents()
        found = client.search("oak", by="product", category=["wood", "terrazzo"], k=3)
        assert asyncio.run(ask()) == [found, list(client.chunks(listed.id))]


def test_pdf_is_uploaded_and_waited_for(service: Served, tmp_path: Path) -> None:
    (tmp_path / "new.pdf").write_bytes(b"%PDF-1.7 new %%EOF")

    async def ask() -> None:
        async with AsyncClient(service.url, key=ANNA) as client:
            sent = await client.upload(tmp_path / "new.pdf", name="Spring.pdf")
            assert (sent.name, sent.owner) == ("Spring.pdf", "anna")
            with pytest.raises(TimeoutError, match="queued"):
                await client.wait(sent.id, timeout=0.05, every=0.02)
            waiting = asyncio.create_task(client.wait(sent.id, timeout=20, every=0.02))
            await asyncio.to_thread(
                scene.set_document, service.resources.ledger, sent.id, status=DocumentStatus.BLOCKED
            )
            assert (await waiting).status == "blocked"

    asyncio.run(ask())
