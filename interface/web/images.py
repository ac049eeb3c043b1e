"""The page of an image: its whole story, from where it was found to the vectors it has."""

from fastapi import Response

from interface.service.images import ImageId, embed_image, get_image
from interface.service.parameters import RetryOptions
from interface.web.pages import TheView, page_router, see_other
from swatchbook.ledger.documents import PDF, get_document
from swatchbook.ledger.queries.document_parts import image_in_document
from swatchbook.ledger.queries.products import list_products

_DOCUMENTS = 20
"""Documents of which placements and links are shown; all places are listed."""
_PRODUCTS = 500
"""Products of a document that a picture can be assigned to on the page."""

router = page_router()


@router.get("/ui/images/{image_id}")
def show_image(view: TheView, image_id: ImageId) -> Response:
    """Return an image with its places, analysis, vectors by role and model, links with evidence, and failures."""
    image = get_image(view.resources, view.caller, image_id)
    documents = dict.fromkeys((place.document_id, place.document) for place in image.places)
    parts = [
        (document, name, *part)
        for document, name in list(documents)[:_DOCUMENTS]
        if (part := image_in_document(view.resources.ledger, document, image.id))
    ]
    analysis = next((placed.analysis for _, _, placed, _ in parts if placed.analysis), None)
    ledger = view.resources.ledger
    products = {
        document: [product for _, product in list_products(ledger, document, limit=_PRODUCTS)]
        for document, *_ in parts
        if get_document(ledger, document).kind == PDF  # of others the products are their items
    }
    return view.render("image.html", image=image, parts=parts, analysis=analysis, products=products)


@router.post("/ui/images/{image_id}/retry")
def retry(view: TheView, image_id: ImageId) -> Response:
    """Make what is missing of an image, also what failed or was rejected, in every document that shows it."""
    embed_image(view.resources, view.caller, image_id, RetryOptions(force=True))
    return see_other(view.link(f"/ui/images/{image_id}"))
