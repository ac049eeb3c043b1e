"""The account of an ingest, its progress and its exit status, and what a fill says is left."""

import io
import os
import platform
from types import SimpleNamespace
from typing import Any

from rich.console import Console

from swatchbook.domain.records import (
    DocumentStatus,
    FailureRecord,
    LostPicture,
    Role,
    RunReport,
    Spent,
    Stage,
)
from swatchbook.doors.cli import progress
from swatchbook.doors.cli.commands.fill import draw_filled, lack_line
from swatchbook.doors.cli.document_tables import draw_document
from swatchbook.doors.cli.run_report import draw
from swatchbook.doors.cli.terminal import of_report, worst
from swatchbook.store.ledger.run_queries import LiveRun
from swatchbook.store.ledger.space_objects import Lack
from swatchbook.store.ledger.stored_documents import Document
from swatchbook.upkeep.fill_missing import Fill, Filled

BROKEN = FailureRecord(
    index=11, page_number=3, role="visual", kind="unreadable_image", error="It is no picture.", attempts=1
)


def report(status: DocumentStatus = DocumentStatus.COMPLETED, **changed: Any) -> RunReport:
    given: dict[str, Any] = {
        "document_id": "1a2b3c4d-0000-5000-8000-000000000000", "name": "oak [2024].pdf", "owner": "default",
        "run": None, "generation": None, "status": status, "stage": Stage.COMPLETED,
    }  # fmt: skip
    return RunReport(**(given | changed))


def printed(drawing: Any) -> str:
    console = Console(file=io.StringIO(), width=160, markup=False, highlight=False)
    console.print(drawing)
    return console.file.getvalue()  # type: ignore[attr-defined]


def drawn(given: RunReport, now: float = 0.0) -> str:
    return printed(draw(given, now=now))


def test_what_to_do_next_and_when() -> None:
    assert 'search it: swatchbook search "…"' in drawn(report())
    failed = drawn(report(DocumentStatus.FAILED, owner="anna"))
    assert "the same again: swatchbook fill failed 1a2b3c4d --owner anna" in failed
    assert "a corrected file: swatchbook ingest FILE --owner anna" in failed
    assert "after fixing it: swatchbook fill failed 1a2b3c4d" in drawn(report(DocumentStatus.BLOCKED))
    assert "resume: swatchbook fill failed 1a2b3c4d" in drawn(report(DocumentStatus.WAITING))
    later = BROKEN.model_copy(update={"next_retry_at": 1900.0, "kind": "provider_timeout"})
    assert "in 15:00 min" in drawn(report(DocumentStatus.WAITING, failed_images=(later,)), now=1000.0)


def test_the_account_is_a_sum() -> None:
    text = drawn(
        report(
            images_found=256, images_complete=250, images_failed=2, images_rejected=4, placements_hidden=7,
            pages_skipped=23, confidence_score=0.874, total_seconds=72.0,
            seconds={"PAGES_READ": 2.13, "IMAGES_EMBEDDED": 61.4},
        )
    )  # fmt: skip
    assert "256 = 250 complete + 2 failed + 4 rejected" in text
    assert "7 hidden · 23 pages skipped" in text
    assert "0.87" not in text, "one figure says how sure it is: `sure`"
    assert "1:12 min (read pages 2.1 s · embed images 1:01 min)" in text
    assert "oak [2024].pdf" in text
    assert "swatchbook search" in text


def test_how_sure_it_is_and_what_is_lost() -> None:
    assert "Sure" not in drawn(report(images_found=3))
    assert "Are these its products? 83 % likely." in drawn(report(images_found=3, products_discovered=9, sure=0.834))
    doubtful = " ".join(drawn(report(images_found=3, products_discovered=9, sure=0.31)).split())
    assert "Are these its products? 31 % likely. Check its names before you use them." in doubtful
    assert "swatchbook teach" in doubtful
    assert "left out" not in drawn(report(images_found=3, images_complete=3))
    places = ((3, 1), (4, 1), (4, 2))
    lost = tuple(LostPicture(page=page, number=n, bbox=(0, 0, 90, 60), share=0.012) for page, n in places)
    text = drawn(report(images_found=3, lost_pictures=lost))
    assert "3 possible pictures (3:1, 4:1, 4:2): swatchbook fill outdated 1a2b3c4d --boxes 3:1" in text


