"""The items of a folder on both databases: known as they were saved."""

import pytest

from swatchbook.domain.records import NO_PAGE, ReadItem, SourceItem, SourcePicture, Stamp, text_key
from swatchbook.store.ledger import source_items
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.runs import Run
from swatchbook.store.ledger.tables import placements
from tests.store.ledger import scene

STAMP = Stamp(size=2**33, mtime_ns=1_700_000_000_123_456_789, inode=2**40, read_ns=1_800_000_000_000_000_000)


def read(run: Run, name: str, number: int, *shown: str) -> ReadItem:
    """An item whose files show these pictures."""
    product = scene.product(run, name)
    places = tuple(scene.placed(run, each, NO_PAGE, path=f"{name} {each}") for each in shown)
    pictures = tuple(SourcePicture(each.path or "", STAMP, each.content_key) for each in places)
    return ReadItem(
        source=SourceItem(name, text_key(name), number, run.generation, text_key(""), product.id, pictures),
        product=product,
        chunk=None,
        extraction=scene.extraction(*places),
        links=tuple(scene.link(place.id, product) for place in places),
    )


@pytest.mark.gate
def test_items_are_known_as_they_were_saved(ledger: Ledger) -> None:
    run = scene.begin(ledger, requested=(scene.VISUAL,))
    saved = read(run, "oak", 0, "a", "b"), read(run, "long" * 1_000, 1, "c")
    source_items.save_items(ledger, run, saved, "0" * 26)
    keys = [each.source.key for each in saved]
    assert source_items.known_items(ledger, run.document, [*keys, text_key("other")]) == {
        each.source.key: each.source for each in saved
    }
    assert source_items.next_number(ledger, run.document) == 2
    ordinals = [row["ordinal"] for row in scene.rows_of(ledger, placements).values()]
    assert sorted(ordinals) == [0, 1, source_items.MAX_PICTURES]
