"""Publishing to a real index: what one bad object costs, what an outage costs, and that it comes to an end."""

from collections.abc import Callable, Sequence

import pytest

from swatchbook.errors import DiskFull, Failure, IndexDown, PayloadTooLarge, ProviderError, RateLimited
from swatchbook.index.publish import publish_all, publish_round
from swatchbook.lab import Lab
from swatchbook.ledger import due, publishing, stages
from swatchbook.ledger.runs import Run
from swatchbook.ledger.tables import images
from tests.doubles.index import TroubledIndex
from tests.ledger.told import begin, extraction, image, make_all, placed, rows_of

PICTURES = tuple(f"picture {n}" for n in range(9))
POISON = image(PICTURES[4])


def made(lab: Lab, *names: str) -> Run:
    """A document whose pictures are made and not yet published."""
    run = begin(lab.ledger)
    stages.save_extraction(lab.ledger, run, extraction(*(placed(run, name) for name in names)))
    make_all(lab.ledger, run)
    return run


def on_poison(failure: Exception) -> Callable[[Sequence[str]], None]:
    def fail(ids: Sequence[str]) -> None:
        if POISON in ids:
            raise failure

    return fail


def searchable(lab: Lab) -> set[str]:
    """What every space holds."""
    held = [set(lab.index.ids(space)) for space, _ in publishing.spaces(lab.ledger)]
    assert all(ids == held[0] for ids in held)
    return held[0]


@pytest.mark.parametrize("failure", [PayloadTooLarge("413"), ProviderError("500"), RuntimeError("a bug")])
def test_one_object_that_the_index_chokes_on_is_refused_alone(lab: Lab, failure: Exception) -> None:
    made(lab, *PICTURES)
    lab.index = TroubledIndex(lab.index, upsert=on_poison(failure))
    done = publish_round(lab)
    assert (done.published, done.refused) == (8, 1)
    assert searchable(lab) == {image(name) for name in PICTURES} - {POISON}
    row = rows_of(lab.ledger, images)[POISON]
    assert row["publish_failure"]["kind"] == getattr(failure, "kind", "unexpected")
    assert row["publish_next"] > lab.ledger.now() + 800
    assert publish_round(lab).rows == 0


def test_one_object_that_cannot_be_deleted_stays_to_be_deleted_alone(lab: Lab) -> None:
    run = made(lab, *PICTURES)
    publish_round(lab)
    due.mark_deleting(lab.ledger, run.document)
    due.delete_rows(lab.ledger, run.document)
    lab.index = TroubledIndex(lab.index, delete=on_poison(ProviderError("500")))
    done = publish_round(lab)
    assert (done.removed, done.refused) == (8, 1)
    assert searchable(lab) == rows_of(lab.ledger, images).keys() == {POISON}
    assert not due.finish_delete(lab.ledger, run.document)


@pytest.mark.parametrize("failure", [IndexDown("away"), DiskFull("full"), RateLimited("slowly")])
def test_what_concerns_everybody_is_raised_and_frees_the_rows_at_once(lab: Lab, failure: Failure) -> None:
    made(lab, *PICTURES)
    index = lab.index
    lab.index = TroubledIndex(index, upsert=on_poison(failure))
    with pytest.raises(type(failure)):
        publish_round(lab)
    assert {row["publish_tries"] for row in rows_of(lab.ledger, images).values()} == {0}
    lab.index = index
    assert publish_round(lab).published == 9


def test_publishing_ends_though_rows_are_refused_and_raised_without_end(lab: Lab) -> None:
    made(lab, *PICTURES)
    lab.index = TroubledIndex(lab.index, upsert=on_poison(ProviderError("500")))
    rounds = 0

    def raise_again() -> None:
        nonlocal rounds
        rounds += 1
        assert rounds < 100
        publishing.mark_all_dirty(lab.ledger)

    assert publish_all(lab, at_most=0.0, alive=raise_again).refused > 1


def test_an_outage_is_sat_out_and_then_raised(lab: Lab) -> None:
    made(lab, *PICTURES)
    tries = 0

    def away(_: object) -> None:
        nonlocal tries
        tries += 1
        raise IndexDown("away")

    lab.index = TroubledIndex(lab.index, upsert=away)
    with pytest.raises(IndexDown):
        publish_all(lab, at_most=0.5)
    assert tries == 2
