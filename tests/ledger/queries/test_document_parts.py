"""What a document consists of, read in portions on both databases: all of it, once, in order."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from swatchbook.ledger import edited_products
from swatchbook.ledger.database import Ledger
from swatchbook.ledger.queries import document_parts
from swatchbook.ledger.queries.document import show_document
from swatchbook.records import ImageState, LinkKind, PlacementState
from tests.ledger.scene import begin, chunked, extraction, image, ingest, key, link, placed, product


@pytest.fixture
def document(ledger: Ledger) -> str:
    """A document with two products, three pictures, chunks and links; Plank has two pictures, one of them twice."""
    run = begin(ledger)
    oak, again = placed(run, "oak", page=3, caption="Oak plank"), placed(run, "oak", page=4)
    ash = placed(run, "ash", page=5)
    logo = placed(run, "logo", page=6).model_copy(update={"state": PlacementState.DECORATIVE, "reason": "repeated"})
    text = chunked(run, "Oak is hard.", headings=("Wood",))
    ingest(ledger, run, extraction(oak, again, ash, logo), text)
    run = begin(ledger)
    plank, board = product(run, "Plank"), product(run, "Board")
    edited_products.save_assembly(
        ledger,
        run,
        [plank, board],
        [
            link(oak.id, plank, score=0.4),
            link(again.id, plank, score=0.8),
            link(ash.id, plank, score=0.6),
            link(text.chunks[1].id, plank, LinkKind.CHUNK_PRODUCT),
            link(oak.id, text.chunks[1].id, LinkKind.IMAGE_CHUNK),
        ],
    )
    return run.document


Listing = Callable[..., list[Any]]


@pytest.mark.parametrize(
    ("part", "listing"),
    [
        ("products", document_parts.list_products), ("chunks", document_parts.list_chunks),
        ("links", document_parts.list_links), ("images", document_parts.list_images),
        ("entities", document_parts.list_entities), ("pages", document_parts.list_pages),
    ],
)  # fmt: skip
def test_portions_come_together_to_all_of_it(ledger: Ledger, document: str, part: str, listing: Listing) -> None:
    whole = listing(ledger, document, limit=100)
    found, after = list[Any](), None
    while portion := listing(ledger, document, after=after, limit=1):
        assert len(portion) == 1
        found += portion
        after = portion[-1][0]
    assert found == whole
    assert all(one[0] < other[0] for one, other in pairwise(whole))
    if part != "pages":
        assert len(whole) == len(show_document(ledger, document)[part])
    assert listing(ledger, "nobody", limit=9) == []


def test_a_product_has_each_picture_once_by_its_best_link(ledger: Ledger, document: str) -> None:
    plank, board = (each for _, each in document_parts.list_products(ledger, document, limit=9))
    assert (plank.name, board.name, plank.document_id, plank.owner) == ("Plank", "Board", document, "anna")
    assert [(picture.id, picture.score, picture.page) for picture in plank.pictures] == [
        (image("oak"), 0.8, 4),
        (image("ash"), 0.6, 5),
    ]
    assert plank.pictures[0].file == f"{key('oak')}.png"
    assert board.pictures == ()
    assert document_parts.find_product(ledger, plank.id) == plank
    assert document_parts.find_product(ledger, "nobody") is None


def test_images_come_with_their_placements_and_state(ledger: Ledger, document: str) -> None:
    oak, ash, logo = (each for _, each in document_parts.list_images(ledger, document, limit=9))
    assert [image("oak"), image("ash"), image("logo")] == [oak.id, ash.id, logo.id]
    assert [place.page for place in oak.placements] == [3, 4]
    assert (oak.state, logo.state) == (ImageState.COMPLETE, PlacementState.DECORATIVE)
    assert logo.placements[0].reason == "repeated"
    states = {row["id"]: row["status"] for row in show_document(ledger, document)["images"]}
    assert {each.id: each.state for each in (oak, ash, logo)} == states
