"""Publishing to a real index: what one bad object costs, what an outage costs, and that it comes to an end."""

from collections.abc import Callable, Mapping, Sequence

import pytest

from swatchbook.domain.errors import DiskFull, Failure, IndexDown, PayloadTooLarge, ProviderError, RateLimited
from swatchbook.index.contract import IndexObject, Space
from swatchbook.ingest.publish import publish_all, publish_round
from swatchbook.resources import Resources
from swatchbook.store.ledger import publishing
from swatchbook.store.ledger.document_commands import delete_rows, finish_delete, mark_deleting
from swatchbook.store.ledger.space_registry import registered
from swatchbook.store.ledger.tables import images
from tests.doubles.index import TroubledIndex, troubled
from tests.ingest.test_late_writes import made
from tests.store.ledger.scene import image, rows_of

PICTURES = tuple(f"picture {n}" for n in range(9))
POISON = image(PICTURES[4])


def on_poison(failure: Exception) -> Callable[[Sequence[str]], None]:
    def fail(ids: Sequence[str]) -> None:
        if POISON in ids:
            raise failure

    return fail


def searchable(resources: Resources) -> set[str]:
    """What every space holds."""
    held = [set(resources.index.ids(space)) for space in [each.space for each in registered(resources.ledger)]]
    assert all(ids == held[0] for ids in held)
    return held[0]


@pytest.mark.parametrize("failure", [PayloadTooLarge("413"), ProviderError("500"), RuntimeError("a bug")])
def test_object_that_chokes_the_index_is_refused_alone(resources: Resources, failure: Exception) -> None:
    made(resources, *PICTURES)
    resources.index = TroubledIndex(resources.index, upsert=on_poison(failure))
    done = publish_round(resources)
    assert (done.published, done.refused) == (8, 1)
    assert searchable(resources) == {image(name) for name in PICTURES} - {POISON}
    row = rows_of(resources.ledger, images)[POISON]
    assert row["publish_failure"]["kind"] == getattr(failure, "kind", "unexpected")
    assert row["publish_next"] > resources.ledger.now() + 800
    assert publish_round(resources).rows == 0


def test_only_the_object_that_cannot_be_deleted_stays(resources: Resources) -> None:
    run = made(resources, *PICTURES)
    publish_round(resources)
    mark_deleting(resources.ledger, run.document)
    delete_rows(resources.ledger, run.document)
    resources.index = TroubledIndex(resources.index, delete=on_poison(ProviderError("500")))
    done = publish_round(resources)
    assert (done.removed, done.refused) == (8, 1)
    assert searchable(resources) == rows_of(resources.ledger, images).keys() == {POISON}
    assert not finish_delete(resources.ledger, run.document)


@pytest.mark.parametrize("failure", [IndexDown("away"), DiskFull("full"), RateLimited("slowly")])
def test_general_failure_is_raised_and_frees_its_rows(resources: Resources, failure: Failure) -> None:
    made(resources, *PICTURES)
    with troubled(resources, upsert=on_poison(failure)), pytest.raises(type(failure)):
        publish_round(resources)
    assert {row["publish_tries"] for row in rows_of(resources.ledger, images).values()} == {0}
    assert publish_round(resources).published == 9


def test_what_is_due_in_the_last_round_waits(resources: Resources, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a publisher beside an ingest would go on with rounds of the few that are made during each."""
    made(resources, *PICTURES)
    upsert, writes = resources.index.upsert, list[int]()

    def make_more(space: Space, objects: Sequence[IndexObject]) -> Mapping[str, Failure]:
        writes.append(len(objects))
        publishing.mark_dirty(resources.ledger)
        return upsert(space, objects)

    monkeypatch.setattr(resources.index, "upsert", make_more)
    assert publish_all(resources, at_most=0.0).published == 9
    assert writes == [9] * len(registered(resources.ledger))
    assert publishing.count_unpublished(resources.ledger) == 9


def test_publishing_ends_though_rows_are_refused(resources: Resources, monkeypatch: pytest.MonkeyPatch) -> None:
    made(resources, *PICTURES)
    monkeypatch.setattr("swatchbook.ingest.publish.ROWS", 9)  # every round is full
    resources.index = TroubledIndex(resources.index, upsert=on_poison(ProviderError("500")))
    rounds = 0

    def raise_again() -> None:
        nonlocal rounds
        rounds += 1
        assert rounds < 100
        publishing.mark_dirty(resources.ledger)

    assert publish_all(resources, at_most=0.0, alive=raise_again).refused > 1


@pytest.mark.parametrize("fails", [1, 99])
def test_outage_is_sat_out_but_not_without_end(resources: Resources, fails: int) -> None:
    made(resources, *PICTURES)
    tries = list[object]()

    def away(ids: object) -> None:
        tries.append(ids)
        if len(tries) <= fails:
            raise IndexDown("away")

    resources.index = TroubledIndex(resources.index, upsert=away)
    if fails == 1:
        assert publish_all(resources, at_most=0.5).published == 9
    else:
        with pytest.raises(IndexDown):
            publish_all(resources, at_most=0.5)
        assert len(tries) == 2
    assert {row["publish_tries"] for row in rows_of(resources.ledger, images).values()} == {0}
