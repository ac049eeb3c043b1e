"""What a document consists of, read in portions on both databases: all of it, once, in order."""

from swatchbook.domain.errors import ProviderTimeout, UnreadableImage
from swatchbook.domain.records import ImageState, LinkKind
from swatchbook.store.ledger import edited_products, stage_results
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.queries import document_parts
from swatchbook.store.ledger.queries.document import show_document
from swatchbook.store.ledger.queries.document_figures import ProductImages, first_pictures, thumbnails
from swatchbook.store.ledger.queries.image import image_details
from swatchbook.store.ledger.queries.search_results import describe_products, images_of_chunks
from tests.store.ledger.scene import (
    VISUAL,
    begin,
    chunked,
    extraction,
    image,
    ingest,
    key,
    link,
    make_all,
    placed,
    product,
)


def test_a_product_has_each_picture_once(ledger: Ledger) -> None:
    run = begin(ledger)
    oak, again, ash = placed(run, "oak", page=3), placed(run, "oak", page=4), placed(run, "ash", page=5)
    ingest(ledger, run, extraction(oak, again, ash))
    run = begin(ledger)
    plank, board = product(run, "Plank"), product(run, "Board")
    links = [link(oak.id, plank, score=0.4), link(again.id, plank, score=0.8), link(ash.id, plank, score=0.6)]
    edited_products.save_assembly(ledger, run, [plank, board], links)
    plank, board = (each for _, each in document_parts.list_products(ledger, run.document, limit=9))
    assert (plank.name, board.name, plank.document_id, plank.owner) == ("Plank", "Board", run.document, "anna")
    assert [(picture.id, picture.score, picture.page) for picture in plank.pictures] == [
        (image("oak"), 0.8, 4),
        (image("ash"), 0.6, 5),
    ]
    assert plank.pictures[0].file == f"{key('oak')}.png"
    assert board.pictures == ()
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
    (shown,) = thumbnails(ledger, run.document, most=9, each=9)
    assert shown == ProductImages(product="Plank", files=(f"{key('ash')}.png", f"{key('elm')}.png"))
    assert first_pictures(ledger, [run.document]) == {run.document: image("ash")}
    (hit,) = describe_products(ledger, [board.id])
    assert (hit.file, hit.images) == (None, ())
    assert images_of_chunks(ledger, [text.chunks[1].id]) == {text.chunks[1].id: []}
