"""The account by owner is the sum of nothing but that owner's own."""

import pytest

from swatchbook.domain.errors import UnknownOwner
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.owners import known_owners, require_owner
from swatchbook.store.ledger.queries import account
from swatchbook.store.ledger.queries.account import OwnerCounts, count_owners, owner_accounts
from tests.store.ledger.scene import begun, complete, keys


def test_every_owner_has_his_own_account(ledger: Ledger) -> None:
    begun(ledger, owner="anna", pictures=keys(3))
    begun(ledger, owner="bert", content="other", pictures=keys(5))
    begun(ledger, owner="bert", content="third", pictures=keys(6))
    begun(ledger, owner="cora", content="empty")
    found = owner_accounts(ledger)
    assert [(each.owner, each.documents, each.found, each.complete) for each in found] == [
        ("bert", 2, 6, 0), ("anna", 1, 3, 0), ("cora", 1, 0, 0),
    ]  # fmt: skip
    for each in found:
        alone = account.account(ledger, owner=each.owner).model_dump()
        assert {name: count for name, count in each.model_dump().items() if name in alone}.items() <= alone.items()
        assert each.found == each.complete + each.partial + each.failed + each.rejected + each.pending


def test_an_unknown_owner_is_told_the_nearest(ledger: Ledger) -> None:
    assert owner_accounts(ledger) == []
    with pytest.raises(UnknownOwner) as empty:
        require_owner(ledger, "anna")
    assert empty.value.advice == "Nothing has been ingested yet."
    for owner in ("bert", "anna", "Hanna"):
        begun(ledger, owner=owner)
    assert known_owners(ledger) == ["Hanna", "anna", "bert"]
    require_owner(ledger, "anna")
    require_owner(ledger, "cora", others={"cora"})
    with pytest.raises(UnknownOwner, match="There is no owner 'ana'") as unknown:
        require_owner(ledger, "ana")
    assert unknown.value.advice == "Known owners: anna, Hanna, bert."
    for number in range(12):
        begun(ledger, owner=f"shop-{number:02}")
    with pytest.raises(UnknownOwner) as unknown:
        require_owner(ledger, "shop-11x")
    assert unknown.value.advice
    assert unknown.value.advice.startswith("Known owners: shop-11, ")
    assert unknown.value.advice.count("shop-") == 10


def test_what_every_owner_has_is_counted_apart(ledger: Ledger) -> None:
    assert count_owners(ledger) == []
    complete(ledger, "oak", "ash")
    complete(ledger, "oak", "ash", owner="bert")  # shares every vector
    begun(ledger, owner="bert", content="other")
    anna, bert = count_owners(ledger)
    made = 2 + 2 + 2 + 1  # visual, color and understanding of each image, text of the chunk
    assert anna == OwnerCounts(owner="anna", documents={"completed": 1}, products=0, images=2, vectors=made, bytes=1)
    assert bert == anna.model_copy(update={"owner": "bert", "documents": {"completed": 1, "running": 1}, "bytes": 2})
