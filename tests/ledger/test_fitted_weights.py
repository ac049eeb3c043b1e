"""Weights that were fitted are kept for their owner, used by new documents, and turned off again."""

import pytest

from swatchbook.errors import InvalidReference
from swatchbook.ledger.database import Ledger
from swatchbook.ledger.fitted_weights import (
    forget_weights,
    has_weights,
    list_weights,
    load_weights,
    turn_off,
    use_weights,
    weights_in_use,
)
from swatchbook.ledger.owners import rename
from swatchbook.ledger.stored_documents import PDF, queue
from swatchbook.records import FittedWeights, IngestOptions, LeftOut, sha256

ONE, OTHER = "1" * 16, "2" * 16
LEFT_OUT = (LeftOut(document="d", shipped=0.5, fitted=0.75, expected_shipped=0.4, expected_fitted=0.6),)


def use(ledger: Ledger, id: str = ONE, *, owner: str = "anna") -> FittedWeights:
    return use_weights(ledger, owner, id=id, weights=f"weights {id}", lessons=7, left_out=LEFT_OUT, by="anna")


def document_of(ledger: Ledger, owner: str) -> str:
    content = sha256(owner.encode())
    return queue(
        ledger, owner=owner, content=content, kind=PDF, name="oak.pdf", file=f"{content}.pdf", size=1,
        options=IngestOptions(),
    ).id  # fmt: skip


def test_the_last_ones_are_in_use_until_they_are_turned_off(ledger: Ledger) -> None:
    assert weights_in_use(ledger, "anna") == ""
    first = use(ledger)
    assert (first.id, first.in_use, first.lessons, first.left_out) == (ONE, True, 7, LEFT_OUT)
    use(ledger, OTHER)
    assert weights_in_use(ledger, "anna") == OTHER
    assert [(each.id, each.in_use) for each in list_weights(ledger, "anna")] == [(ONE, False), (OTHER, True)]
    turned_off = turn_off(ledger, "anna", by="bert")
    assert (turned_off.id, turned_off.off_by, turned_off.in_use) == (OTHER, "bert", False)
    assert weights_in_use(ledger, "anna") == "", "not those before them"
    with pytest.raises(InvalidReference, match="No fitted weights are in use"):
        turn_off(ledger, "anna", by="bert")


def test_weights_that_were_off_count_again(ledger: Ledger) -> None:
    use(ledger)
    turn_off(ledger, "anna", by="bert")
    again = use(ledger)
    assert (again.in_use, again.off_by, again.off_at) == (True, None, None)
    assert len(list_weights(ledger, "anna")) == 1


def test_a_document_finds_those_of_its_owner_only(ledger: Ledger) -> None:
    use(ledger)
    use(ledger, OTHER, owner="bert")
    hers = document_of(ledger, "anna")
    assert load_weights(ledger, hers, ONE) == f"weights {ONE}"
    with pytest.raises(InvalidReference, match=OTHER):
        load_weights(ledger, hers, OTHER)
    assert has_weights(ledger, "bert", OTHER)
    assert not has_weights(ledger, "anna", OTHER)


def test_a_renamed_owner_keeps_them(ledger: Ledger) -> None:
    use(ledger)
    use(ledger, OTHER, owner="clara")  # of a collection that is gone
    hers = document_of(ledger, "anna")
    assert rename(ledger, "anna", "clara")
    assert [each.id for each in list_weights(ledger, "clara")] == [ONE]
    assert load_weights(ledger, hers, ONE) == f"weights {ONE}"
    assert list_weights(ledger, "anna") == []


def test_forgotten_weights_are_those_of_one_owner(ledger: Ledger) -> None:
    use(ledger)
    use(ledger, owner="bert")
    with ledger.write() as connection:
        forget_weights(connection, "anna")
    assert weights_in_use(ledger, "anna") == ""
    assert weights_in_use(ledger, "bert") == ONE
