"""Pages of images: one image, from the places where it was found to its vectors; and those that need a review."""

from typing import Annotated, NamedTuple
from uuid import UUID

from fastapi import Form, Query, Response

from swatchbook.domain.analysis import understanding_text
from swatchbook.domain.records import ImageDetails
from swatchbook.doors.replies import ReviewChoice
from swatchbook.index.contract import Where
from swatchbook.store.ledger.picture_reviews import count_images_to_review, images_to_review
from swatchbook.store.ledger.queries.document_parts import image_in_document
from swatchbook.store.ledger.queries.filters import matching
from swatchbook.store.ledger.queries.image import image_details
from swatchbook_service import reviews
from swatchbook_service.images import ImageId, embed_image, get_image
from swatchbook_service.parameters import RequestModel, RetryOptions, SearchText
from swatchbook_web.pages import Back, TheView, View, done, local_page, page_router, see_other, with_done

_DOCUMENTS = 20
"""Documents of which placements and links are shown; all places are listed."""

router = page_router()


class Place(NamedTuple):
    """Where a picture is, as a link, and the pictures before and after it in its document."""

    back: str
    name: str
    previous: str | None = None
    next: str | None = None


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
    captions = [place.caption for _, _, placed, _ in parts for place in placed.placements if place.caption]
    names = [link.name for *_, links in parts for link in links]
    pages = [f"Picture on page {place.page}, {place.document}" for place in image.places if place.page]
    title = next(iter([*captions, *names, *pages]), "Picture")
    return view.render(
        "image.html", image=image, parts=parts, analysis=analysis, title=title, place=_place(view, image)
    )


def _place(view: View, image: ImageDetails) -> Place:
    if not image.places:
        return Place(view.link("/"), "Browse")
    first = image.places[0]
    document = Where(document=(first.document_id,))
    ids, _ = matching(view.resources.read_cache(), "image", document, enough=1)
    at = ids.index(image.id) if image.id in ids else None
    back = view.link(f"/ui/documents/{first.document_id}", page=first.page or None)
    return Place(
        f"{back}#page" if first.page else back,
        f"{first.document}, page {first.page}" if first.page else first.document,
        ids[at - 1] if at else None,
        ids[at + 1] if at is not None and at + 1 < len(ids) else None,
    )


@router.post("/ui/images/{image_id}/retry")
def retry(view: TheView, image_id: ImageId) -> Response:
    """Embed what is missing of an image, also what failed or was rejected, in every document that shows it."""
    embed_image(view.resources, view.caller, image_id, RetryOptions(force=True))
    return see_other(view.link(f"/ui/images/{image_id}"))


Skip = Annotated[int, Query(ge=0, le=10_000)]


class Decision(RequestModel):
    """The form of a decision."""

    reason: SearchText = ""


@router.get("/ui/review")
def show_review(view: TheView, skip: Skip = 0) -> Response:
    """Return the next image that needs a review, after those that are skipped."""
    ledger = view.resources.ledger
    waiting, _ = images_to_review(ledger, owner=view.owner, limit=skip + 1)
    image = waiting[skip] if len(waiting) > skip else None
    return view.render(
        "review.html",
        image=image,
        details=image_details(ledger, image.image_id) if image else None,
        text=understanding_text(image.analysis) if image else "",
        skip=skip,
        left=count_images_to_review(ledger, owner=view.owner),
    )


@router.post("/ui/review/{image_id}/undo")
def undo(view: TheView, image_id: UUID, form: Annotated[Back, Form()]) -> Response:
    """Take back the review of an image."""
    reviews.undo_review(view.resources, view.caller, image_id)
    return see_other(with_done(local_page(form.back, view.link("/ui/review")), done("undone")))


@router.post("/ui/review/{image_id}/{verdict}")
def decide(
    view: TheView, image_id: UUID, verdict: ReviewChoice, decision: Annotated[Decision, Form()], skip: Skip = 0
) -> Response:
    """Record what a person decided about an image, and go to the next one."""
    decided = reviews.Decision(verdict=verdict, reason=decision.reason)
    reviews.review_image(view.resources, view.caller, image_id, decided)
    return see_other(view.link("/ui/review", skip=skip or None, done=done("reviewed", str(image_id))))
