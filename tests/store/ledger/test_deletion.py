"""What a delete is said to remove is what it removes."""

import pytest

from swatchbook.domain.records import Deletion
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.document_commands import count_deletion
from swatchbook.store.ledger.queries.coverage import count_statistics
from tests.store.ledger.scene import complete, delete


def test_what_a_document_alone_shows_is_counted(ledger: Ledger) -> None:
    only = complete(ledger, "oak", "ash").document
    complete(ledger, "oak", owner="bert")
    assert count_deletion(ledger, only) == Deletion(documents=1, images=2)


@pytest.mark.parametrize(("names", "hidden"), [(("ash", "elm"), ()), ((), ()), (("elm",), ("oak",))])
def test_what_other_documents_show_is_neither_counted_nor_removed(
    ledger: Ledger, names: tuple[str, ...], hidden: tuple[str, ...]
) -> None:
    complete(ledger, *names, content="supplement", hidden=hidden)
    gone = complete(ledger, "oak", "ash").document
    told, before = count_deletion(ledger, gone), count_statistics(ledger).coverage.total_images
    assert delete(ledger, gone)
    assert told.images == before - count_statistics(ledger).coverage.total_images


def test_deleting_an_owner_removes_what_its_documents_share(ledger: Ledger) -> None:
    complete(ledger, "oak", "ash")
    complete(ledger, "oak", content="supplement")
    assert count_deletion(ledger, owner="anna") == Deletion(documents=2, images=2)
    assert count_deletion(ledger, owner="bert") == Deletion(documents=0, images=0)
