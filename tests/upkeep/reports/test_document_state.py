"""The state of a document in words: nothing is good while something waits or has failed."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from swatchbook.domain.product_doubts import is_doubtful
from swatchbook.domain.records import DocumentStatus, FailureRecord, ItemCounts, RunReport, Stage
from swatchbook.store.ledger.run_queries import LiveRun
from swatchbook.upkeep.reports.document_state import (
    Outcome,
    describe_progress,
    describe_report,
    describe_state,
    describe_step,
    describe_sureness,
    format_moment,
    outcome_of_report,
)
from swatchbook_base.reading import PRINT
from tests.tables import check_rows

EVENING = 1_766_000_000.0  # 2025-12-17 19:33:20 UTC
COMPLETED, WAITING = DocumentStatus.COMPLETED, DocumentStatus.WAITING


def report(status: DocumentStatus = COMPLETED, **changed: Any) -> RunReport:
    fields = {
        "document_id": "d", "name": "a.pdf", "owner": "default", "run": None, "generation": None,
        "status": status, "stage": Stage.COMPLETED,
    }  # fmt: skip
    return RunReport(**(fields | changed))


def item_failed(path: str) -> FailureRecord:
    return FailureRecord(subject="item", path=path, kind="invalid_item", error="It has no picture.")


def test_report_is_told_in_words() -> None:
    done = report(images_found=46, images_complete=46)
    waiting = report(WAITING, images_found=46, images_complete=32, images_pending=14)
    failed = report(images_found=46, images_complete=43, images_failed=3)
    states: dict[str, int] = {"images_found": 46, "images_partial": 2, "images_failed": 1, "images_rejected": 3}
    partly, open_partly = report(**states, images_complete=40), report(WAITING, **states, images_pending=40)
    items = tuple(item_failed(str(number)) for number in range(8))
    all_failed = report(items=ItemCounts(total_items=8, failed_items=8), other_failures=items)
    lost = FailureRecord(subject="page", page_number=3, kind="timeout", error="It took too long.")
    bare = report(items=ItemCounts(total_items=8, bare_items=1, partial_items=2), doubts=("Columns.",))
    doubtful = report(images_found=4, images_complete=4, doubts=("No products found. This may be wrong.",))
    page_lost = report(images_found=4, images_complete=4, other_failures=(lost,))
    for told, *expected in (
        (done, "completed", "good", describe_report(done, now=EVENING).sentence),
        (waiting, "waiting", "warning", "Waiting: 14 of 46 images, next try 19:48 UTC."),
        (failed, "completed with failures", "warning", "Failures: 3 of 46 images."),
        (partly, "completed with failures", "warning", "Failures: 6 of 46 images (2 partial, 1 failed, 3 rejected)."),
        (
            open_partly,
            "waiting",
            "warning",
            "Waiting: 40 of 46 images, 2 partial, 1 failed, 3 rejected, next try 19:48 UTC.",
        ),
        (all_failed, "failed", "bad", "Failures: 8 of 8 items."),
        (page_lost, "completed with failures", "warning", "Failures: 1 page or text."),
        (bare, "completed, look at it", "warning", "3 of 8 items without all of their pictures. And 1 more."),
        (doubtful, "completed, look at it", "warning", "No products found. This may be wrong."),
    ):
        shown = describe_report(told, now=EVENING, next_try=EVENING + 900)
        assert [shown.word, shown.severity, shown.sentence] == expected


def test_next_try_of_another_day_has_its_date() -> None:
    assert format_moment(EVENING + 86_400, EVENING) == "2025-12-18 19:33 UTC"
    assert format_moment(EVENING - 1, EVENING) == "now"


@given(st.sampled_from(DocumentStatus), st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))
def test_only_what_is_all_done_is_good(
    status: DocumentStatus, complete: int, failed: int, waiting: int, other: int
) -> None:
    outcome = Outcome(found=complete + failed + waiting, failed=failed, waiting=waiting, other=other)
    shown = describe_state(status, outcome, now=EVENING, next_try=EVENING + 60)
    assert (shown.severity == "good") == (status is COMPLETED and not failed + waiting + other)
    assert shown.sentence.endswith(".")


def test_step_names_its_unit() -> None:
    def said(kind: str, stage: str, done: int, total: int, note: str | None) -> str:
        return describe_step(kind, Stage[stage], done, total, PRINT if note == "print" else note).sentence

    check_rows(__file__, "steps", said)
    for kind in ("pdf", "folder", "batch", "table"):
        assert all(describe_step(kind, stage).sentence for stage in Stage)
    for status in DocumentStatus:
        assert describe_state(status, outcome_of_report(None), now=EVENING).word


def test_run_that_has_begun_nothing_yet_starts() -> None:
    fields: dict[str, Any] = {"token": "t", "document": "d", "name": "a", "owner": "o", "host": "h"}
    begun = LiveRun(
        **fields, stage=None, done=0, total=0, note=None, pid=1, started_at=0, heartbeat_age=0, progress_age=0
    )
    assert describe_progress(begun).sentence == describe_progress(None).sentence == "Starting"


def test_sureness_is_described_with_advice_about_doubtful_documents() -> None:
    assert describe_sureness(None, 9) is None
    assert describe_sureness(0.834, 9) == "Are these its products? 83 % likely."
    assert describe_sureness(0.9, 0) == "No products found (90 % sure)."
    assert str(describe_sureness(0.31, 9)).startswith("Are these its products? 31 % likely. Check its names")
    assert "It may offer some" in str(describe_sureness(0.31, 0))
    assert [is_doubtful(sure) for sure in (None, 0.31, 0.83)] == [False, True, False]
