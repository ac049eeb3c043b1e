"""What changed in documents since a time, on each database."""

from swatchbook.store.ledger import edited_products, owners, trashed_documents
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.queries.changes import changed_documents, trashed_products
from swatchbook.store.ledger.queries.document_parts import list_products
from tests.store.ledger import scene
from tests.store.ledger.scene import begin_again, complete, extraction, link, placed


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


def test_products_in_the_trash_are_as_they_were(ledger: Ledger) -> None:
    run = scene.begin(ledger)
    found = extraction(placed(run, "oak"), placed(run, "ash", page=2))
    oak, ash = (each.id for each in found.placements)
    plank, tile = scene.product(run, "Plank"), scene.product(run, "Tile")
    scene.ingest(ledger, run, found)
    again = begin_again(ledger, run, fingerprint="again")
    linked = [link(ash, plank, score=0.5), link(oak, plank, score=0.9), link(ash, tile)]
    edited_products.save_assembly(ledger, again, [plank, tile], linked)
    before = [each.model_copy(update={"look_at": ()}) for _, each in list_products(ledger, run.document, limit=9)]
    assert [len(each.pictures) for each in before] == [2, 1]
    trashed_documents.move_to_trash(ledger, run.document)
    (trashed,) = trashed_documents.list_trash(ledger)
    assert trashed_products(ledger, trashed) == before
    trashed_documents.end_trashed(ledger, run.document)
    assert trashed_products(ledger, trashed) == []
