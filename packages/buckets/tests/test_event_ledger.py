"""Events of object stores: recorded once, claimed in order by one process, tried a bounded number of times."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import literal

from swatchbook.domain.records import ObjectEvent
from swatchbook.store.ledger import owners
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.object_events import KEPT_SECONDS
from swatchbook.store.ledger.retention import drop_old_rows
from swatchbook_buckets import event_ledger
from swatchbook_buckets.event_ledger import (
    CLAIM_SECONDS,
    STATES,
    TRIES,
    NewEvent,
    claim_events,
    list_events,
    record_done,
    record_events,
)
from tests.store.ledger.scene import begun, pass_time


def event(key: str = "a.pdf", order: str = "1", owner: str | None = "anna", **given: Any) -> NewEvent:
    return NewEvent(
        owner=owner, url=f"s3://shop/{key}", source="s3://shop", event="ObjectCreated:Put", is_new=True,
        version=f"v{order}", order_key=order, **given,
    )  # fmt: skip


def told(ledger: Ledger, *events: NewEvent) -> int:
    return record_events(ledger, events)


def states(ledger: Ledger) -> dict[str, str]:
    """URL with order of each event -> state, the oldest first."""
    every = list_events(ledger, None, states=STATES)
    return {each.url.removeprefix("s3://shop/"): each.state for each in reversed(every)}


def claim_one(ledger: Ledger) -> ObjectEvent:
    (found,) = claim_events(ledger, 10)
    return found


def test_event_told_again_is_recorded_once(ledger: Ledger) -> None:
    assert told(ledger, event(owner=None, reason="below no source")) == 1
    assert told(ledger, event(), event("b.pdf")) == 2, "another owner told the same takes nothing away"
    assert told(ledger, event(), event("b.pdf"), event("c.pdf")) == 1
    record_done(ledger, [each.id for each in claim_events(ledger, 10)], "d" * 36)
    assert told(ledger, event()) == 0
    assert [each.state for each in list_events(ledger, "anna", states=STATES)] == ["done"] * 3


@pytest.mark.parametrize("at_once", [False, True])
def test_events_are_worked_on_in_order(ledger: Ledger, monkeypatch: pytest.MonkeyPatch, at_once: bool) -> None:
    if at_once:
        now = literal(ledger.now())
        monkeypatch.setattr(event_ledger, "db_now", lambda: now)
    names = [f"{number}.pdf" for number in (5, 3, 9, 1)]
    told(ledger, *map(event, names))
    told(ledger, event("0.pdf"))
    assert [each.url.rpartition("/")[2] for each in claim_events(ledger, 10)] == [*names, "0.pdf"]
    assert claim_events(ledger, 10) == [], "no other process takes them"


@pytest.mark.parametrize("orders", ["12", "21"])
def test_of_an_object_only_the_latest_counts(ledger: Ledger, orders: str) -> None:
    told(ledger, *(event(order=order) for order in orders))
    latest = claim_one(ledger)
    assert latest.url == "s3://shop/a.pdf"
    (ignored,) = list_events(ledger, "anna", states=("ignored",))
    assert "later event" in (ignored.message or "")
    record_done(ledger, [latest.id], "d" * 36)
    told(ledger, event(order="0"))
    assert claim_events(ledger, 10) == []
    assert sorted(each.state for each in list_events(ledger, "anna", states=STATES)) == ["done", "ignored", "ignored"]


def test_object_that_kills_its_process_is_dead(ledger: Ledger) -> None:
    told(ledger, event())
    for tries in range(1, TRIES + 1):
        assert claim_one(ledger).tries == tries
        pass_time(ledger, CLAIM_SECONDS)
    assert claim_events(ledger, 10) == []
    (dead,) = list_events(ledger, "anna", states=("dead",))
    assert (dead.failure_kind, dead.next_try_at) == ("crashed_worker", None)


def test_renamed_owner_keeps_events_for_thirty_days(ledger: Ledger) -> None:
    begun(ledger, owner="anna")
    told(ledger, event(), event("b.pdf", reason="no picture"))
    owners.rename(ledger, "anna", "lena")
    assert {each.owner for each in list_events(ledger, "lena")} == {"lena"}
    pass_time(ledger, KEPT_SECONDS + 1)
    assert drop_old_rows(ledger, keep_seconds=1e9) == 1
    assert states(ledger) == {"a.pdf": "waiting"}


@pytest.mark.gate
def test_concurrent_processes_claim_each_event_once(ledger: Ledger) -> None:
    events = [event(f"{number}.pdf") for number in range(12)]
    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(lambda _: told(ledger, *events), range(4))) == 12
        claimed = list(pool.map(lambda _: claim_events(ledger, 5), range(4)))
    assert sorted(each.url for some in claimed for each in some) == sorted(each.url for each in events)
