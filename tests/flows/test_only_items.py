"""A document of which only images are left: they are tried again from their stored files, and no page is read."""

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from swatchbook.domain.records import DocumentStatus, ItemState, Role
from swatchbook.flows.retry_failed import retry_failed
from swatchbook.resources import Resources
from swatchbook.store.ledger.document_commands import retry
from swatchbook.store.ledger.tables import items, vectors
from swatchbook_catalogue import stages
from tests.flows.conftest import first_report, results_of

pytestmark = [pytest.mark.stack, pytest.mark.usefixtures("filled")]

STEPS = ("read", "discover", "read_tables", "describe", "plan_pages", "cut_chunks", "extract", "assemble")


@pytest.mark.gate
def test_failed_image_is_retried_without_reading(
    home: Path, resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("only an image is left")

    before = first_report(resources)
    with resources.ledger.write() as connection:  # the visual item of one image has failed for good
        key = connection.execute(select(items.c.key).where(items.c.role == Role.VISUAL).limit(1)).scalar_one()
        failure = {"kind": "provider_timeout", "policy": "backoff", "message": "Slow."}
        this = items.c.key == key, items.c.role == Role.VISUAL
        connection.execute(update(items).where(*this).values(state=ItemState.FAILED, failure=failure))
        connection.execute(delete(vectors).where(vectors.c.key == key, vectors.c.role == Role.VISUAL))
    shutil.rmtree(results_of(home))  # of the stages: they would have to be made again
    for step in STEPS:
        monkeypatch.setattr(stages, step, refuse)
    retry(resources.ledger, before.document_id)
    (report,) = asyncio.run(retry_failed())
    assert (report.status, report.images_complete) == (DocumentStatus.COMPLETED, before.images_found)
    kept = {"products_discovered", "chunks_created", "sure", "doubts", "warnings", "confidence_score"}
    assert report.model_dump(include=kept) == before.model_dump(include=kept)