def test_five_failures_or_warnings_and_the_rest_counted() -> None:
    failures = tuple(BROKEN.model_copy(update={"index": n, "error": f"reason {n}"}) for n in range(12))
    text = drawn(report(failed_images=failures))
    assert [f"reason {n}" in text for n in range(7)] == [True] * 5 + [False] * 2
    assert "… and 7 more: swatchbook show 1a2b3c4d" in text
    assert "completed with failures" in text
    given = report(warnings=tuple(f"Page {n} is odd." for n in range(1, 8)))
    text = drawn(given)
    assert [f"Page {n} is odd" in text for n in (1, 5, 6)] == [True, True, False]
    assert "… and 2 more warnings: swatchbook show 1a2b3c4d" in text
    document = Document.model_construct(
        owner="default", kind="pdf", size=9, page_count=7, stage=given.stage, due_at=None
    )
    assert "Page 7 is odd." in printed(draw_document(document, given, {"entities": [], "links": []}, (), now=0.0))


def test_cost_is_shown_by_stage_with_unknown_parts() -> None:
    bill = {"provider": "vision", "model": "m", "calls": 10, "failed": 0, "unknown": 0, "truncated": 0, "tokens_in": 0,
            "tokens_out": 0, "at_most_usd": 0.0}  # fmt: skip
    spent = (
        Spent(stage="discover", unpriced=0, cost_usd=0.5, **bill),
        Spent(stage="embed", unpriced=4, cost_usd=0.25, **bill),
    )
    shown = drawn(report(chunks_created=1, cost_usd=None, spent=spent))
    assert "$0.7500 + unknown (discover $0.5000 · embed $0.2500 + unknown): 20 calls, 4 without" in " ".join(
        shown.split()
    )
    unpriced = (Spent(stage="embed", unpriced=10, cost_usd=0.0, **bill),)
    assert "unknown (embed unknown): 10 calls" in drawn(report(chunks_created=1, cost_usd=None, spent=unpriced))
    assert "cost" not in drawn(report(chunks_created=1))


def test_exit_codes_of_reports_and_of_many() -> None:
    for given, code in [
        (report(), 0),
        (report(images_found=3, images_complete=3, images_to_review=3), 0),
        (report(failed_images=(BROKEN,)), 3),
        (report(other_failures=(BROKEN,)), 3),
        (report(DocumentStatus.WAITING), 3),
        (report(DocumentStatus.FAILED), 1),
        (report(DocumentStatus.BLOCKED), 1),
        (report(DocumentStatus.CANCELLED), 1),
        (report(DocumentStatus.RUNNING), 1),
    ]:
        assert of_report(given) == code
    for codes, code in [([], 0), ([0, 0], 0), ([0, 3], 3), ([3, 2, 0], 2), ([2, 1, 3], 1)]:
        assert worst(codes) == code


def seen(stage: Stage, done: int = 0, total: int = 0, **changed: Any) -> LiveRun:
    given: dict[str, Any] = {
        "token": "T", "document": "d", "name": "a.pdf", "owner": "default", "stage": stage, "done": done,
        "total": total, "note": None, "host": platform.node(), "pid": os.getpid(), "started_at": 0.0,
        "heartbeat_age": 0.0, "progress_age": 0.0,
    }  # fmt: skip
    return LiveRun(**(given | changed))


def drawn_live(run: LiveRun | None, *, kind: str = "pdf") -> str:
    document: Any = SimpleNamespace(name="a.pdf", kind=kind)
    return printed(progress.draw(document, run, seconds=14.0))


def test_bar_says_what_the_run_does() -> None:
    text = drawn_live(seen(Stage.EMBEDDED, 140, 256, note="3 of 5 shards"))
    assert "Making pictures searchable: 140 of 256, 3 of 5 shards" in text
    assert "14 s" in text
    assert "Scanning: item 401 of 800" in drawn_live(seen(Stage.EXTRACTED, 400, 800), kind="folder")
    assert "following process 1 on elsewhere" in drawn_live(seen(Stage.READ, pid=1, host="elsewhere"))
    assert "following" not in drawn_live(seen(Stage.READ))
    assert "Starting" in drawn_live(None)


def test_same_command_is_advised_where_it_helps() -> None:
    assert lack_line(Lack(role=Role.COLOR, tag="eye@1", open=0, failed=3), 0.0).plain == (
        "! color by eye@1: 3 objects failed for good"
    )
    for taken, told in [(5, True), (0, False)]:
        left = Lack(role=Role.COLOR, tag="eye@1", open=2, failed=1)
        done = Filled(
            documents=1, objects=taken, made=taken, unreadable=2, failures=(), cost_usd=0.0, lacks=(left,)
        )  # fmt: skip
        text = printed(draw_filled(done, Fill(), now=0.0))
        assert ("go on: the same command again" in text) is told
        assert "color by eye@1: still lacks 2 objects, 1 object failed for good" in text
