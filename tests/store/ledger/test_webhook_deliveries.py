"""Deliveries of webhooks: known for a week, each by its source."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from swatchbook.domain.records import identity
from swatchbook.store.ledger import webhooks
from swatchbook.store.ledger.database import Ledger
from tests.store.ledger.scene import pass_time

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
