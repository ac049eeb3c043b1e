"""The items of a folder on both databases: saved in portions, replaced one by one, known again, gone and removed."""

from collections.abc import Sequence

import pytest

from swatchbook.ledger import source_items
from swatchbook.ledger.database import Ledger
from swatchbook.ledger.runs import Run
from swatchbook.ledger.source_items import complete_items, count_items, incomplete_ids
from swatchbook.ledger.tables import images, links, placements, products
from swatchbook.records import (
    NO_PAGE,
    Extraction,
    Picture,
    Placement,
    PlacementState,
    Product,
    ReadItem,
    SourceItem,
    SourcePicture,
    Stamp,
    Unreadable,
    item_product_id,
    placement_id,
    text_key,
)
from tests.ledger import scene
from tests.ledger.scene import VISUAL

FIRST, SECOND = "0" * 26, "1" * 26
"""Scans."""


def read(
    run: Run, name: str, number: int, *shown: str, broken: bool = False, metadata: dict[str, str] | None = None
) -> ReadItem:
    """An item whose files show these pictures."""
    item_key = text_key(name)
    product = Product(
        id=item_product_id(run.document, item_key), name=name, category=None, code=None, variants=(),
        first_page=NO_PAGE, last_page=NO_PAGE, pages=(), metadata=metadata or {}, confidence=1.0, evidence=(),
    )  # fmt: skip
    places = tuple(
        Placement(
            id=placement_id(run.document, NO_PAGE, "file", f"{name}{place}", (0, 0, 0, 0)), page=NO_PAGE, kind="file",
            bbox=(0, 0, 0, 0), xref=None, path=f"{name}{place}", state=PlacementState.SHOWN,
            content_key=scene.key(each),
        )
        for place, each in enumerate(shown)
    )  # fmt: skip
    stamp = Stamp(size=2**33, mtime_ns=1_700_000_000_123_456_789, inode=2**40, read_ns=1_800_000_000_000_000_000)
    pictures = [
        Picture(content_key=scene.key(each), file=f"{scene.key(each)}.png", width=4, height=3, mode="RGB",
                passed_through=True)
        for each in shown
    ]  # fmt: skip
    unreadable = [Unreadable(content_key=scene.key(each), kind="unreadable_image", message="Broken.") for each in shown]
    return ReadItem(
        source=SourceItem(
            item=name, key=item_key, number=number, generation=run.generation, digest=text_key(str(metadata)),
            product=product.id,
            pictures=tuple(
                SourcePicture(path=place.path or "", stamp=stamp, content_key=None if broken else place.content_key)
                for place in places
            ),
        ),
        product=product,
        chunk=None,
        extraction=Extraction(
            pictures=() if broken else tuple(pictures),
            placements=places,
            unreadable=tuple(unreadable) if broken else (),
        ),
        links=tuple(scene.link(place.id, product) for place in places),
    )  # fmt: skip


def save(ledger: Ledger, run: Run, *read_items: ReadItem, scan: str = FIRST) -> None:
    source_items.save_items(ledger, run, read_items, scan)


def unseen(ledger: Ledger, run: Run, scan: str) -> list[str]:
    return [item.item for portion in source_items.unseen_items(ledger, run.document, scan) for item in portion]


def begin(ledger: Ledger) -> Run:
    return scene.begin(ledger, requested=(VISUAL,))


def ordinals(ledger: Ledger) -> Sequence[int]:
    return sorted(row["ordinal"] for row in scene.rows_of(ledger, placements).values())


@pytest.mark.gate
def test_items_are_known_as_they_were_saved(ledger: Ledger) -> None:
    run = begin(ledger)
    saved = read(run, "oak", 0, "a", "b"), read(run, "long" * 1_000, 1, "c")
    save(ledger, run, *saved)
    keys = [each.source.key for each in saved]
    assert source_items.known_items(ledger, run.document, [*keys, text_key("other")]) == {
        each.source.key: each.source for each in saved
    }
    assert source_items.next_number(ledger, run.document) == 2
    assert ordinals(ledger) == [0, 1, source_items.MAX_PICTURES]


