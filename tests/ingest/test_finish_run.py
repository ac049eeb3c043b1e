"""How a run ends: what its losses do to the document, its confidence and its report."""

import pytest

from swatchbook.domain.records import (
    PAGE_CUT,
    Chunks,
    Description,
    Discovery,
    DocumentStatus,
    Evidence,
    Extraction,
    FailedPage,
    IngestOptions,
    Plan,
    PlannedPage,
    Product,
    Reading,
    RunReport,
    StageResults,
    Tables,
    sha256,
)
from swatchbook.ingest.finish_run import finish_run
from swatchbook.ingest.run import Work
from swatchbook.resources import Resources
from swatchbook.store.ledger import edited_products, page_findings, stage_results
from swatchbook.store.ledger.stored_documents import get_document
from tests.store.ledger.scene import begin, pass_time, set_document

PLAN = Plan(pages=tuple(PlannedPage(number=n, kind="product", reason="r") for n in (1, 2, 3)))
SLOW = FailedPage(page=4, kind="provider_timeout", message="It took too long.", transient=True)
BROKEN = FailedPage(page=4, kind="unexpected", message="No page object.")
NOTE = "No product names were found; set a language model."


def begun(resources: Resources, *, force: bool = False) -> Work:
    run = begin(resources.ledger, requested=(), force=force)
    document = get_document(resources.ledger, run.document)
    return Work(
        run=run, document=run.document, name=document.name, owner=document.owner, content=document.content,
        file=str(document.file), options=IngestOptions(), force=None,
    )  # fmt: skip


def ended(
    resources: Resources,
    work: Work,
    *,
    read: tuple[FailedPage, ...] = (),
    tables: tuple[FailedPage, ...] = (),
    table_warnings: tuple[str, ...] = (),
    extract: tuple[FailedPage, ...] = (),
    discovery: Discovery | None = None,
    descriptions: tuple[Description, ...] = (),
    price: str | None = "9 €",
    unread: tuple[str, ...] = (),
) -> RunReport:
    """The run worked off without pictures, losing these pages on the way."""
    reading = Reading(
        content=sha256(b"c"), page_count=4, title=None, outline=(), page_boxes={}, pages_file="f", lost=read,
        doubts=unread, warnings=("The file was repaired.",),
    )  # fmt: skip
    stage_results.save_pages(resources.ledger, work.run, reading, PLAN)
    page_findings.save_page_failures(resources.ledger, work.run, tables)
    extraction = Extraction(pictures=(), placements=(), lost=extract)
    stage_results.save_extraction(resources.ledger, work.run, extraction)
    product = Product(
        id="p", name="Oak", category=None, code=None, variants=(), first_page=1, last_page=1, pages=(1,),
        metadata={"price": price or ""}, confidence=0.8, evidence=(Evidence(rule="heading"),),
    )  # fmt: skip
    edited_products.save_assembly(resources.ledger, work.run, [product] if price else [], [])
    results = StageResults(
        reading=reading, discovery=discovery or Discovery(products=(), note=NOTE),
        tables=Tables(lost=tables, warnings=table_warnings),
        descriptions=descriptions, plan=PLAN, chunks=Chunks(chunks=(), entities=()), extraction=extraction,
    )  # fmt: skip
    return finish_run(resources, work, results)


def test_report_has_what_the_stages_say(resources: Resources) -> None:
    report = ended(resources, begun(resources), table_warnings=("Page 2: another reader.",))
    assert report.warnings == (NOTE, "The file was repaired.", "Page 2: another reader.")
    assert report.sure is None
    cut = Evidence(rule=PAGE_CUT, page=7, detail={"model": "m"})
    report = ended(resources, begun(resources), discovery=Discovery(products=(), rejected=(cut,), sure=0.31234))
    assert report.sure == 0.3123
    assert "Page 7 held more text than the language model was shown to find products." in report.warnings
    assert ended(resources, begun(resources), read=(BROKEN,)).confidence_score == pytest.approx(0.8 * 3 / 4)


def test_report_has_what_a_person_should_look_at(resources: Resources) -> None:
    unread = "Printed text that cannot be read: 60 lines."
    unsure = Discovery(products=(), sure=0.4)
    for given, *doubts in (
        ({"price": "4711 EUR 20"}, "Prices that can be read in two ways: 4711 EUR 20."),
        ({"price": None, "unread": (unread,)}, unread, "No products found. This may be wrong."),
        ({"price": None, "discovery": unsure}, "No products found. This may be wrong."),
        ({"discovery": unsure},),
    ):
        assert ended(resources, begun(resources), **given).doubts == tuple(doubts)


def test_time_counts_from_the_request(resources: Resources) -> None:
    work = begun(resources)
    set_document(resources.ledger, work.document, created_at=resources.ledger.now() - 100)
    assert ended(resources, work).total_seconds == pytest.approx(100, abs=9)
    assert ended(resources, begun(resources)).total_seconds < 9, "the request of before was completed"


@pytest.mark.parametrize("stage", ["read", "tables", "extract"])
def test_passing_loss_is_retried_in_15_minutes(resources: Resources, stage: str) -> None:
    report = ended(resources, begun(resources), **{stage: (SLOW.model_copy(update={"page": 2}),)})
    document = get_document(resources.ledger, report.document_id)
    assert report.status is document.status is DocumentStatus.WAITING
    assert document.due_at == pytest.approx(resources.ledger.now() + 900, abs=30)
    assert report.message
    assert "Page 2" in report.message
    assert [(f.subject, f.page_number, f.kind) for f in report.other_failures] == [("page", 2, "provider_timeout")]


def test_pages_are_retried_three_times_and_then_named(resources: Resources) -> None:
    said = []
    for _ in range(4):
        report = ended(resources, begun(resources), read=(SLOW,))
        pass_time(resources.ledger, 1000)
        said.append(report.status)
    assert said == [DocumentStatus.WAITING] * 3 + [DocumentStatus.COMPLETED]
    assert [failure.page_number for failure in report.other_failures] == [4]
    assert ended(resources, begun(resources, force=True), read=(SLOW,)).status is DocumentStatus.WAITING, (
        "force begins anew"
    )


def test_page_that_recovers_is_no_failure_any_more(resources: Resources) -> None:
    ended(resources, begun(resources), read=(SLOW,))
    report = ended(resources, begun(resources))
    assert (report.status, report.other_failures, report.message) == (DocumentStatus.COMPLETED, (), None)


def test_invented_products_are_a_warning(resources: Resources) -> None:
    made_up = [Evidence(rule="unknown field", text=f"mood: {n}", detail={"model": "m"}) for n in range(7)]
    by_rules = Evidence(rule="no specification", page=1, text="Introduction")
    discovery = Discovery(products=(), rejected=(by_rules, made_up[0]))
    described = Description(metadata={}, rejected=tuple(made_up[1:]))
    report = ended(resources, begun(resources), discovery=discovery, descriptions=(described,))
    (warning,) = [said for said in report.warnings if "language model" in said]
    assert warning.startswith("7 answers of the language model were dropped: mood: 0 (unknown field); mood: 1")
    assert "2 more" in warning
    assert "Introduction" not in warning
    assert report.status == DocumentStatus.COMPLETED


def test_passing_loss_of_metadata_brings_a_document_back(resources: Resources) -> None:
    report = ended(resources, begun(resources), descriptions=(Description(metadata={}, lost=(SLOW,)),))
    assert report.status == DocumentStatus.WAITING
    final = Discovery(products=(), lost=(BROKEN,))
    assert ended(resources, begun(resources, force=True), discovery=final).status == DocumentStatus.COMPLETED
