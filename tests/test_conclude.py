"""How a run ends: what its losses do to the document, its confidence and its report."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from swatchbook.conclude import close_account
from swatchbook.lab import Lab, open_lab
from swatchbook.ledger import accounts, losses, runs, stages
from swatchbook.records import (
    PAGE_CUT,
    Description,
    Discovery,
    DocumentStatus,
    Evidence,
    Extraction,
    IngestOptions,
    LostPage,
    Plan,
    PlannedPage,
    Product,
    Reading,
    RunReport,
    Stage,
    Tables,
    sha256,
)
from swatchbook.settings import load_settings
from swatchbook.working import Work
from tests.ledger.scene import pass_time
from tests.ledger.told import begin

PLAN = Plan(pages=tuple(PlannedPage(number=n, kind="product", reason="r") for n in (1, 2, 3)))
SLOW = LostPage(page=4, kind="provider_timeout", message="It took too long.", passing=True)
BROKEN = LostPage(page=4, kind="unexpected", message="No page object.")
NOTE = "No product names were found; set a language model."


@pytest.fixture
def lab(home: Path) -> Iterator[Lab]:
    home.mkdir()
    with open_lab(load_settings()) as tools:
        yield tools


def begun(lab: Lab, *, force: bool = False) -> Work:
    run = begin(lab.ledger, wants=(), force=force)
    document = accounts.get_document(lab.ledger, run.document)
    return Work(
        run=run, document=run.document, name=document.name, owner=document.owner, content=document.content,
        file=str(document.file), options=IngestOptions(), force=None,
    )  # fmt: skip


def ended(
    lab: Lab,
    work: Work,
    *,
    read: tuple[LostPage, ...] = (),
    tables: tuple[LostPage, ...] = (),
    extract: tuple[LostPage, ...] = (),
    discovery: Discovery | None = None,
    descriptions: tuple[Description, ...] = (),
) -> RunReport:
    """The run worked off without pictures, losing these pages on the way."""
    reading = Reading(
        content=sha256(b"c"), page_count=4, title=None, outline=(), page_boxes={}, pages_file="f", lost=read,
        warnings=("The file was repaired.",),
    )  # fmt: skip
    stages.save_pages(lab.ledger, work.run, reading, PLAN)
    losses.save_losses(lab.ledger, work.run, tables)
    extraction = Extraction(pictures=(), placements=(), lost=extract)
    stages.save_extraction(lab.ledger, work.run, extraction)
    product = Product(
        id="p", name="Oak", category=None, code=None, variants=(), first_page=1, last_page=1, pages=(1,), metadata={},
        confidence=0.8, evidence=(Evidence(rule="heading"),),
    )  # fmt: skip
    stages.save_assembly(lab.ledger, work.run, [product], [])
    return close_account(
        lab, work, reading=reading, discovery=discovery or Discovery(products=(), note=NOTE),
        descriptions=descriptions, tables=Tables(lost=tables), plan=PLAN, extraction=extraction,
    )  # fmt: skip


def test_note_of_the_discovery_is_the_first_warning(lab: Lab) -> None:
    report = ended(lab, begun(lab))
    assert report.status is DocumentStatus.COMPLETED
    assert report.warnings == (NOTE, "The file was repaired.")


def test_pages_lost_in_reading_count_against_confidence(lab: Lab) -> None:
    assert ended(lab, begun(lab), read=(BROKEN,)).confidence_score == pytest.approx(0.8 * 3 / 4)


@pytest.mark.parametrize("stage", ["read", "tables", "extract"])
def test_passing_loss_of_any_stage_brings_the_document_back_in_a_quarter_of_an_hour(lab: Lab, stage: str) -> None:
    report = ended(lab, begun(lab), **{stage: (SLOW.model_copy(update={"page": 2}),)})
    document = accounts.get_document(lab.ledger, report.document_id)
    assert report.status is document.status is DocumentStatus.WAITING
    assert document.due_at == pytest.approx(lab.ledger.now() + 900, abs=30)
    assert report.message
    assert "Page 2" in report.message
    assert [(f.subject, f.page_number, f.kind) for f in report.other_failures] == [("page", 2, "provider_timeout")]


def test_document_comes_back_three_times_for_its_pages_then_names_them(lab: Lab) -> None:
    said = []
    for _ in range(4):
        report = ended(lab, begun(lab), read=(SLOW,))
        pass_time(lab.ledger, 1000)
        said.append(report.status)
    assert said == [DocumentStatus.WAITING] * 3 + [DocumentStatus.COMPLETED]
    assert [failure.page_number for failure in report.other_failures] == [4]
    assert ended(lab, begun(lab, force=True), read=(SLOW,)).status is DocumentStatus.WAITING, "force begins anew"


def test_page_that_comes_back_is_a_failure_no_more(lab: Lab) -> None:
    ended(lab, begun(lab), read=(SLOW,))
    report = ended(lab, begun(lab))
    assert (report.status, report.other_failures, report.message) == (DocumentStatus.COMPLETED, (), None)


def test_report_has_the_status_that_the_ledger_wrote(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def woken(*args: object, **given: object) -> DocumentStatus:
        really_end(*args, **given)  # type: ignore[arg-type]
        return DocumentStatus.WAITING  # an item was set pending meanwhile

    really_end = runs.end
    monkeypatch.setattr(runs, "end", woken)
    assert ended(lab, begun(lab)).status is DocumentStatus.WAITING


def test_stage_slower_than_it_usually_is_says_so_in_the_report(lab: Lab) -> None:
    for _ in range(5):
        work = begun(lab)
        runs.record_timing(lab.ledger, work.run, Stage.READ, 8.0, 4)
        assert len(ended(lab, work, read=()).warnings) == 2
    work = begun(lab)
    runs.record_timing(lab.ledger, work.run, Stage.READ, 20.0, 4)
    runs.record_timing(lab.ledger, work.run, Stage.PLANNED, 900.0, 0)
    assert ended(lab, work).warnings[2:] == ("PAGES_READ took 20.0 s: 5 s for one page, 2.5 × the usual 2 s.",)


def test_what_a_model_made_up_is_a_warning_that_names_the_first_of_it(lab: Lab) -> None:
    made_up = [Evidence(rule="unknown field", text=f"mood: {n}", detail={"model": "m"}) for n in range(7)]
    by_rules = Evidence(rule="no specification", page=1, text="Introduction")
    discovery = Discovery(products=(), rejected=(by_rules, made_up[0]))
    described = Description(metadata={}, rejected=tuple(made_up[1:]))
    report = ended(lab, begun(lab), discovery=discovery, descriptions=(described,))
    (warning,) = [said for said in report.warnings if "language model" in said]
    assert warning.startswith("7 answers of the language model were dropped: mood: 0 (unknown field); mood: 1")
    assert "2 more" in warning
    assert "Introduction" not in warning
    assert report.status == DocumentStatus.COMPLETED


def test_pages_that_a_model_has_not_seen_to_their_end_are_a_warning(lab: Lab) -> None:
    cut = Evidence(rule=PAGE_CUT, page=7, detail={"model": "m"})
    report = ended(lab, begun(lab), discovery=Discovery(products=(), rejected=(cut,)))
    assert "Page 7 held more text than the language model was shown to find products." in report.warnings


def test_metadata_that_a_passing_failure_cost_brings_the_document_back(lab: Lab) -> None:
    report = ended(lab, begun(lab), descriptions=(Description(metadata={}, lost=(SLOW,)),))
    assert report.status == DocumentStatus.WAITING
    final = Discovery(products=(), lost=(BROKEN,))
    assert ended(lab, begun(lab, force=True), discovery=final).status == DocumentStatus.COMPLETED
