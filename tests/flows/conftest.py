"""Flows in this process, against the real Prefect server."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from swatchbook import blocks
from swatchbook.domain.records import BlockNames, IngestOptions, RunReport
from swatchbook.ingest.register import register
from swatchbook.resources import Resources
from swatchbook.store.ledger.queries.report import document_report
from swatchbook.store.ledger.stored_documents import list_documents

Ingest = Callable[..., RunReport]


def results_of(home: Path) -> Path:
    """Where the command keeps the results of Prefect's tasks."""
    return home / "prefect" / "results"


def first_report(resources: Resources) -> RunReport:
    """The report of the only document there is."""
    (document,) = list_documents(resources.ledger)
    return document_report(resources.ledger, document.id)


@pytest.fixture
def resources(home: Path, prefect_server: str) -> Iterator[Resources]:
    """The resources of this process on a fresh home; flows run against the session's Prefect server."""
    from prefect.logging.handlers import APILogWorker
    from prefect.settings import PREFECT_API_URL, PREFECT_LOCAL_STORAGE_PATH, temporary_settings

    blocks.load_resources.cache_clear()
    with temporary_settings({PREFECT_API_URL: prefect_server, PREFECT_LOCAL_STORAGE_PATH: results_of(home)}):
        tools = blocks.load_resources(BlockNames())
        yield tools
        tools.close()
        APILogWorker.drain_all()  # while the server is there: else Prefect tries for a minute when the process ends
    blocks.load_resources.cache_clear()


@pytest.fixture
def ingest(resources: Resources) -> Ingest:
    """`ingest(path, owner=…, **options)`: register and run the flow, as the command line does."""

    def run(path: Path, owner: str = "default", **options: Any) -> RunReport:
        from swatchbook.flows.ingest_catalogue import ingest_catalogue
        from swatchbook.tasks.flow_run import report_of

        asked = IngestOptions(**options)
        document = register(resources, path, owner=owner, options=asked).document
        assert document.file
        file = document.file

        async def report() -> RunReport:
            state = await ingest_catalogue(file, owner, asked, return_state=True)
            return await report_of(state, resources.ledger, document.id)

        return asyncio.run(report())

    return run
