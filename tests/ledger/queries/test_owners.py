"""The account by owner is the sum of nothing but that owner's own."""

from swatchbook.ledger.database import Ledger
from swatchbook.ledger.queries import account
from swatchbook.ledger.queries.owners import owner_accounts
from tests.ledger.scene import begun, keys


def test_every_owner_has_the_account_that_he_has_alone(ledger: Ledger) -> None:
    begun(ledger, owner="anna", pictures=keys(3))
    begun(ledger, owner="bert", content="other", pictures=keys(5))
    begun(ledger, owner="bert", content="third", pictures=keys(6))
    begun(ledger, owner="cora", content="empty")
    found = owner_accounts(ledger)
    assert [(each.owner, each.documents, each.found, each.missing) for each in found] == [
        ("bert", 2, 6, 6), ("anna", 1, 3, 3), ("cora", 1, 0, 0),
    ]  # fmt: skip
    for each in found:
        alone = account.account(ledger, owner=each.owner).model_dump()
        assert {name: count for name, count in each.model_dump().items() if name in alone}.items() <= alone.items()
        assert each.found == each.complete + each.partial + each.failed + each.rejected + each.pending


def test_an_empty_ledger_has_no_owner_accounts(ledger: Ledger) -> None:
    assert owner_accounts(ledger) == []
