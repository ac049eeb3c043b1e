"""What was done over time is counted for the owner who asks, by day; runs are listed with what followed."""

from datetime import UTC, datetime

import pytest

from swatchbook.domain.errors import InvalidModelOutput, ProviderDown, UnreadableImage
from swatchbook.domain.records import DocumentStatus, Stage
from swatchbook.store.ledger import runs
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.dead_runs import mark_dead
from swatchbook.store.ledger.tables import calls, figures
from swatchbook_service.activity import (
    daily_costs,
    daily_failures,
    daily_work,
    documents_failing,
    failing_kinds,
    provider_states,
    recent_runs,
)
from tests.store.ledger.scene import VISUAL, begin_again, begun, end, fail, keys, lapse, one, put, set_document

DAY = 86_400.0
PICTURES = keys(3)


def today(ledger: Ledger, days: float = 0.0) -> str:
    return datetime.fromtimestamp(ledger.now() - days * DAY, UTC).date().isoformat()


def test_failed_tries_are_counted_by_kind(ledger: Ledger) -> None:
    run = begun(ledger, pictures=PICTURES)
    fail(ledger, run, PICTURES[:2], ProviderDown("No."))
    fail(ledger, run, PICTURES[:2], ProviderDown("No."))  # an outage leaves them due
    fail(ledger, run, PICTURES[:1], InvalidModelOutput("No."))
    other = begun(ledger, owner="bert", content="other")
    row = {**one(ledger, figures, failure="provider_down"), "document": other.document, "units": 5}
    for days in (3, 20):
        put(ledger, figures, **row | {"run": f"{days}", "at": ledger.now() - days * DAY})
    found = [(each.day, each.owner, each.role, each.kind, each.count) for each in daily_failures(ledger, 7 * DAY)]
    assert found == [
        (today(ledger, 3), "bert", VISUAL.role, "provider_down", 5),
        (today(ledger), "anna", VISUAL.role, "invalid_model_output", 1),
        (today(ledger), "anna", VISUAL.role, "provider_down", 4),
    ]
    assert [each.owner for each in daily_failures(ledger, 7 * DAY, "bert")] == ["bert"]
    assert sum(each.count for each in daily_failures(ledger, 60.0)) == 5


def test_failed_runs_are_counted_without_a_role(ledger: Ledger) -> None:
    run = begun(ledger)
    runs.end(ledger, run, DocumentStatus.FAILED, failure_kind="not_a_pdf", message="…")
    lapse(ledger, begin_again(ledger, run))
    mark_dead(ledger)
    found = [(each.role, each.kind, each.count) for each in daily_failures(ledger, DAY)]
    assert found == [(None, "crashed_worker", 1), (None, "not_a_pdf", 1)]


def test_failures_are_told_with_the_next_try(ledger: Ledger) -> None:
    run = begun(ledger, pictures=PICTURES)
    fail(ledger, run, PICTURES[:2], InvalidModelOutput("No."))
    [kind] = failing_kinds(ledger)
    assert (kind.kind, kind.images, kind.rejected) == ("invalid_model_output", 2, 0)
    assert kind.next_try is not None
    assert kind.next_try == pytest.approx(ledger.now() + 900, abs=200)
    assert failing_kinds(ledger, "bert") == []
    assert documents_failing(ledger, "invalid_model_output", 10) == [run.document]
    assert documents_failing(ledger, "invalid_model_output", 10, "bert") == documents_failing(ledger, "x", 10) == []
    fail(ledger, run, PICTURES[2:], UnreadableImage("No."))
    rejected = next(each for each in failing_kinds(ledger) if each.kind == UnreadableImage.kind)
    assert (rejected.images, rejected.rejected, rejected.next_try) == (1, 1, None)
    assert documents_failing(ledger, UnreadableImage.kind, 10) == []
    set_document(ledger, run.document, failure_kind="x")
    assert documents_failing(ledger, "x", 10) == [run.document]
    set_document(ledger, run.document, status=DocumentStatus.CANCELLED)
    assert documents_failing(ledger, "x", 10) == []


def test_work_is_that_of_stages_that_did_something(ledger: Ledger) -> None:
    first, second = begun(ledger), begun(ledger, owner="bert", content="other")
    for run, units in ((first, 10), (second, 5), (second, 0)):
        runs.record_timing(ledger, run, Stage.READ, 2.0, units)
    runs.record_timing(ledger, first, Stage.CHUNKED, 2.0, 0)
    [work] = daily_work(ledger, DAY)
    assert (work.day, work.stage, work.runs, work.units, work.seconds) == (today(ledger), Stage.READ, 2, 15, 6.0)
    assert [each.units for each in daily_work(ledger, DAY, "anna")] == [10]


def test_costs_are_told_by_provider(ledger: Ledger) -> None:
    run, other = begun(ledger), begun(ledger, owner="bert", content="other")
    rows = (
        (run, "a", "vision.example", "answered", 0.25, 0), (run, "b", "vision.example", "answered", None, 0),
        (run, "c", "vision.example", "failed", 0.0, 9), (other, "d", "words.example", "failed", None, 0),
        (other, "e", "words.example", "answered", 1.0, 40 * DAY),
    )  # fmt: skip
    for of, request, provider, state, cost, age in rows:
        used: dict[str, float | None] = {"tokens_in": 100, "tokens_out": 7} if state == "answered" else {}
        used |= {"cost_usd": cost, "at": ledger.now() - age}
        put(ledger, calls, request=request, document=of.document, provider=provider, state=state, **used)
    vision, words = daily_costs(ledger, DAY)
    assert (vision.provider, vision.calls, vision.failed, vision.unpriced) == ("vision.example", 3, 1, 1)
    assert (vision.cost_usd, words.cost_usd) == (0.25, 0.0)
    assert [(each.tokens_in, each.tokens_out) for each in (vision, words)] == [(200, 14), (0, 0)]
    assert [each.provider for each in daily_costs(ledger, DAY, "bert")] == ["words.example"]
    assert [(each.provider, each.state) for each in provider_states(ledger)] == [
        ("vision.example", "ok"),
        ("words.example", "failing"),
    ]


def test_runs_are_told_with_what_followed(ledger: Ledger) -> None:
    run = begun(ledger, pictures=PICTURES)
    lapse(ledger, run)
    [stuck] = recent_runs(ledger, 10)
    assert (stuck.state, stuck.continued_at) == ("stuck", None)
    mark_dead(ledger)
    [crashed] = recent_runs(ledger, 10)
    assert (crashed.state, crashed.document_status) == ("crashed", DocumentStatus.WAITING)
    again = begin_again(ledger, run)
    live, crashed = recent_runs(ledger, 10, "anna")
    assert (live.token, live.state, crashed.state) == (again.token, "live", "crashed")
    assert crashed.continued_at == live.started_at
    end(ledger, again)
    assert [each.state for each in recent_runs(ledger, 1)] == ["ended"]
    assert recent_runs(ledger, 10, "bert") == []
