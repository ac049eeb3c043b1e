"""What was seen on a page and not taken keeps its number and what a person said of it, whatever is found later.

A person should look at doubtful products, and at pages that look like products and have none.
"""

import pytest

from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.records import Anchor, Discovery, DocumentStatus, LostPicture, LostState, Rename
from swatchbook.store.ledger import edited_products, page_findings, runs, stage_results
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.document_commands import delete_rows, mark_deleting
from swatchbook.store.ledger.edited_products import record_edit
from swatchbook.store.ledger.page_findings import NO_PRODUCT, decide_lost_pictures, list_look_at, list_lost_pictures
from swatchbook.store.ledger.queries.account import account
from swatchbook.store.ledger.queries.coverage import count_statistics
from swatchbook.store.ledger.queries.report import document_report
from swatchbook.store.ledger.runs import Run
from swatchbook_base.geometry import Box
from swatchbook_web.document_figures import document_figures
from tests.store.ledger.scene import begin, extraction, placed, product, reading
from tests.store.ledger.test_stage_results import PLAN

A, B, C = (10.0, 10.0, 110.0, 90.0), (10.0, 200.0, 110.0, 290.0), (300.0, 10.0, 390.0, 90.0)


def save(ledger: Ledger, run: Run, *boxes: Box) -> None:
    lost = tuple(LostPicture(page=5, bbox=box, share=0.02) for box in boxes)
    found = extraction(placed(run, "oak")).model_copy(update={"lost_pictures": lost})
    stage_results.save_extraction(ledger, run, found)


def states(ledger: Ledger, run: Run) -> dict[str, str]:
    return {picture.id: picture.state.value for picture in list_lost_pictures(ledger, run.document)}


def test_a_part_keeps_its_number(ledger: Ledger) -> None:
    run = begin(ledger)
    save(ledger, run, A, B)
    moved = (12.0, 201.0, 112.0, 291.0)
    save(ledger, run, C, moved)
    assert {picture.id: picture.bbox for picture in list_lost_pictures(ledger, run.document)} == {"5:2": B, "5:3": C}


def test_what_a_person_said_stays(ledger: Ledger) -> None:
    run = begin(ledger)
    save(ledger, run, A, B, C)
    assert decide_lost_pictures(ledger, run.document, ["5:1"], LostState.TAKEN, by="anna")
    assert not decide_lost_pictures(ledger, run.document, ["5:2"], LostState.DISMISSED, by="anna")
    assert [each.id for each in document_report(ledger, run.document).lost_pictures] == ["5:3"], "only what is seen"
    assert count_statistics(ledger, owner="anna").coverage.lost_pictures == 1
    assert account(ledger, document=run.document).found == 1
    for boxes in ((), (A, B)):
        save(ledger, run, *boxes)
        assert states(ledger, run) == {"5:1": "taken", "5:2": "dismissed"}


def test_putting_back_a_taken_part_needs_another_run(ledger: Ledger) -> None:
    run = begin(ledger)
    save(ledger, run, A, B)
    decide_lost_pictures(ledger, run.document, ["5:1"], LostState.TAKEN, by="anna")
    assert not decide_lost_pictures(ledger, run.document, ["5:1"], LostState.TAKEN, by="bert"), "it is taken already"
    assert decide_lost_pictures(ledger, run.document, ["5:1"], LostState.SEEN, by="anna")
    decide_lost_pictures(ledger, run.document, ["5:2"], LostState.DISMISSED, by="anna")
    assert not decide_lost_pictures(ledger, run.document, ["5:2"], LostState.SEEN, by="anna")
    with pytest.raises(InvalidReference, match="no part 5:9"):
        decide_lost_pictures(ledger, run.document, ["5:1", "5:9"], LostState.TAKEN, by="anna")
    assert states(ledger, run) == {"5:1": "seen", "5:2": "seen"}
    mark_deleting(ledger, run.document)
    delete_rows(ledger, run.document)
    assert list_lost_pictures(ledger, run.document) == ()


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
    runs.end(ledger, run, DocumentStatus.COMPLETED, report=report)
    figures = document_figures(ledger, [run.document])[run.document]
    assert (figures.look_at, figures.sure) == (2, 0.31)
    anchor = Anchor(page=1, name="Floors:")
    record_edit(ledger, run.document, Rename[Anchor](product=anchor, name="Oak floor"), by="anna")
    figures = document_figures(ledger, [run.document])[run.document]
    assert (figures.look_at, figures.sure) == (1, None), "a person has settled it"
