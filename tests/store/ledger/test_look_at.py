"""What a person should look at: doubtful products, and pages that look like products and have none."""

from swatchbook.domain.records import Anchor, Discovery, DocumentStatus, Rename
from swatchbook.store.ledger import edited_products, page_findings, stage_results
from swatchbook.store.ledger import runs as run_moves
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.edited_products import record_edit
from swatchbook.store.ledger.page_findings import NO_PRODUCT, list_look_at
from swatchbook.store.ledger.queries.document_figures import document_figures
from swatchbook.store.ledger.queries.report import document_report
from tests.store.ledger.scene import begin, product, reading
from tests.store.ledger.test_stage_results import PLAN


def test_doubtful_products_and_bare_pages_have_reasons(ledger: Ledger) -> None:
    run = begin(ledger)
    stage_results.save_pages(ledger, run, reading(), PLAN)
    unsure_pages = (1, 2, 3)  # page 1 has products, page 3 is skipped
    page_findings.save_page_notes(ledger, run, Discovery(products=(), unsure=unsure_pages), [])
    sure = product(run, "Plank", category="Floors").model_copy(update={"pages": (1,), "confidence": 0.97})
    unsure = product(run, "Floors:", category="Floors").model_copy(update={"pages": (1,), "confidence": 0.31})
    edited_products.save_assembly(ledger, run, [sure, unsure], [])

    doubtful, bare = list_look_at(ledger, run.document)
    assert (doubtful.name, doubtful.product, doubtful.page) == ("Floors:", unsure.id, 1)
    assert doubtful.reasons == (
        "Is this a product? (31 % likely)", "Its name reads like a heading.",
    )  # fmt: skip
    assert (bare.page, bare.product, bare.reasons) == (2, None, (NO_PRODUCT,))
    assert document_report(ledger, run.document).look_at == (doubtful, bare)
    assert document_figures(ledger, [run.document])[run.document].look_at == 2
    report = document_report(ledger, run.document).model_copy(update={"sure": 0.31})
    run_moves.end(ledger, run, DocumentStatus.COMPLETED, report=report)
    figures = document_figures(ledger, [run.document])[run.document]
    assert (figures.look_at, figures.sure) == (2, 0.31)
    anchor = Anchor(page=1, name="Floors:")
    record_edit(ledger, run.document, Rename[Anchor](product=anchor, name="Oak floor"), by="anna")
    figures = document_figures(ledger, [run.document])[run.document]
    assert (figures.look_at, figures.sure) == (1, None), "a person has settled it"
