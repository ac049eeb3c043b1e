"""Notices: owed by the transaction that sets a status, claimed by one sender, tried a bounded number of times.
Deliveries of webhooks: known for a week, each by its source.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest

from swatchbook.domain.records import DocumentStatus, identity
from swatchbook.store.ledger import runs, webhooks
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.dead_runs import DEATHS
from swatchbook.store.ledger.document_commands import postpone, retry
from swatchbook.store.ledger.retention import drop_old_rows
from swatchbook.store.ledger.runs import Run
from swatchbook.store.ledger.tables import notices
from swatchbook.store.ledger.webhooks import (
    LONGEST_PAUSE,
    NAMED_TRIES,
    NOTICES_KEPT_SECONDS,
    TRIES,
    Notice,
    claim_notice,
    undelivered,
)
from tests.store.ledger.scene import begin_again, begun, count, delete, document, pass_time, rows_of
from tests.store.ledger.test_dead_runs import die


def ended(ledger: Ledger, status: DocumentStatus = DocumentStatus.COMPLETED, content: str = "catalogue") -> Run:
    """A run that has ended with this status."""
    run = begun(ledger, content=content)
    runs.end(ledger, run, status, message=f"it is {status}", failure_kind="disk_full")
    return run


def end_again(ledger: Ledger, run: Run, status: DocumentStatus, message: str = "No room.") -> Run:
    run = begin_again(ledger, run)
    runs.end(ledger, run, status, message=message, failure_kind="disk_full", due_at=ledger.now())
    return run


def owed(ledger: Ledger) -> list[tuple[str, str | None]]:
    """(status, message) of all notices, oldest first."""
    rows = sorted(rows_of(ledger, notices).values(), key=lambda row: row["at"])
    return [(row["status"], row["message"]) for row in rows]


def try_in_vain(ledger: Ledger, times: int) -> Notice:
    """Let the one notice be tried in vain so many times."""
    for _ in range(times):
        pass_time(ledger, LONGEST_PAUSE)
        notice = claim_notice(ledger)
        assert notice is not None
        webhooks.record_failed(ledger, notice.id, "The receiver answered 500.")
    return notice


def test_only_an_outcome_is_told(ledger: Ledger) -> None:
    told = {DocumentStatus.COMPLETED, DocumentStatus.FAILED, DocumentStatus.BLOCKED}
    for status in DocumentStatus:
        run = ended(ledger, status, content=status)
        assert count(ledger, notices, document=run.document) == (status in told)
    assert {notice.status for notice in iter(lambda: claim_notice(ledger), None) if notice} == told


def test_status_and_notice_are_one_transaction(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    run = begun(ledger)

    def owe_and_fail(connection: object, document: str) -> None:
        webhooks.owe_notice(connection, document)  # type: ignore[arg-type]
        raise ZeroDivisionError

    with monkeypatch.context() as broken:
        broken.setattr(runs, "owe_notice", owe_and_fail)
        with pytest.raises(ZeroDivisionError):
            runs.end(ledger, run, DocumentStatus.COMPLETED)
    assert (document(ledger, run).status, owed(ledger)) == (DocumentStatus.RUNNING, [])
    runs.end(ledger, run, DocumentStatus.COMPLETED)
    assert (document(ledger, run).status, owed(ledger)) == (DocumentStatus.COMPLETED, [("completed", None)])


def test_document_whose_runs_die_is_told_failed(ledger: Ledger) -> None:
    run = begun(ledger)
    for _ in range(DEATHS - 1):
        die(ledger, run)
        assert owed(ledger) == []
        run = begin_again(ledger, run)
    die(ledger, run)
    ((status, message),) = owed(ledger)
    assert status == "failed"
    assert message == document(ledger, run).message


def test_document_that_cannot_begin_is_told_once(ledger: Ledger) -> None:
    run, why = begun(ledger), {"message": "Run setup.", "failure_kind": "configuration"}
    runs.end(ledger, run, DocumentStatus.WAITING, due_at=ledger.now())
    for _ in range(3):
        postpone(ledger, run.document, DocumentStatus.BLOCKED, seconds=-1, **why)
    assert owed(ledger) == [("blocked", "Run setup.")]


def test_repeated_outcome_is_told_when_somebody_asks(ledger: Ledger) -> None:
    run = ended(ledger, DocumentStatus.BLOCKED)
    for message in ("No room.", "No room.", "No key.", "No key."):
        run = end_again(ledger, run, DocumentStatus.BLOCKED, message)
    assert [message for _, message in owed(ledger)] == ["it is blocked", "No room.", "No key."]
    retry(ledger, run.document)
    run = end_again(ledger, run, DocumentStatus.BLOCKED, "No key.")
    run = end_again(ledger, run, DocumentStatus.COMPLETED)
    end_again(ledger, run, DocumentStatus.BLOCKED, "No key.")
    assert [status for status, _ in owed(ledger)] == ["blocked"] * 4 + ["completed", "blocked"]


def test_another_generation_is_told_again(ledger: Ledger) -> None:
    run, done = ended(ledger), DocumentStatus.COMPLETED
    assert len(owed(ledger)) == 1
    for fingerprint, told in (("f", 1), ("others", 2)):
        again = begin_again(ledger, run, fingerprint=fingerprint)
        runs.end(ledger, again, done, message="it is completed", failure_kind="disk_full")
        assert len(owed(ledger)) == told


@pytest.mark.gate
def test_notice_is_claimed_again_after_its_pause(ledger: Ledger) -> None:
    documents = [ended(ledger, content=name).document for name in ("first", "second")]
    with ThreadPoolExecutor(4) as pool:
        claimed = [notice for notice in pool.map(lambda _: claim_notice(ledger), range(8)) if notice]
    assert sorted(notice.document for notice in claimed) == sorted(documents)
    assert claim_notice(ledger) is None
    pass_time(ledger, webhooks.FIRST_PAUSE + 1)  # both senders were killed
    again = [claim_notice(ledger), claim_notice(ledger)]
    assert [notice and notice.document for notice in again] == documents, "the oldest first"
    assert {notice.id for notice in again if notice} == {notice.id for notice in claimed}


def test_pauses_grow_until_the_last_try(ledger: Ledger) -> None:
    ended(ledger)
    pauses = []
    for _ in range(TRIES):
        pass_time(ledger, LONGEST_PAUSE + 1)
        try_in_vain(ledger, 1)
        (row,) = rows_of(ledger, notices).values()
        pauses.append(row["next_try_at"] - ledger.now())
        missed = undelivered(ledger)
        if row["tries"] < NAMED_TRIES:
            assert missed is None
        elif row["tries"] < TRIES:
            assert missed is not None
            assert (missed.count, missed.given_up) == (1, 0)
    assert pauses[:4] == pytest.approx([60, 120, 240, 480], abs=5)
    assert pauses[-1] == pytest.approx(LONGEST_PAUSE, abs=5)
    assert sum(pauses[:-1]) < NOTICES_KEPT_SECONDS, "it is not dropped before its last try"
    pass_time(ledger, LONGEST_PAUSE + 1)
    assert claim_notice(ledger) is None
    missed = undelivered(ledger)
    assert missed is not None
    assert missed.line.startswith("Notices not delivered: 1 (1 given up). The receiver answered 500.")


def test_notices_end_delivered_deleted_or_old(ledger: Ledger) -> None:
    ended(ledger)
    notice = try_in_vain(ledger, NAMED_TRIES)
    assert undelivered(ledger) is not None
    webhooks.record_sent(ledger, notice.id)
    pass_time(ledger, LONGEST_PAUSE + 1)
    assert (undelivered(ledger), claim_notice(ledger)) == (None, None)
    run = ended(ledger, content="deleted")
    ended(ledger, content="kept")
    assert delete(ledger, run.document)
    assert count(ledger, notices, state="owed") == 1
    pass_time(ledger, NOTICES_KEPT_SECONDS - 60)
    drop_old_rows(ledger, keep_seconds=1e9)
    assert count(ledger, notices, state="owed") == 1
    pass_time(ledger, 120)
    drop_old_rows(ledger, keep_seconds=1e9)
    assert count(ledger, notices) == 0


FIRST, SECOND = identity("first"), identity("second")


def test_first_note_of_a_source_stands_a_week(ledger: Ledger) -> None:
    assert webhooks.find_delivery(ledger, "shop", "1") is None
    assert webhooks.record_delivery(ledger, "shop", "1", FIRST) == FIRST
    assert webhooks.record_delivery(ledger, "shop", "1", SECOND) == FIRST
    assert webhooks.find_delivery(ledger, "shop", "1") == FIRST
    assert webhooks.find_delivery(ledger, "dam", "1") is None
    assert webhooks.record_delivery(ledger, "dam", "1", SECOND) == SECOND
    pass_time(ledger, webhooks.DELIVERIES_KEPT_SECONDS - 60)
    assert webhooks.find_delivery(ledger, "shop", "1") == FIRST
    pass_time(ledger, 120)
    assert webhooks.find_delivery(ledger, "shop", "1") is None
    assert webhooks.record_delivery(ledger, "shop", "1", SECOND) == SECOND


@pytest.mark.gate
def test_noted_twice_at_once_all_learn_the_same(ledger: Ledger) -> None:
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda n: webhooks.record_delivery(ledger, "shop", "1", identity(n)), range(24)))
    assert len(set(told)) == 1
    assert webhooks.find_delivery(ledger, "shop", "1") == told[0]
