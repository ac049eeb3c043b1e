"""What a report shows of a document: a few pictures of each product, the best first."""

from swatchbook.domain.records import image_id
from swatchbook.store.ledger import edited_products, stage_results
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.queries.document_figures import ProductImages, first_pictures, thumbnails
from tests.store.ledger.scene import begin, extraction, key, link, placed, product


def test_each_product_has_its_best_pictures(ledger: Ledger) -> None:
    run = begin(ledger)
    oak, ash, elm = placed(run, "oak", page=1), placed(run, "ash", page=2), placed(run, "elm", page=3)
    stage_results.save_extraction(ledger, run, extraction(oak, ash, elm))
    files = {name: f"{key(name)}.png" for name in ("oak", "ash", "elm")}
    board, bare, plank = (product(run, name) for name in ("Board", "Bare", "Plank"))
    links = [link(oak.id, board, score=0.4), link(ash.id, board, score=0.9), link(elm.id, board, score=0.5)]
    edited_products.save_assembly(ledger, run, [board, bare, plank], [*links, link(oak.id, plank)])
    shelves = [
        ProductImages(product="Board", files=(files["ash"], files["elm"])),
        ProductImages(product="Plank", files=(files["oak"],)),
    ]
    assert thumbnails(ledger, run.document, most=2, each=2) == shelves
    assert thumbnails(ledger, run.document, most=1, each=2) == shelves[:1]


def test_without_products_the_first_pictures_stand(ledger: Ledger) -> None:
    run, bare = begin(ledger), begin(ledger, content="other")
    stage_results.save_extraction(ledger, run, extraction(placed(run, "oak"), placed(run, "ash"), placed(run, "elm")))
    assert thumbnails(ledger, run.document, most=1, each=2) == [
        ProductImages(product=None, files=tuple(f"{key(name)}.png" for name in ("oak", "ash")))
    ]
    assert thumbnails(ledger, bare.document, most=9, each=9) == []
    assert first_pictures(ledger, [run.document, bare.document]) == {run.document: image_id("anna", key("oak"))}
