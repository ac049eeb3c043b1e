"""A document in the trash: nothing finds or counts it, it comes back whole, and a day later it is gone."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.records import DocumentStatus, sha256, text_key
from swatchbook.domain.settings import Settings
from swatchbook.index.contract import Where
from swatchbook.ingest.delete import delete, delete_owner, restore, restore_source, throw_away
from swatchbook.ingest.publish import publish_round
from swatchbook.resources import Resources, open_resources
from swatchbook.store.ledger import edited_products, publishing, stage_results
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.document_editions import declare_edition
from swatchbook.store.ledger.owners import known_owners, rename
from swatchbook.store.ledger.queries.account import account
from swatchbook.store.ledger.queries.filters import facets_of
from swatchbook.store.ledger.retention import TRASH_SECONDS, collect
from swatchbook.store.ledger.space_registry import registered
from swatchbook.store.ledger.stored_documents import get_document, list_documents
from swatchbook.store.ledger.tables import contents, documents, images, items, metadata, trash, vectors
from swatchbook.store.ledger.trashed_documents import (
    find_trashed,
    get_trashed,
    list_trash,
    move_to_trash,
    restore_trashed,
)
from swatchbook.upkeep.gc import sweep
from swatchbook.upkeep.verify import verify
from swatchbook_backup.restore import restore as restore_backup
from swatchbook_backup.write import back_up
from tests.store.ledger import scene
from tests.store.ledger.scene import chunked, extraction, link, make_all, placed, product

OF_DOCUMENTS = ("documents", "images", "placements", "products", "chunks", "links", "requested")
PUBLISHING = {
    "dirty", "made", "published", "publish_next", "publish_until", "publish_lease", "updated_at", "commanded_at",
}  # fmt: skip


def make(resources: Resources, *names: str, content: str = "catalogue", owner: str = "anna") -> str:
    """A completed document with these pictures, a product and a text, published; its id."""
    run = scene.begin(resources.ledger, content=content, owner=owner)
    stage_results.save_chunks(resources.ledger, run, chunked(run, f"About {content}."))
    shown = [placed(run, name) for name in names]
    stage_results.save_extraction(resources.ledger, run, extraction(*shown))
    sold = product(run, f"Chair {content}")
    edited_products.save_assembly(resources.ledger, run, [sold], [link(shown[0].id, sold)])
    make_all(resources.ledger, run)
    publish_round(resources)
    scene.end(resources.ledger, run)
    return run.document


def rows(ledger: Ledger) -> dict[str, list[dict[str, Any]]]:
    """What the ledger says of documents, without how it is published."""
    found = {name: ledger.execute(select(metadata.tables[name])).mappings().all() for name in OF_DOCUMENTS}
    kept = {
        name: [{k: v for k, v in row.items() if k not in PUBLISHING} for row in rows] for name, rows in found.items()
    }
    return {name: sorted(each, key=str) for name, each in kept.items()}


def indexed(resources: Resources) -> dict[str, set[str]]:
    return {each.space.name: set(resources.index.ids(each.space)) for each in registered(resources.ledger)}


def test_nothing_finds_lists_or_counts_what_is_trashed(resources: Resources) -> None:
    document = make(resources, "oak", "ash")
    assert throw_away(resources, document)
    assert set().union(*indexed(resources).values()) == set()
    assert (list_documents(resources.ledger), account(resources.ledger).found) == ([], 0)
    assert [facets_of(resources.read_cache(), by, Where()).total for by in ("image", "product", "chunk")] == [0, 0, 0]  # type: ignore[arg-type]
    assert all((each.missing, each.foreign) == (0, 0) for each in verify(resources).spaces)
    assert [(each.document, each.products, each.images) for each in list_trash(resources.ledger)] == [(document, 1, 2)]


def test_restored_document_is_unchanged_and_makes_nothing(resources: Resources) -> None:
    document, other = make(resources, "oak", "ash"), make(resources, "ash", content="other")
    before, found = rows(resources.ledger), indexed(resources)
    made = scene.count(resources.ledger, vectors)
    throw_away(resources, document)
    collect(resources.ledger, resources.files, older_than=0)
    assert restore(resources, document).status is DocumentStatus.COMPLETED
    assert rows(resources.ledger) == before
    assert indexed(resources) == found
    assert scene.count(resources.ledger, vectors) == made
    assert publishing.count_unpublished(resources.ledger) == 0
    assert all((each.missing, each.foreign) == (0, 0) for each in verify(resources).spaces)
    assert {get_document(resources.ledger, each).status for each in (document, other)} == {DocumentStatus.COMPLETED}


def test_document_trashed_while_running_is_queued_when_restored(resources: Resources) -> None:
    run = scene.begun(resources.ledger, pictures=scene.keys(2))
    throw_away(resources, run.document)
    assert restore(resources, run.document).status is DocumentStatus.QUEUED
    assert scene.count(resources.ledger, items) > 0


@pytest.mark.parametrize("killed_after", ["move", "rows"])
def test_delete_that_was_killed_is_restored_or_finished(resources: Resources, killed_after: str) -> None:
    document = make(resources, "oak")
    before, found = rows(resources.ledger), indexed(resources)
    move_to_trash(resources.ledger, document)
    assert list_documents(resources.ledger) == []
    if killed_after == "rows":
        publish_round(resources)
    restore(resources, document)
    assert (rows(resources.ledger), indexed(resources)) == (before, found)


def test_a_source_that_is_registered_again_comes_back(resources: Resources) -> None:
    document = make(resources, "oak")
    content = get_document(resources.ledger, document).content
    throw_away(resources, document)
    restore_source(resources, "bob", content)
    assert get_trashed(resources.ledger, document)
    restore_source(resources, "anna", content)
    assert get_document(resources.ledger, document).status is DocumentStatus.COMPLETED
    assert list_trash(resources.ledger) == []


def test_delete_removes_what_an_earlier_one_left_unused(resources: Resources) -> None:
    first, second = make(resources, "oak", "ash"), make(resources, "ash", content="other")
    assert delete(resources, first)
    said = text_key("Material: oak.")  # of both pictures
    assert {sha256(b"oak"), text_key("About catalogue.")} <= unused_keys(resources.ledger)
    assert not unused_keys(resources.ledger) & {sha256(b"ash"), said, text_key("About other.")}
    scene.pass_time(resources.ledger, 3_601)
    assert delete(resources, second)
    assert scene.count(resources.ledger, contents, key=sha256(b"oak")) == 0
    assert {sha256(b"ash"), said, text_key("About other.")} <= unused_keys(resources.ledger)


def unused_keys(ledger: Ledger) -> set[str]:
    return set(ledger.execute(select(contents.c.key).where(contents.c.unused_since.is_not(None))).scalars())


def test_trash_goes_after_a_day_with_its_vectors(resources: Resources) -> None:
    document = make(resources, "oak")
    throw_away(resources, document)
    assert sweep(resources).trashed == 0
    scene.pass_time(resources.ledger, TRASH_SECONDS + 1)
    assert sweep(resources).trashed == 1
    assert list_trash(resources.ledger) == []
    for _ in range(2):  # the first one marks what is unused
        scene.pass_time(resources.ledger, 3_601)
        collect(resources.ledger, resources.files)
    assert scene.count(resources.ledger, vectors) == 0
    with pytest.raises(InvalidReference):
        restore_trashed(resources.ledger, document)


def test_owner_is_renamed_and_deleted_with_the_trash(resources: Resources) -> None:
    document = make(resources, "oak")
    throw_away(resources, document)
    assert known_owners(resources.ledger) == ["anna"]
    assert rename(resources.ledger, "anna", "ann")
    make(resources, "ash", owner="carl")
    with pytest.raises(InvalidReference, match="already an owner"):
        rename(resources.ledger, "carl", "ann")
    assert restore(resources, document).owner == "ann"
    assert set(resources.ledger.execute(select(images.c.owner).where(images.c.owner != "carl")).scalars()) == {"ann"}
    throw_away(resources, document)
    delete_owner(resources, "ann")
    assert "ann" not in known_owners(resources.ledger)


def test_restored_edition_takes_its_place_again(resources: Resources) -> None:
    old, new = make(resources, "oak", content="old"), make(resources, "ash", content="new")
    with resources.ledger.write() as connection:
        declare_edition(connection, new, old)
    assert get_document(resources.ledger, old).superseded_by == new
    throw_away(resources, new)
    assert get_document(resources.ledger, old).superseded_by is None
    restore(resources, new)
    assert get_document(resources.ledger, old).superseded_by == new
    throw_away(resources, old)
    assert get_document(resources.ledger, new).edition_of is None
    restore(resources, old)
    assert get_document(resources.ledger, new).edition_of == old
    assert get_document(resources.ledger, old).superseded_by == new


def test_only_owners_find_trash_by_beginning_or_name(resources: Resources) -> None:
    document = make(resources, "oak")
    name = get_document(resources.ledger, document).name
    throw_away(resources, document)
    for text in (document, document[:6], name):
        assert find_trashed(resources.ledger, text, "anna").document == document
        with pytest.raises(InvalidReference):
            find_trashed(resources.ledger, text, "bob")


def test_backup_leaves_out_what_is_in_the_trash(resources: Resources, tmp_path: Path) -> None:
    kept, document = make(resources, "oak"), make(resources, "ash", content="other")
    throw_away(resources, document)
    back_up(resources, tmp_path / "backup", progress=lambda done, total: None)
    with open_resources(Settings(home=tmp_path / "elsewhere")) as there:
        restore_backup(there, tmp_path / "backup", progress=lambda done, total: None)
        assert [each.id for each in list_documents(there.ledger)] == [kept]
        assert (scene.count(there.ledger, trash), scene.count(there.ledger, documents)) == (0, 1)
        assert scene.count(there.ledger, vectors) < scene.count(resources.ledger, vectors)
