"""A flow that is told the names of saved blocks uses these, says so, and is brought back with them."""

import asyncio
import json
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from prefect.settings import PREFECT_RESULTS_DEFAULT_SERIALIZER, temporary_settings

from swatchbook import blocks
from swatchbook.blocks.block_types import FilesBlock, LedgerBlock
from swatchbook.deployments.declared import flow_names
from swatchbook.domain.records import BlockNames, DocumentStatus, IngestOptions
from swatchbook.flows.ingest_catalogue import ingest_catalogue
from swatchbook.flows.retry_failed import resume_document
from swatchbook.resources import Resources
from swatchbook.store.ledger.document_commands import request_again
from swatchbook.store.ledger.stored_documents import get_document, list_documents
from tests.flows.conftest import results_of


@pytest.mark.parametrize("name", sorted(flow_names()))
def test_block_that_fails_to_load_leaves_nothing_pickled(
    resources: Resources, name: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PREFECT_RESULTS_DEFAULT_SERIALIZER", raising=False)
    flow: Any = getattr(import_module(f"flows.{name}"), name)
    given = {"source": "/x", "manifest": "0" * 64}
    parameters = {key: value for key, value in given.items() if key in flow.parameters.properties}
    with temporary_settings(restore_defaults={PREFECT_RESULTS_DEFAULT_SERIALIZER}):
        state = asyncio.run(flow(**parameters, blocks=BlockNames(ledger="not-saved"), return_state=True))
    assert state.is_failed()
    assert "There is no saved block swatchbook-ledger/not-saved." in (state.message or "")
    (stored,) = results_of(home).iterdir()
    assert json.loads(stored.read_text())["failure"] == "configuration"


@pytest.mark.stack
def test_named_blocks_are_used_and_named_in_reports(
    resources: Resources, small_catalogue: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWATCHBOOK_INPUT_ROOTS", str(small_catalogue.parent))
    names = BlockNames(ledger="test-other", files="test-other")
    LedgerBlock(ledger_url=f"sqlite:///{tmp_path / 'other.sqlite'}").save("test-other", overwrite=True)
    FilesBlock(files_url=str(tmp_path / "other")).save("test-other", overwrite=True)
    try:
        report = asyncio.run(ingest_catalogue(str(small_catalogue), "anna", blocks=names))
        assert report.status == DocumentStatus.COMPLETED
        assert report.blocks == {"ledger": "test-other", "files": "test-other"}
        assert list_documents(resources.ledger) == [], "the ledger of the settings knows nothing of it"

        tools = blocks.load_resources(names)
        assert list((tmp_path / "other").rglob("*.pdf"))
        assert get_document(tools.ledger, report.document_id).blocks == names
        request_again(tools.ledger, report.document_id, IngestOptions())
        again = asyncio.run(resume_document(tools, report.document_id))
        assert again is not None
        assert again.blocks == report.blocks
        tools.close()
    finally:
        LedgerBlock.delete("test-other")
        FilesBlock.delete("test-other")
