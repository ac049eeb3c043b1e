"""Prefect's server away for longer than its client sits out: nobody's fault, and soon tried again."""

import asyncio
from pathlib import Path

import pytest
from prefect import flow
from prefect.client.orchestration import PrefectClient
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from swatchbook.domain.errors import ProviderDown
from swatchbook.domain.records import BlockNames, DocumentStatus, IngestOptions
from swatchbook.ingest.register import register
from swatchbook.ingest.run import Work
from swatchbook.resources import Resources
from swatchbook.store.ledger.stored_documents import get_document
from swatchbook.tasks.document_run import hold_document, register_document
from tests.fixtures import free_port

pytestmark = pytest.mark.stack


def test_run_losing_prefect_goes_on_within_a_minute(resources: Resources, small_catalogue: Path) -> None:
    options = IngestOptions()
    document = register(resources, small_catalogue, owner="default", options=options).document

    @flow
    async def lose_prefect() -> None:
        work = await register_document(resources, document.file, "default", options, BlockNames())
        assert isinstance(work, Work)
        with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}):
            async with hold_document(resources, work), PrefectClient(f"http://127.0.0.1:{free_port()}/api") as away:
                await away.read_flows()

    with pytest.raises(ProviderDown):
        asyncio.run(lose_prefect())
    left = get_document(resources.ledger, document.id)
    assert (left.status, left.failure_kind) == (DocumentStatus.WAITING, "provider_down")
    assert left.due_at is not None
    assert left.due_at <= resources.ledger.now() + 60
