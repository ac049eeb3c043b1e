"""Documents and runs: queue, begin, keep alive, end, mark dead, revoke."""

from collections.abc import Callable

import pytest
from sqlalchemy import select

from swatchbook.domain.errors import RunRevoked
from swatchbook.domain.records import DocumentStatus, IngestOptions, Stage, document_id, sha256
from swatchbook.store.ledger import claims, dead_runs, run_queries, runs
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.document_commands import request_again
from swatchbook.store.ledger.item_tries import LEASE_SECONDS
from swatchbook.store.ledger.runs import Busy, Run
from swatchbook.store.ledger.stored_documents import read_options
from swatchbook.store.ledger.tables import documents, figures, requested
from swatchbook.store.ledger.tables import items as item_rows
from swatchbook.store.ledger.tables import runs as run_rows
from tests.store.ledger.scene import (
    ANALYSIS,
    COLOR,
    VISUAL,
    begin_again,
    begun,
    change,
    count,
    document,
    item,
    keys,
    lapse,
    make,
    one,
    pass_time,
    queued,
    revoke,
    set_document,
    try_begin,
)

OPTIONS = IngestOptions()


def test_queueing_again_adds_only_a_missing_file(ledger: Ledger) -> None:
    first = queued(ledger, file=None)
    assert first.id == document_id("anna", sha256(b"catalogue"))
    assert (first.status, first.stage, first.due_at, first.run) == ("queued", "REGISTERED", None, None)
    assert first.created_at == pytest.approx(ledger.now(), abs=5)
    again = queued(ledger, file="f", name="other.pdf", options=IngestOptions(focus=False))
    assert again == first.model_copy(update={"file": "f"})
    assert queued(ledger, file="another").file == "f"


def test_only_stopped_documents_are_queued_again(ledger: Ledger) -> None:
    for number, status in enumerate((DocumentStatus.FAILED, DocumentStatus.CANCELLED)):
        run = begin_again(ledger, queued(ledger, content=f"{number}"))
        runs.end(ledger, run, status, message="no disk", failure_kind="disk_full")
        again = queued(ledger, content=f"{number}", options=IngestOptions(focus=False))
        assert (again.status, again.message, again.failure_kind) == ("queued", None, None)
        assert (again.options.focus, again.generation) == (False, run.generation)
    run = begin_again(ledger, queued(ledger))
    for status in (DocumentStatus.RUNNING, DocumentStatus.COMPLETED, DocumentStatus.DELETING):
        set_document(ledger, run.document, status=status)
        assert queued(ledger).status == status


@pytest.mark.gate
def test_a_document_has_one_live_run(ledger: Ledger) -> None:
    run = begin_again(ledger, queued(ledger))
    row = document(ledger, run)
    assert (row.status, row.run, row.generation, row.fingerprint) == ("running", run.token, run.generation, "f")
    assert dict(one(ledger, requested)) == {
        "document": run.document, "generation": run.generation, "role": VISUAL.role, "tag": VISUAL.tag,
        "beside": False,
    }  # fmt: skip
    same = Busy(document=run.document, run=run.token, same=True, reason="live")
    assert try_begin(ledger, run) == same
    assert try_begin(ledger, run, fingerprint="other") == same.model_copy(update={"same": False})
    assert try_begin(ledger, run, force=True) == same.model_copy(update={"same": False})
    assert count(ledger, run_rows) == 1


def test_only_another_fingerprint_starts_another_generation(ledger: Ledger) -> None:
    run = begin_again(ledger, queued(ledger))
    runs.reach_stage(ledger, run, Stage.CHUNKED)
    runs.end(ledger, run, DocumentStatus.WAITING)
    again = begin_again(ledger, run)
    assert again.generation == run.generation
    assert again.token != run.token
    assert document(ledger, run).stage == Stage.CHUNKED
    runs.end(ledger, again, DocumentStatus.WAITING)
    more = runs.begin(ledger, run.document, options=OPTIONS, fingerprint="f", requested=[VISUAL, COLOR])
    assert isinstance(more, Run)
    assert (more.generation, document(ledger, run).stage) == (run.generation, Stage.REGISTERED), "for another pair"
    runs.end(ledger, more, DocumentStatus.COMPLETED)
    again = begin_again(ledger, run, fingerprint="other")
    assert again.generation > run.generation
    assert (document(ledger, run).stage, document(ledger, run).force) == (Stage.REGISTERED, None)
    assert one(ledger, requested).generation == again.generation