def test_saving_an_item_leaves_others_alone(ledger: Ledger) -> None:
    run = begin(ledger)
    save(ledger, run, read(run, "oak", 0, "a"), read(run, "elm", 1, "b"))
    before = scene.dirt(ledger, images)
    save(ledger, run, read(run, "oak", 0, "c"))
    assert scene.dirt(ledger, images)[scene.image("b")] == before[scene.image("b")]
    assert scene.rows_of(ledger, images)[scene.image("a")]["gone"]
    assert (scene.count(ledger, products), scene.count(ledger, placements), scene.count(ledger, links)) == (2, 2, 2)


def test_changed_metadata_publishes_again_without_an_item(ledger: Ledger) -> None:
    run = begin(ledger)
    save(ledger, run, read(run, "oak", 0, "a"))
    scene.make_all(ledger, run)
    before = scene.dirt(ledger, images)[scene.image("a")]
    save(ledger, run, read(run, "oak", 0, "a", metadata={"price": "9"}))
    assert scene.dirt(ledger, images)[scene.image("a")] == before + 1
    assert scene.item(ledger, scene.key("a"))["state"] == "done"
    save(ledger, run, read(run, "oak", 0, "a", metadata={"price": "9"}))
    assert scene.dirt(ledger, images)[scene.image("a")] == before + 1, "the same again changes nothing"


def test_counts_close_over_all_states(ledger: Ledger) -> None:
    run = begin(ledger)
    save(ledger, run, read(run, "oak", 0, "a"), read(run, "elm", 1, "b", broken=True), read(run, "ash", 2, "c"))
    save(ledger, run, read(run, "none", 3))
    counts = count_items(ledger, run.document)
    assert (counts.total_items, counts.pending_items, counts.bare_items) == (4, 2, 2)
    assert counts.incomplete_ids == ("elm", "none")
    scene.make_all(ledger, run)
    scene.publish_all(ledger)
    counts = count_items(ledger, run.document, skipped=1)
    assert (counts.total_items, counts.processed_items, counts.skipped_items, counts.bare_items) == (4, 1, 1, 2)
    source_items.mark_gone(ledger, run, [text_key("elm"), text_key("ash")])
    assert complete_items(ledger, run.document) == bytes([1, 0, 1, 0])
    source_items.mark_seen(ledger, run, [text_key("ash")], "again")
    counts = count_items(ledger, run.document)
    assert (counts.total_items, counts.bare_items, counts.left_items) == (3, 1, 1)
    assert incomplete_ids(ledger, run.document) == ["none"]
    assert [source_items.count_known(ledger, run.document, gone=gone) for gone in (False, True)] == [3, 4]


def test_item_is_as_bad_as_its_worst_picture(ledger: Ledger) -> None:
    run = begin(ledger)
    save(ledger, run, read(run, "oak", 0, "a", "b"), read(run, "elm", 1, "b"), read(run, "none", 2))
    scene.make_all(ledger, run)
    scene.publish_all(ledger)
    counts = count_items(ledger, run.document, all_complete=True)
    assert (counts.total_items, counts.skipped_items, counts.incomplete_ids) == (3, 2, ("none",))
    assert counts == count_items(ledger, run.document)
    save(ledger, run, read(run, "bad", 3, "c", broken=True))
    save(ledger, run, read(run, "ash", 4, "d", "c"))
    scene.make_all(ledger, run)
    scene.publish_all(ledger)
    assert count_items(ledger, run.document).incomplete_ids == ("none", "bad", "ash")


def test_what_a_scan_has_not_seen_is_removed(ledger: Ledger) -> None:
    run = begin(ledger)
    save(ledger, run, read(run, "oak", 0, "a"), read(run, "twin", 1, "a"), read(run, "elm", 2, "b"))
    source_items.mark_seen(ledger, run, [text_key("twin")], SECOND)
    assert unseen(ledger, run, SECOND) == ["oak", "elm"]
    keys = [scene.key("a"), scene.key("b")]
    assert source_items.content_keys_seen(ledger, run.document, SECOND, keys) == {scene.key("a")}
    source_items.remove_items(ledger, run, [text_key("oak"), text_key("elm")])
    rows = scene.rows_of(ledger, images)
    assert (rows[scene.image("a")]["gone"], rows[scene.image("b")]["gone"]) == (False, True)
    assert (scene.count(ledger, products), scene.count(ledger, placements), scene.count(ledger, links)) == (1, 1, 1)
    scene.delete(ledger, run.document)
    assert source_items.known_items(ledger, run.document, [text_key("twin")]) == {}
