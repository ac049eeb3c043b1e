"""A page that was skipped is taken in when a person asks for it, and stays in."""

from pathlib import Path

import pytest

from swatchbook.ledger.queries.document import show_document
from swatchbook.ledger.queries.report import document_report
from swatchbook.ledger.stored_documents import list_documents
from swatchbook.pipeline.register import register
from swatchbook.records import DocumentStatus, IngestOptions
from swatchbook.resources import Resources
from swatchbook.upkeep.queue_again import regenerate
from tests.flows.conftest import Ingest

pytestmark = [pytest.mark.stack, pytest.mark.usefixtures("ingested")]


def test_a_taken_page_is_embedded_once_and_the_account_is_closed(
    resources: Resources, ingest: Ingest, small_catalogue: Path
) -> None:
    (document,) = list_documents(resources.ledger)
    before = document_report(resources.ledger, document.id)
    page = next(page for page in before.skipped if page.pictures)
    assert before.pictures_skipped == sum(len(page.pictures) for page in before.skipped)

    assert regenerate(resources, document, pages=(page.page,))
    report = ingest(small_catalogue, owner="anna")
    assert report.status is DocumentStatus.COMPLETED
    assert report.images_complete == report.images_found == before.images_found + len(page.pictures)
    assert (report.pages_skipped, report.pictures_skipped) == (
        before.pages_skipped - 1,
        before.pictures_skipped - len(page.pictures),
    )
    shown = show_document(resources.ledger, document.id)
    assert page.page in {place["page"] for image in shown["images"] for place in image["placements"]}

    (taken,) = list_documents(resources.ledger)
    assert taken.options.pages == (page.page,)
    assert not regenerate(resources, taken, pages=(page.page,))
    assert register(resources, small_catalogue, owner="anna", options=IngestOptions()).unchanged
