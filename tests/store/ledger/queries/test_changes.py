"""What changed in documents since a time, on each database."""

from swatchbook.store.ledger import owners
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.queries.changes import changed_documents
from tests.store.ledger import scene
from tests.store.ledger.scene import begin_again, complete


def test_documents_are_new_changed_or_untouched(ledger: Ledger) -> None:
    old, other = complete(ledger, "oak"), complete(ledger, "ash", owner="bert", content="other")
    scene.pass_time(ledger, 3_600)
    since = ledger.now()
    assert not changed_documents(ledger, since).new | changed_documents(ledger, since).changed
    new = complete(ledger, "elm", content="new")
    begin_again(ledger, old, fingerprint="again")
    found = changed_documents(ledger, since)
    assert (found.new, found.changed) == ({new.document}, {old.document})
    owners.rename(ledger, "bert", "lena")
    assert changed_documents(ledger, since).changed == {old.document, other.document}, "its exports name the owner"


def test_a_live_run_counts_as_a_change(ledger: Ledger) -> None:
    run = scene.begun(ledger)
    scene.pass_time(ledger, 3_600)
    assert changed_documents(ledger, ledger.now()).changed == {run.document}
    scene.end(ledger, run)
    assert changed_documents(ledger, ledger.now() + 1).changed == frozenset()
