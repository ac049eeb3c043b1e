"""Calls: reserved, answered, never paid for twice, within a budget."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from swatchbook.domain.errors import BudgetExceeded, Configuration, RunRevoked
from swatchbook.domain.records import DocumentStatus, IngestOptions, Spent, sha256
from swatchbook.store.ledger import missing_vectors, runs
from swatchbook.store.ledger.calls import CallContext, spending
from swatchbook.store.ledger.database import Ledger, open_ledger
from swatchbook.store.ledger.queries.report import document_report
from swatchbook.store.ledger.runs import Run
from swatchbook.store.ledger.tables import calls as rows
from swatchbook.store.ledger.tables import runs as run_rows
from swatchbook_providers import reserved_calls as calls
from swatchbook_providers.reserved_calls import Answer, CallRequest, Reservation
from tests.store.ledger.scene import begin_again, begun, change, count, lapse, one, revoke, set_document

PROVIDER = "api.example.com"
STAGE = "IMAGES_EMBEDDED"


def ask(question: str, at_most: float | None = 0.1) -> CallRequest:
    return CallRequest(request=sha256(question.encode()), model="m", at_most_usd=at_most)


def context(
    ledger: Ledger, content: str = "catalogue", *, owner: str = "anna", max_usd: float | None = None
) -> CallContext:
    run = begun(ledger, owner=owner, content=content)
    if max_usd is not None:
        set_document(ledger, run.document, options=IngestOptions(max_usd=max_usd).model_dump(mode="json"))
    return CallContext(ledger, run, STAGE)


def reserve(paying: CallContext, *questions: str, at_most: float | None = 0.1) -> Reservation:
    return calls.reserve(paying, PROVIDER, [ask(question, at_most) for question in questions])


def answer(paying: CallContext, *questions: str, cost: float | None = 0.05) -> bool:
    """Ask and answer, each with its question in capitals. Return whether any was to be asked here and now."""
    ours = reserve(paying, *questions).ours
    texts = {ask(question).request: question.upper() for question in questions}
    calls.record_answers(
        paying, ours, {r: Answer(answer={"text": texts[r]}, tokens_in=10, tokens_out=5, cost_usd=cost) for r in ours}
    )
    return bool(ours)


def paid(paying: CallContext) -> Spent:
    return spending(paying.ledger, paying.run.document)[0]


@pytest.mark.gate
def test_a_call_is_sent_once_for_everyone(ledger: Ledger) -> None:
    first, second = context(ledger), context(ledger, "other", owner="bert")
    ours = reserve(first, "oak").ours
    assert ours == {ask("oak").request: 1}
    assert reserve(first, "oak").elsewhere == {ask("oak").request}  # another thread of the same run
    waits = reserve(second, "oak", "ash")
    assert (waits.elsewhere, set(waits.ours)) == ({ask("oak").request}, {ask("ash").request})
    calls.record_answers(first, ours, {ask("oak").request: Answer(answer={"text": "OAK"})})
    known = reserve(second, "oak")
    assert known == Reservation(answers={ask("oak").request: {"text": "OAK"}}, ours={}, elsewhere=frozenset())
    assert count(ledger, rows) == 2


def test_failed_calls_are_asked_again_at_their_cost(ledger: Ledger) -> None:
    paying = context(ledger)
    calls.record_failed(paying, reserve(paying, "oak").ours, cost_usd=None)
    again = reserve(paying, "oak").ours
    assert again == {ask("oak").request: 2}
    calls.record_answers(paying, again, {ask("oak").request: Answer(answer="oak", cost_usd=0.05)})
    calls.discard_answers(paying, again)
    assert reserve(paying, "oak").ours == {ask("oak").request: 3}
    spent = paid(paying)
    assert (spent.calls, spent.failed, spent.unknown, spent.cost_usd) == (3, 2, 1, 0.05)
    assert spent.at_most_usd == pytest.approx(0.1 + 0.05 + 0.1)


def test_a_call_never_sent_leaves_nothing(ledger: Ledger) -> None:
    paying = context(ledger)
    ours = reserve(paying, "oak", "ash").ours
    calls.record_answers(paying, ours, {ask("ash").request: Answer(answer="ash")})
    calls.withdraw(paying, ours)
    assert reserve(paying, "oak", "ash").ours == {ask("oak").request: 1}


def test_a_call_without_live_run_is_taken_over(ledger: Ledger) -> None:
    for number, end in enumerate(("lapsed", "killed", "ended", "stale")):
        first = context(ledger, end)
        reserve(first, end)
        if end == "lapsed":
            lapse(ledger, first.run)
        elif end == "killed":  # another process has its id now
            change(ledger, run_rows, run_rows.c.token == first.run.token, pid_started=1.0)
        elif end == "ended":
            runs.end(ledger, first.run, DocumentStatus.WAITING)
        else:
            change(ledger, rows, at=rows.c.at - calls.STALE_SECONDS - 1)
        assert reserve(context(ledger, f"other {number}"), end).ours == {ask(end).request: 2}
        assert one(ledger, rows, request=ask(end).request, attempt=1)["state"] == "unknown"
        lost = paid(first)
        assert (lost.unknown, lost.cost_usd, lost.at_most_usd) == (1, 0.0, 0.1)


def test_a_revoked_run_may_still_answer(ledger: Ledger) -> None:
    first, second = context(ledger), context(ledger, "other")
    ours = reserve(first, "oak").ours
    revoke(ledger, first.run.document, DocumentStatus.CANCELLED)
    with pytest.raises(RunRevoked):
        reserve(first, "ash")
    taken = reserve(second, "oak").ours
    calls.record_answers(first, ours, {ask("oak").request: Answer(answer="late", cost_usd=0.05)})
    assert reserve(second, "oak").answers == {ask("oak").request: "late"}
    calls.record_failed(second, taken, cost_usd=0.0)
    assert paid(first).cost_usd == 0.05
    assert count(ledger, rows) == 2


def test_a_budget_is_never_exceeded(ledger: Ledger) -> None:
    paying = context(ledger, max_usd=0.3)
    answer(paying, "oak", "ash", cost=0.1)
    answer(paying, "elm", cost=0.05)
    with pytest.raises(BudgetExceeded, match=r"0\.25 of 0\.3 USD are spent, and the next call may cost 0\.1"):
        reserve(paying, "fir")
    assert reserve(paying, "oak").answers  # what is known costs nothing
    assert reserve(paying, "yew", at_most=0.05).ours


def test_what_may_have_been_paid_holds_the_budget(ledger: Ledger) -> None:
    paying = context(ledger, max_usd=0.3)
    flying = reserve(paying, "oak", "ash", "elm").ours
    assert reserve(paying, "fir").elsewhere == {ask("fir").request}
    calls.record_answers(paying, flying, {request: Answer(answer="", cost_usd=0.05) for request in flying})
    calls.record_failed(paying, reserve(paying, "fir").ours, cost_usd=0.0)
    calls.record_failed(paying, reserve(paying, "yew").ours, cost_usd=None)
    with pytest.raises(BudgetExceeded):
        reserve(paying, "fir")


def test_a_budget_needs_prices(ledger: Ledger) -> None:
    with pytest.raises(Configuration, match=r"SWATCHBOOK_PRICES.*\"m\""):
        reserve(context(ledger, max_usd=1), "oak", at_most=None)
    paying = context(ledger, "unlimited")
    ours = reserve(paying, "oak", at_most=None).ours
    calls.record_answers(paying, ours, {request: Answer(answer="") for request in ours})
    assert (paid(paying).unpriced, paid(paying).cost_usd) == (1, 0.0)
    assert document_report(ledger, paying.run.document).cost_usd is None
    assert missing_vectors.spent(ledger, paying.run.generation) is None
    assert missing_vectors.spent(ledger, "another fill") == 0


def test_a_budget_is_for_one_generation(ledger: Ledger) -> None:
    paying = context(ledger, max_usd=0.2)
    answer(paying, "oak", "ash", cost=0.1)
    runs.end(ledger, paying.run, DocumentStatus.COMPLETED)
    anew = CallContext(ledger, begin_again(ledger, paying.run, fingerprint="other"), STAGE)
    set_document(ledger, anew.run.document, options=IngestOptions(max_usd=0.2).model_dump(mode="json"))
    assert reserve(anew, "elm").ours
    assert paid(anew).calls == 3


@pytest.mark.gate
def test_shards_of_one_document_share_its_budget(ledger: Ledger, url: str) -> None:
    paying = context(ledger, max_usd=1.0)

    def shard(number: int) -> int:
        own = open_ledger(url)
        run = Run(token=f"{number:026}", document=paying.run.document, generation=paying.run.generation)
        with own.write() as connection:
            runs.insert_run(connection, run, None, kind="shard")
        try:
            for question in range(4):
                while not answer(CallContext(own, run, STAGE), f"{number} {question}", cost=0.1):
                    time.sleep(0.01)  # the rest of the budget is in flight
        except BudgetExceeded:
            return 1
        finally:
            own.close()
        return 0

    with ThreadPoolExecutor(4) as threads:
        refused = sum(threads.map(shard, range(4)))
    assert refused >= 1
    assert 0.9 <= paid(paying).cost_usd <= 1.0 + 1e-6
