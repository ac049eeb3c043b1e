"""The items of a folder on both databases: known as they were saved, and published again when they change."""

from collections.abc import Sequence

import pytest

from swatchbook.domain.records import (
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
    item_product_id,
    placement_id,
    text_key,
)
from swatchbook.store.ledger import source_items
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.runs import Run
from swatchbook.store.ledger.tables import placements
from tests.store.ledger import scene
from tests.store.ledger.scene import VISUAL


def read(run: Run, name: str, number: int, *shown: str, metadata: dict[str, str] | None = None) -> ReadItem:
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
    return ReadItem(
        source=SourceItem(
            item=name, key=item_key, number=number, generation=run.generation, digest=text_key(str(metadata)),
            product=product.id,
            pictures=tuple(
                SourcePicture(path=place.path or "", stamp=stamp, content_key=place.content_key)
                for place in places
            ),
        ),
        product=product,
        chunk=None,
        extraction=Extraction(pictures=tuple(pictures), placements=places),
        links=tuple(scene.link(place.id, product) for place in places),
    )  # fmt: skip


def save(ledger: Ledger, run: Run, *read_items: ReadItem) -> None:
    source_items.save_items(ledger, run, read_items, "0" * 26)


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
