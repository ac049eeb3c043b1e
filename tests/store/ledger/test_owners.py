"""A renamed owner keeps every id, and the old name is free for a collection of its own."""

import pytest

from swatchbook.domain.errors import InvalidReference, UnknownOwner
from swatchbook.domain.records import document_id, sha256
from swatchbook.store.ledger import owners, stage_results
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.tables import documents, images
from tests.store.ledger import scene
from tests.store.ledger.scene import begin, begin_again, complete, end, extraction, placed


def ids_by_owner(ledger: Ledger) -> dict[str, set[str]]:
    """owner -> ids of its images."""
    found = dict[str, set[str]]()
    for image, row in scene.rows_of(ledger, images).items():
        found.setdefault(row["owner"], set()).add(image)
    return found


def test_same_file_after_a_rename_of_its_owner(ledger: Ledger) -> None:
    run = complete(ledger, "oak")
    owners.rename(ledger, "anna", "lena")
    again = scene.queued(ledger, owner="lena")
    assert again.id == run.document == owners.id_of_document(ledger, "lena", sha256(b"catalogue"))
    anew = complete(ledger, "oak", owner="anna")
    assert anew.document not in (run.document, document_id("lena", sha256(b"catalogue")))
    assert {owner: len(ids) for owner, ids in ids_by_owner(ledger).items()} == {"lena": 1, "anna": 1}
    assert {row["owner"] for row in scene.rows_of(ledger, documents).values()} == {"lena", "anna"}
    assert scene.delete(ledger, anew.document), "what has the old name can go without what had it before"
    assert scene.states(ledger, run.document).keys() == ids_by_owner(ledger)["lena"]


def test_a_run_works_on_for_the_renamed_owner(ledger: Ledger) -> None:
    before = complete(ledger, "oak")
    run = begin_again(ledger, before, fingerprint="again")
    owners.rename(ledger, "anna", "lena")
    stage_results.save_extraction(ledger, run, extraction(placed(run, "oak"), placed(run, "elm")))
    end(ledger, run)
    assert ids_by_owner(ledger).keys() == {"lena"}
    assert len(ids_by_owner(ledger)["lena"]) == 2


def test_a_rename_never_joins_two_collections(ledger: Ledger) -> None:
    first = complete(ledger, "oak")
    complete(ledger, "ash", owner="bert")
    for status in ("completed", "deleting"):
        scene.change(ledger, documents, documents.c.owner == "bert", status=status)
        with pytest.raises(InvalidReference, match="already an owner 'bert'"):
            owners.rename(ledger, "anna", "bert")
    assert not owners.rename(ledger, "nobody", "lena")
    assert owners.rename(ledger, "anna", "lena")
    dirty = scene.dirt(ledger, images)
    assert owners.rename(ledger, "anna", "lena"), "it is done"
    assert scene.dirt(ledger, images) == dirty
    assert not owners.rename(ledger, "anna", "mona"), "nobody has that name"
    for old, new in (("lena", "mona"), ("mona", "anna")):
        assert owners.rename(ledger, old, new)
    assert scene.queued(ledger, owner="anna").id == first.document
    begin(ledger, owner="lena")
    with pytest.raises(InvalidReference, match="already an owner 'lena'"):
        owners.rename(ledger, "anna", "lena")


def test_an_unknown_owner_is_told_the_nearest(ledger: Ledger) -> None:
    with pytest.raises(UnknownOwner) as empty:
        owners.require_owner(ledger, "anna")
    assert empty.value.advice == "Nothing has been ingested yet."
    for owner in ("bert", "anna", "Hanna"):
        scene.begun(ledger, owner=owner)
    assert owners.known_owners(ledger) == ["Hanna", "anna", "bert"]
    owners.require_owner(ledger, "anna")
    owners.require_owner(ledger, "cora", others={"cora"})
    with pytest.raises(UnknownOwner, match="There is no owner 'ana'") as unknown:
        owners.require_owner(ledger, "ana")
    assert unknown.value.advice == "Known owners: anna, Hanna, bert."
    for number in range(12):
        scene.begun(ledger, owner=f"shop-{number:02}")
    with pytest.raises(UnknownOwner) as unknown:
        owners.require_owner(ledger, "shop-11x")
    assert unknown.value.advice
    assert unknown.value.advice.startswith("Known owners: shop-11, ")
    assert unknown.value.advice.count("shop-") == 10