def test_trace_is_that_of_the_generations_request(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    def in_trace(name: str | None) -> None:
        monkeypatch.setattr("swatchbook.store.ledger.stored_documents.traceparent", lambda: name)

    def ended(run: Run) -> str | None:
        runs.end(ledger, run, DocumentStatus.WAITING)
        return document(ledger, run).trace

    in_trace("upload")
    known = queued(ledger)
    in_trace("a loop")
    run = begin_again(ledger, known)
    assert ended(run) == "upload"
    in_trace(None)
    assert ended(begin_again(ledger, run)) == "upload"
    in_trace("command")
    assert ended(begin_again(ledger, run)) == "upload", "it continues the same work"
    assert ended(begin_again(ledger, run, fingerprint="other")) == "command"
    in_trace("second upload")
    request_again(ledger, run.document, IngestOptions(focus=False))
    in_trace("a loop")
    assert ended(begin_again(ledger, run, fingerprint="third")) == "second upload"


def test_force_acts_once(ledger: Ledger) -> None:
    run = begin_again(ledger, queued(ledger))
    runs.end(ledger, run, DocumentStatus.COMPLETED)
    forced = begin_again(ledger, run, force=True)
    assert forced.generation != run.generation
    assert document(ledger, run).force == forced.generation
    assert document(ledger, run).options["force"] is False
    runs.end(ledger, forced, DocumentStatus.COMPLETED)
    again = begin_again(ledger, run)
    assert again.generation == forced.generation
    assert document(ledger, run).force == forced.generation  # the cache keys of that generation stay its own


def test_heartbeat_renews_the_run_and_its_items(ledger: Ledger) -> None:
    run = begun(ledger, pictures=keys(2))
    other = begun(ledger, content="other", pictures=keys(1, "other"))
    claims.claim(ledger, run, keys(2))
    claims.claim(ledger, other, keys(1, "other"))
    pass_time(ledger, 50)
    runs.record_heartbeat(ledger, run)
    pass_time(ledger, 50)
    assert one(ledger, run_rows, token=run.token).lease_until > ledger.now()
    assert item(ledger, keys(1)[0]).lease_until > ledger.now()
    assert item(ledger, keys(1, "other")[0]).lease_until < ledger.now()


def test_progress_is_seen_with_note_and_age(ledger: Ledger) -> None:
    run = begun(ledger)
    runs.record_progress(ledger, run, Stage.EXTRACTED, 7, 71, "page 7")
    pass_time(ledger, 10)
    (seen,) = run_queries.live_runs(ledger)
    assert (seen.document, seen.name, seen.stage) == (run.document, "catalogue.pdf", Stage.EXTRACTED)
    assert (seen.done, seen.total, seen.note) == (7, 71, "page 7")
    assert seen.progress_age == pytest.approx(10, abs=2)
    assert seen.heartbeat_age == pytest.approx(10, abs=2)
    runs.record_alive(ledger, run, "3 images embedded")
    for stage, done, note in ((Stage.EXTRACTED, 8, "3 images embedded"), (Stage.EMBEDDED, 0, None)):
        runs.record_progress(ledger, run, stage, done, 71)
        (seen,) = run_queries.live_runs(ledger)
        assert (seen.done, seen.note) == (done, note), "a note stays until the next stage"


def test_stages_never_go_back_and_figures_add_up(ledger: Ledger) -> None:
    run = begun(ledger)
    for stage, deaths in ((Stage.CHUNKED, 0), (Stage.READ, 2), (Stage.CHUNKED, 2)):
        set_document(ledger, run.document, deaths=2)
        runs.reach_stage(ledger, run, stage)
        assert (document(ledger, run).stage, document(ledger, run).deaths) == (Stage.CHUNKED, deaths)
    for _ in range(2):
        runs.record_timing(ledger, run, Stage.READ, 1.5)
    row = one(ledger, figures)
    assert (row.run, row.stage, row.seconds) == (run.token, Stage.READ, 3.0)


def writes_of(ledger: Ledger, run: Run) -> dict[str, Callable[[], object]]:
    lease = claims.Lease(name=f"{run.token}:{'0' * 26}", run=run, items=())
    return {
        "heartbeat": lambda: runs.record_heartbeat(ledger, run),
        "progress": lambda: runs.record_progress(ledger, run, Stage.READ, 1, 1),
        "note": lambda: runs.record_alive(ledger, run, "3 images embedded"),
        "reach": lambda: runs.reach_stage(ledger, run, Stage.READ),
        "record_timing": lambda: runs.record_timing(ledger, run, Stage.READ, 1.0),
        "end": lambda: runs.end(ledger, run, DocumentStatus.COMPLETED),
        "claim": lambda: claims.claim(ledger, run, keys(1)),
        "commit": lambda: claims.commit(ledger, lease, [], [], last_try=False),
    }


@pytest.mark.gate
@pytest.mark.parametrize("how", ["revoked", "dead", "ended", "unknown"])
def test_only_a_live_run_can_write(ledger: Ledger, how: str) -> None:
    run = begun(ledger, pictures=keys(1))
    if how == "revoked":
        revoke(ledger, run.document, DocumentStatus.CANCELLED)
    elif how == "dead":
        lapse(ledger, run)
        assert dead_runs.mark_dead(ledger) == [run.token]
    elif how == "ended":
        runs.end(ledger, run, DocumentStatus.WAITING)
    else:
        run = run.model_copy(update={"token": "0" * 26})
    before = snapshot(ledger)
    for name, write in writes_of(ledger, run).items():
        with pytest.raises(RunRevoked):
            write()
        assert snapshot(ledger) == before, name


def snapshot(ledger: Ledger) -> list[object]:
    return [ledger.execute(select(table)).all() for table in (documents, run_rows, item_rows, figures)]


def test_lapsed_runs_are_marked_dead_on_any_host(ledger: Ledger) -> None:
    run = begun(ledger)
    other = begun(ledger, content="other")
    change(ledger, run_rows, host="elsewhere")
    pass_time(ledger, LEASE_SECONDS - 10)
    assert dead_runs.mark_dead(ledger) == []
    for each in (run, other):
        runs.record_heartbeat(ledger, each)
    pass_time(ledger, LEASE_SECONDS + 1)
    assert dead_runs.mark_dead(ledger, run.document) == [run.token]
    set_document(ledger, other.document, status=DocumentStatus.CANCELLED)
    assert dead_runs.mark_dead(ledger) == [other.token]
    assert dead_runs.mark_dead(ledger) == []
    assert document(ledger, other).status == DocumentStatus.CANCELLED, "it stays stopped"


@pytest.mark.parametrize("what", ["commit", "stage", "orderly end"])
def test_progress_between_deaths_keeps_a_document_going(ledger: Ledger, what: str) -> None:
    run = begun(ledger, requested=(VISUAL, COLOR, ANALYSIS), pictures=keys(9))
    stages = iter(list(Stage)[1:])
    for number in range(5):
        if what == "commit":
            lease = claims.claim(ledger, run, [keys(9)[number]])
            claims.commit(ledger, lease, [make(c) for c in lease.items], [], last_try=False)
        elif what == "stage":
            runs.reach_stage(ledger, run, next(stages))
        else:
            runs.end(ledger, run, DocumentStatus.WAITING)
            run = begin_again(ledger, run)
        lapse(ledger, run)
        dead_runs.mark_dead(ledger)
        assert (document(ledger, run).status, document(ledger, run).deaths) == ("waiting", 1)
        run = begin_again(ledger, run)


def test_beginning_buries_a_dead_run_first(ledger: Ledger) -> None:
    made, held = keys(2)
    run = begun(ledger, pictures=[made, held])
    lease = claims.claim(ledger, run, [made])
    claims.commit(ledger, lease, [make(c) for c in lease.items], [], last_try=False)
    claims.claim(ledger, run, [held])
    lapse(ledger, run)
    again = begin_again(ledger, run)
    assert one(ledger, run_rows, token=run.token).state == "dead"
    assert document(ledger, run).run == again.token
    assert item(ledger, held).crashes == 1
    assert [c.key for c in claims.claim(ledger, again, [made, held]).items] == [held], "what was made is kept"


def test_stored_null_options_are_the_defaults() -> None:
    assert read_options({"roles": None, "execution": None, "max_usd": None, "gone": 1}) == IngestOptions()
