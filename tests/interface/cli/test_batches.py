"""`swatchbook batches` and the page Coverage list the batches of providers, with cost, time limit and trouble."""

import pytest

from swatchbook.ledger import batched_calls
from swatchbook.ledger.calls import Answer
from swatchbook.ledger.queries.batches import batch_states
from swatchbook.resources import Resources
from tests.command import run, run_json
from tests.interface.conftest import ALL, ANNA, asking, bearing
from tests.interface.web.conftest import Page
from tests.ledger.scene import pass_time
from tests.ledger.test_batched_calls import ask, later, queue


@pytest.fixture
def two(resources: Resources) -> Resources:
    """A batch at the provider with two calls, one of which is answered, and one that still collects."""
    ledger = resources.ledger
    context = later(ledger)
    queue(context, "oak", most_calls=2)
    queue(context, "ash", most_calls=2)
    (sent,) = batched_calls.due_batches(ledger, settle_seconds=0, at_once=True)
    batched_calls.start_sending(ledger, sent)
    batched_calls.record_sent(ledger, sent, "batch_1", expires_at=ledger.now() + 7_300)
    batched_calls.take_in(ledger, sent, [(ask("oak").request, Answer(answer={"text": "oak"}, cost_usd=0.25))])
    batched_calls.look_later(ledger, sent, 300, message="The key was refused.")
    queue(context, "elm", most_calls=2)
    return resources


def test_batches_are_listed_with_cost_and_limit(two: Resources) -> None:
    open_, sent = run_json("batches")
    assert (open_["state"], open_["calls"], open_["answered"], open_["cost_usd"]) == ("open", 1, 0, None)
    assert (sent["state"], sent["calls"], sent["answered"], sent["provider"]) == ("sent", 2, 1, "there")
    assert (sent["cost_usd"], sent["at_most_usd"], sent["remote"]) == (0.25, 1.0, "batch_1")
    shown = " ".join(run("batches", COLUMNS="300").split())
    for words in ("at the provider", "collects calls", "$0.25 + at most $1.00", "in 2:01 h", "The key was refused."):
        assert words in shown
    batched_calls.end(two.ledger, sent["id"], message="It expired.", left="lost")
    assert [each["state"] for each in run_json("batches")] == ["open"]
    ended = run_json("batches", "--ended")[1]
    assert (ended["state"], ended["message"]) == ("ended", "It expired. Calls without an answer: 1.")


def test_only_a_batch_that_has_not_ended_is_over(two: Resources) -> None:
    pass_time(two.ledger, 8_000)
    assert " over " in run("batches", COLUMNS="300")
    batched_calls.end(two.ledger, run_json("batches")[1]["id"], message="It expired.", left="lost")
    assert " over " not in run("batches", "--ended", COLUMNS="300")


def test_without_batches_it_says_so(resources: Resources) -> None:
    assert batch_states(resources.ledger) == []
    assert run_json("batches") == []


@pytest.mark.usefixtures("keys", "filled")
def test_the_page_lists_batches_for_keys_of_all_owners(two: Resources) -> None:
    with asking() as client:
        pages = {
            key: Page(client.get("/ui/coverage", headers={**bearing(key), "Accept": "text/html"}).text)
            for key in (ANNA, ALL)
        }
        stated = {key: client.get("/coverage", headers=bearing(key)).json()["batches"] for key in (ANNA, ALL)}
    assert [len(stated[key]) for key in (ANNA, ALL)] == [0, 2]
    assert not pages[ANNA].all("h3", id="batches")
    assert pages[ALL].all("h3", id="batches")
    for words in ("seer at there", "at the provider", "$0.25 + at most $1.00", "The key was refused."):
        assert words in pages[ALL].text
        assert words not in pages[ANNA].text
