"""Pages at which the reader is killed come back, and with them all that follows from them."""

from pathlib import Path

import pytest
from sqlalchemy import select

from swatchbook.domain.records import DocumentStatus
from swatchbook.resources import Resources
from swatchbook.store.ledger.stored_documents import get_document
from swatchbook.store.ledger.tables import chunks
from swatchbook_catalogue.pdf import reader
from tests.flows.conftest import Ingest
from tests.pdf.making import Paper

pytestmark = pytest.mark.stack


def test_page_that_killed_is_read_again_and_what_it_says_is_kept(
    monkeypatch: pytest.MonkeyPatch, resources: Resources, ingest: Ingest, tmp_path: Path
) -> None:
    paper = Paper()
    paper.page("Terrazzo tiles are made of chips.")
    paper.page("Herringbone oak KILL.")
    path = paper.save(tmp_path / "a.pdf")

    def said() -> str:
        return str(resources.ledger.execute(select(chunks.c.record)).scalars().all())

    with monkeypatch.context() as busy:
        busy.syspath_prepend(Path(__file__).parents[2])
        busy.setattr(reader, "reader_module", lambda _: "tests.pdf.troubled_reader")
        lost = ingest(path, focus=False)
    assert lost.status is DocumentStatus.WAITING
    assert [(failure.subject, failure.page_number) for failure in lost.other_failures] == [("page", 2)]
    assert get_document(resources.ledger, lost.document_id).due_at
    assert "Terrazzo" in said()
    assert "Herringbone" not in said()

    found = ingest(path, focus=False)
    assert found.status is DocumentStatus.COMPLETED
    assert found.generation == lost.generation
    assert found.other_failures == ()
    assert "Herringbone" in said()
