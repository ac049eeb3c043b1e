"""A change of model while people search: the new space is filled beside the old one, and one transaction switches."""

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from swatchbook.domain.settings import load_settings
from swatchbook.resources import open_resources
from swatchbook.store.ledger import runs
from swatchbook.store.ledger.database import open_ledger
from swatchbook.store.ledger.space_objects import count_vectors
from swatchbook.store.ledger.stored_documents import list_documents
from swatchbook.store.ledger.tables import items
from swatchbook.upkeep.spaces import chosen_pairs
from tests.command import attempt, forked, run, run_json
from tests.models.providers.standin import KEY, Provider, provider
from tests.store.ledger.scene import begin_fill


@pytest.fixture
def voyage() -> Iterator[Provider]:
    """A server that speaks Voyage's embeddings."""
    with provider() as there:
        yield there


def choose_voyage(voyage: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWATCHBOOK_TEXT_ENCODER", "voyage")
    monkeypatch.setenv("SWATCHBOOK_TEXT__URL", voyage.openai_url)
    monkeypatch.setenv("SWATCHBOOK_TEXT__API_KEY", KEY)


@pytest.mark.stack
def test_text_encoder_changes_there_and_back_during_search(
    filled: Path, voyage: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = run_json("search", "oak floor", "--owner", "anna")
    choose_voyage(voyage, monkeypatch)
    stale = run_json("stats", "coverage", "--all-owners")["stale"]
    assert {each["role"]: each["stale"] for each in stale} == {"understanding": 14, "text": 23}
    (text,) = run_json("stats", "coverage", "--owner", "anna", "--roles", "text")["stale"]
    assert text["role"] == "text"
    assert {each["role"] for each in run_json("fill", "spaces", "--dry-run")["roles"]} == {"understanding", "text"}
    assert not voyage.paid
    status, _, err = attempt("spaces", "activate")
    assert (status, "fill spaces" in err) == (1, True)
    filled = run_json("fill", "spaces")
    assert filled["lacks"] == []
    assert run_json("search", "oak floor", "--owner", "anna") == before
    paid = len(voyage.paid)
    assert paid
    assert run_json("fill", "spaces")["made"] == 0
    assert len(voyage.paid) == paid

    assert {each["role"] for each in run_json("spaces", "activate")["active"]} == {"understanding", "text"}
    assert run_json("stats", "coverage", "--all-owners")["stale"] == []
    after = run_json("search", "oak floor", "--owner", "anna")
    assert after != before
    run("spaces", "rollback")
    assert run_json("search", "oak floor", "--owner", "anna") == before
    run("spaces", "activate")
    assert run_json("search", "oak floor", "--owner", "anna") == after
    run("spaces", "drop-old", "--yes")

    monkeypatch.setenv("SWATCHBOOK_TEXT_ENCODER", "e5")
    assert run_json("search", "oak floor", "--owner", "anna") == after
    run("fill", "spaces")
    run("spaces", "activate")
    run("spaces", "drop-old", "--yes")
    assert run_json("search", "oak floor", "--owner", "anna") == before
    listed = run_json("spaces")
    assert all(len(role["spaces"]) == 1 for role in listed["roles"])
    assert listed["stale"] == []


def test_killed_fill_goes_on_and_pays_nothing_twice(
    filled: Path, voyage: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose_voyage(voyage, monkeypatch)
    voyage.delay = lambda: 0.3
    url = f"sqlite:///{filled / 'ledger.sqlite'}"
    with forked("fill", "spaces") as command, closing(open_ledger(url)) as ledger:
        while len(voyage.asked) < 2:  # the first batch is published before the second one is sent
            assert command.poll() is None
            time.sleep(0.05)
        command.kill()
        made = sum(each.objects for each in count_vectors(ledger) if "voyage" in each.tag)
    assert 0 < made < 37, "it was killed before its end"
    sent = len(voyage.asked)
    voyage.delay = lambda: 0.0
    filled = run_json("fill", "spaces")
    assert filled["lacks"] == []
    first, second = voyage.asked[0][0].texts, [text for asked, _ in voyage.asked[sent:] for text in asked.texts]
    assert set(first).isdisjoint(second)
    assert len(second) == len(set(second))


def test_a_fill_of_what_waits_says_until_when(filled: Path, voyage: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    choose_voyage(voyage, monkeypatch)
    with open_resources(load_settings()) as resources:
        pairs = [pair for pair in chosen_pairs(resources) if pair.tag.startswith("voyage")]
        (document,) = list_documents(resources.ledger)
        begun = begin_fill(resources.ledger, document.id, *pairs)
        with resources.ledger.write() as connection:
            moment = resources.ledger.now() + 7_000
            pausing = items.update().where(items.c.tag == pairs[0].tag)
            connection.execute(pausing.values(next_retry_at=moment))
        runs.end_part(resources.ledger, begun)
    printed = run("fill", "spaces", expect=3)
    for words in ("0 items made", "23 wait for a later try (in 1:5", "nothing can be made now; go on in 1:5"):
        assert words in printed
    assert not voyage.paid
    lacks = run_json("fill", "spaces", expect=3)["lacks"]
    assert [(lack["open"], lack["waiting"], lack["next_try"]) for lack in lacks] == [(14, 14, moment), (23, 23, moment)]
