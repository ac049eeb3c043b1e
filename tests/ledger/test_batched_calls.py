"""Calls of a provider's batch in the ledger, on each database."""

import pytest

from swatchbook.errors import InBatch
from swatchbook.ledger import batched_calls, calls, claims
from swatchbook.ledger.batched_calls import Queued
from swatchbook.ledger.calls import Answer, CallContext, CallRequest
from swatchbook.ledger.claims import FailedItem
from swatchbook.ledger.database import Ledger
from swatchbook.ledger.stored_documents import get_document
from swatchbook.ledger.tables import calls as rows
from swatchbook.ledger.tables import items
from swatchbook.records import ItemState, sha256
from swatchbook.resources import Files
from tests.ledger import scene
from tests.ledger.scene import ANALYSIS, begun, count, keys, one


def ask(name: str) -> CallRequest:
    return CallRequest(request=sha256(name.encode()), model="seer", at_most_usd=1.0)


def queue(context: CallContext, name: str, *, most_calls: int = 10, size: int = 10) -> None:
    given = {"provider": "there", "url": "https://there", "api": "openai", "body": sha256(b"b")}
    batched_calls.queue(context, Queued(ask=ask(name), size=size, most_calls=most_calls, most_bytes=100, **given))


def later(ledger: Ledger, stage: str = "embed") -> CallContext:
    run = begun(ledger, requested=(ANALYSIS,), pictures=keys(2))
    return CallContext(ledger, run, stage, Files("memory://later"))


def test_a_call_waits_from_queue_to_answer(ledger: Ledger) -> None:
    context = later(ledger)
    queue(context, "oak")
    queue(context, "oak")
    (name,) = batched_calls.due_batches(ledger, settle_seconds=0, at_once=True)
    assert batched_calls.hold(ledger, name)
    batched_calls.start_sending(ledger, name)
    batched_calls.record_sent(ledger, name, "batch_1", expires_at=ledger.now() + 100)
    with pytest.raises(InBatch, match="in a batch at there until"):
        calls.reserve(CallContext(ledger, context.run, "embed"), "there", [ask("oak")])
    answers = [(ask("oak").request, Answer(answer={"text": "oak"}, cost_usd=0.5)), (ask("ash").request, None)]
    assert batched_calls.take_in(ledger, name, answers) == 1
    assert batched_calls.take_in(ledger, name, answers) == 0
    assert batched_calls.end(ledger, name, message="", left="lost") == 0
    reserved = calls.reserve(context, "there", [ask("oak")])
    assert reserved.answers == {ask("oak").request: {"text": "oak"}}


def test_what_waits_is_due_when_its_batch_ends(ledger: Ledger) -> None:
    context = later(ledger)
    queue(context, "oak")
    lease = claims.claim(ledger, context.run, keys(2))
    waits = InBatch("It is in a batch.", seconds=80_000)
    failed = [FailedItem(key=item.key, role=item.role, tag=item.tag, failure=waits) for item in lease.items]
    claims.commit(ledger, lease, [], failed, last_try=False)
    scene.end(ledger, context.run)
    document = get_document(ledger, context.run.document)
    assert document.due_at == pytest.approx(ledger.now() + 80_000, abs=60)
    assert count(ledger, items, state=ItemState.PENDING, attempts=0, runs=0) == 2
    (name,) = batched_calls.due_batches(ledger, settle_seconds=0, at_once=True)
    batched_calls.end(ledger, name, message="It expired.", left="again")
    due = get_document(ledger, context.run.document).due_at
    assert due is not None
    assert due <= ledger.now()
    assert count(ledger, items, next_retry_at=None) == 2
    assert count(ledger, rows) == 0


def test_a_batch_that_is_full_is_followed_by_another(ledger: Ledger) -> None:
    context = later(ledger)
    for name in "abc":
        queue(context, name, most_calls=2)
    queue(context, "large", size=95)
    found = [(each.calls, each.bytes) for each in reversed(batched_calls.list_batches(ledger))]
    assert found == [(2, 20), (1, 10), (1, 95)]


def test_a_queued_call_that_is_sent_at_once_leaves_the_batch(ledger: Ledger) -> None:
    context = later(ledger)
    queue(context, "oak")
    reserved = calls.reserve(CallContext(ledger, context.run, "embed"), "there", [ask("oak")])
    assert reserved.ours == {ask("oak").request: 2}
    assert [each.calls for each in batched_calls.list_batches(ledger)] == [0]
    assert one(ledger, rows)["state"] == "reserved"


def test_a_call_that_a_batch_lost_is_not_queued_again(ledger: Ledger) -> None:
    context = later(ledger)
    queue(context, "oak")
    (name,) = batched_calls.due_batches(ledger, settle_seconds=0, at_once=True)
    batched_calls.start_sending(ledger, name)
    batched_calls.end(ledger, name, message="", left="lost")
    assert not batched_calls.is_to_queue(ledger, ask("oak").request)
    assert batched_calls.is_to_queue(ledger, ask("ash").request)


def test_a_late_wait_is_found_after_the_end(ledger: Ledger) -> None:
    context = later(ledger)
    queue(context, "oak")
    (name,) = batched_calls.due_batches(ledger, settle_seconds=0, at_once=True)
    batched_calls.start_sending(ledger, name)
    batched_calls.end(ledger, name, message="", left="lost")
    lease = claims.claim(ledger, context.run, keys(1))
    waits = InBatch("It is in a batch.", seconds=80_000)
    failed = [FailedItem(key=item.key, role=item.role, tag=item.tag, failure=waits) for item in lease.items]
    claims.commit(ledger, lease, [], failed, last_try=False)
    batched_calls.release_late(ledger)
    assert count(ledger, items, next_retry_at=None) == 2
