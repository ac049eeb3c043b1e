"""What was seen on a page and not taken keeps its number and what a person said of it, whatever is found later."""

import pytest

from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.records import LostPicture, LostState
from swatchbook.store.ledger import stage_results
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.document_commands import delete_rows, mark_deleting
from swatchbook.store.ledger.page_findings import decide_lost_pictures, list_lost_pictures
from swatchbook.store.ledger.queries.account import account
from swatchbook.store.ledger.queries.coverage import count_statistics
from swatchbook.store.ledger.queries.report import document_report
from swatchbook.store.ledger.runs import Run
from swatchbook_base.geometry import Box
from tests.store.ledger.scene import begin, extraction, placed

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
