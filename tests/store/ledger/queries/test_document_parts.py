"""What a document consists of, read in portions on both databases: all of it, once, in order."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from swatchbook.domain.errors import ProviderTimeout, UnreadableImage
from swatchbook.domain.records import FailedPage, ImageState, ItemState, LinkKind, LostPicture, PlacementState
from swatchbook.store.ledger import edited_products, stage_results
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.queries import document_parts, search_results
from swatchbook.store.ledger.queries.coverage import count_statistics
from swatchbook.store.ledger.queries.document import show_document
from swatchbook.store.ledger.queries.image import image_details
from swatchbook.store.ledger.queries.report import document_report
from swatchbook.store.ledger.tables import items
from swatchbook_web.document_figures import first_pictures
from tests.store.ledger.scene import (
    COLOR,
    VISUAL,
    begin,
    change,
    chunked,
    extraction,
    image,
    ingest,
    key,
    link,
    make_all,
    placed,
    product,
    reading,
)
from tests.store.ledger.test_stage_results import PLAN


@pytest.fixture
def document(ledger: Ledger) -> str:
    """A document of two products, four pictures and a text; Plank has two pictures, one of them twice and Board's."""
    run = begin(ledger)
    oak, again = placed(run, "oak", page=3, caption="Oak plank"), placed(run, "oak", page=4)
    ash = placed(run, "ash", page=5)
    logo = placed(run, "logo", page=6).model_copy(update={"state": PlacementState.DECORATIVE, "reason": "repeated"})
    text = chunked(run, "Oak is hard.", headings=("Wood",))
    found = extraction(oak, again, ash, logo, placed(run, "broken", page=7), unreadable=["broken"])
    lost = tuple(LostPicture(page=page, bbox=(0, y, 100, y + 90), share=0.02) for page, y in ((1, 0), (1, 100), (2, 9)))
    stage_results.save_pages(ledger, run, reading(FailedPage(page=4, kind="unexpected", message="It looped.")), PLAN)
    ingest(ledger, run, found.model_copy(update={"lost_pictures": lost}), text)
    run = begin(ledger)
    plank, board = product(run, "Plank"), product(run, "Board")
    edited_products.save_assembly(
        ledger,
        run,
        [plank, board],
        [
            link(oak.id, plank, score=0.4),
            link(again.id, plank, score=0.8),
            link(again.id, board, score=0.3),
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


def test_a_product_has_each_picture_once(ledger: Ledger, document: str) -> None:
    plank, board = (each for _, each in document_parts.list_products(ledger, document, limit=9))
    assert (plank.name, board.name, plank.document_id, plank.owner) == ("Plank", "Board", document, "anna")
    assert [(picture.id, picture.score, picture.page) for picture in plank.pictures] == [
        (image("oak"), 0.8, 4),
        (image("ash"), 0.6, 5),
    ]
    assert plank.pictures[0].file == f"{key('oak')}.png"
    assert [(picture.id, picture.score) for picture in board.pictures] == [(image("oak"), 0.3)]
    assert document_parts.find_product(ledger, plank.id) == plank
    assert document_parts.find_product(ledger, "nobody") is None


def test_a_rejected_picture_is_none_of_a_product(ledger: Ledger) -> None:
    run = begin(ledger, requested=(VISUAL,))
    oak, ash, elm = (placed(run, name) for name in ("oak", "ash", "elm"))
    stage_results.save_extraction(ledger, run, extraction(oak, ash, elm))
    why = {key("oak"): UnreadableImage("Cut off."), key("elm"): ProviderTimeout("Slow.")}
    make_all(ledger, run, failing=lambda claimed: why.get(claimed.key))
    plank, board = product(run, "Plank"), product(run, "Board")
    text = chunked(run, "Oak is hard.")
    stage_results.save_chunks(ledger, run, text)
    links = [link(oak.id, plank, score=0.9), link(ash.id, plank), link(elm.id, plank), link(oak.id, board)]
    links.append(link(oak.id, text.chunks[1].id, LinkKind.IMAGE_CHUNK))
    edited_products.save_assembly(ledger, run, [plank, board], links)

    plank, board = (each for _, each in document_parts.list_products(ledger, run.document, limit=9))
    assert [picture.id for picture in plank.pictures] == [image("ash"), image("elm")], "what only failed is a picture"
    assert board.pictures == ()
    linked = {each.image: each for each in document_parts.linked_pictures(ledger, plank.id)}
    assert (linked[image("oak")].shown, linked[image("oak")].why_no_picture) == (False, "Cut off.")
    assert (linked[image("ash")].shown, linked[image("ash")].why_no_picture) == (True, None)
    details = image_details(ledger, image("oak"))
    assert details
    assert (details.state, details.file) == (ImageState.REJECTED, None)
    sizes = {row["id"]: row["width"] for row in show_document(ledger, run.document)["images"]}
    assert sizes == {image("oak"): None, image("ash"): 100, image("elm"): 100}
    bare = begin(ledger, content="other").document
    assert first_pictures(ledger, [run.document, bare]) == {run.document: image("ash")}
    (hit,) = search_results.describe_products(ledger, [board.id])
    assert (hit.file, hit.images) == (None, ())
    assert search_results.images_of_chunks(ledger, [text.chunks[1].id]) == {text.chunks[1].id: []}


def test_images_come_with_their_placements_and_state(ledger: Ledger, document: str) -> None:
    oak, ash, logo, broken = (each for _, each in document_parts.list_images(ledger, document, limit=9))
    assert [image(name) for name in ("oak", "ash", "logo", "broken")] == [oak.id, ash.id, logo.id, broken.id]
    assert [place.page for place in oak.placements] == [3, 4]
    assert (oak.state, logo.state) == (ImageState.COMPLETE, PlacementState.DECORATIVE)
    assert logo.placements[0].reason == "repeated"
    states = {row["id"]: row["status"] for row in show_document(ledger, document)["images"]}
    assert {each.id: each.state for each in (oak, ash, logo, broken)} == states


@pytest.mark.gate
def test_hits_are_described_in_their_order(ledger: Ledger, document: str) -> None:
    plank, board = (each.id for _, each in document_parts.list_products(ledger, document, limit=9))
    ((_, _), (_, chunk)) = document_parts.list_chunks(ledger, document, limit=9)
    described = search_results.describe_images(ledger, [image("ash"), "unknown", image("oak")])
    assert [(h.id, h.title, h.product, h.pages) for h in described] == [
        (image("ash"), "Plank", "Plank", (5,)),
        (image("oak"), "Oak plank", "Plank", (3, 4)),
    ]
    assert [hit.labels for hit in search_results.add_labels(ledger, described)] == [{}, {3: "1"}]
    assert described[1].file == f"{key('oak')}.png"
    assert described[1].text == "Material: oak."
    assert [(h.title, h.file) for h in search_results.describe_products(ledger, [board, plank])] == [
        ("Board", f"{key('oak')}.png"), ("Plank", f"{key('oak')}.png"),
    ]  # fmt: skip
    assert search_results.products_of_images(ledger, [image("oak"), image("logo")]) == {image("oak"): [plank, board]}
    assert search_results.products_of_chunks(ledger, [chunk.id]) == {chunk.id: [plank]}
    assert search_results.images_of_chunks(ledger, [chunk.id, image("oak")]) == {chunk.id: [image("oak")]}


def test_image_is_known_by_places_and_roles(ledger: Ledger) -> None:
    run = begin(ledger, requested=(VISUAL, COLOR))
    hidden = placed(run, "ash", state=PlacementState.HIDDEN)
    ingest(ledger, run, extraction(placed(run, "oak", page=2, caption="Oak"), placed(run, "oak", page=3), hidden))
    failure = {"kind": UnreadableImage.kind, "policy": "never", "message": "It is broken."}
    change(ledger, items, items.c.key == key("oak"), items.c.role == VISUAL.role, state="failed", failure=failure)
    found = image_details(ledger, image("oak"))
    assert found is not None
    assert (found.owner, found.state, found.published) == ("anna", ImageState.PARTIAL, True)
    assert [(place.document_id, place.page, place.caption) for place in found.places] == [
        (run.document, 2, "Oak"), (run.document, 3, None),
    ]  # fmt: skip
    assert [(role.role, role.state, role.error) for role in found.roles] == [
        (COLOR.role, ItemState.DONE, None), (VISUAL.role, ItemState.FAILED, "It is broken."),
    ]  # fmt: skip
    assert image_details(ledger, image("ash")) is image_details(ledger, image("elm")) is None, "nothing shows it"


def test_a_document_is_shown_as_promised(ledger: Ledger, document: str) -> None:
    shown = show_document(ledger, document)
    assert shown.keys() == {
        "document", "page_boxes", "skipped_pages", "lost_pictures", "products", "images", "chunks", "entities", "links",
        "unassigned", "look_at", "sure",
    }  # fmt: skip
    picture = {"bbox": [60, 100, 500, 600], "width": 400, "height": 300}
    assert shown["skipped_pages"] == [{"page": 3, "label": "1", "reason": "contents", "pictures": [picture]}]
    report = document_report(ledger, document)
    assert (report.pages_skipped, report.pictures_skipped) == (1, 1)
    assert [(each.page, each.number) for each in report.lost_pictures] == [(1, 1), (1, 2), (2, 1)]
    assert shown["lost_pictures"] == [each.model_dump(mode="json") for each in report.lost_pictures]
    assert [count_statistics(ledger, owner=owner).coverage.lost_pictures for owner in ("anna", "bert")] == [3, 0]
    assert shown["document"]["id"] == document
    assert shown["page_boxes"] == {str(n): [0.0, 0.0, 595.0, 842.0] for n in (1, 2, 3)}
    assert {
        "id", "name", "category", "code", "variants", "first_page", "last_page", "pages", "metadata", "confidence",
        "evidence",
    } <= shown["products"][0].keys()  # fmt: skip
    assert [(i["status"], [p["page"] for p in i["placements"]]) for i in shown["images"]] == [
        ("complete", [3, 4]), ("complete", [5]), ("decorative", [6]), ("rejected", [7]),
    ]  # fmt: skip
    first = shown["images"][0]
    assert {"id", "content_key", "width", "height", "quality"} <= first.keys()
    assert {i["role"]: i["state"] for i in first["items"]} == dict.fromkeys(
        ("analysis", "color", "understanding", "visual"), "done"
    )
    assert first["analysis"]["confidence"] == 0.5
    assert {"id", "page", "bbox", "kind", "state", "reason", "xref", "caption"} <= first["placements"][0].keys()
    assert shown["images"][3]["items"][0]["failure"]["kind"] == "unreadable_image"
    assert {"kind", "source", "target", "score"} <= shown["links"][0].keys()
    assert len(shown["chunks"]) == 2
