"""Pages of images: one image, from the places where it was found to its vectors; and those that need a review."""

from typing import Annotated, Final, NamedTuple
from uuid import UUID

from fastapi import Form, Path, Query, Response

from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.records import Analysis, ImageDetails, ReviewImage
from swatchbook.doors.replies import ReviewChoice
from swatchbook.doors.service import reviews
from swatchbook.doors.service.images import ImageId, embed_image, find_image, get_image
from swatchbook.doors.service.parameters import RequestModel, RetryOptions, SearchText
from swatchbook.doors.web.pages import Back, TheView, View, done, local_page, page_router, see_other, with_done
from swatchbook.doors.web.search import MOST_STATE, neighbours_in_results
from swatchbook.index.contract import Where
from swatchbook.ingest.review import in_use
from swatchbook.store.ledger.picture_reviews import (
    count_images_to_review,
    find_review_image,
    images_to_review,
    read_analysis,
)
from swatchbook.store.ledger.queries.document_parts import image_in_document, list_products
from swatchbook.store.ledger.queries.filters import matching
from swatchbook.store.ledger.queries.image import image_details
from swatchbook.store.ledger.stored_documents import PDF, get_document

_DOCUMENTS = 20
"""Documents of which placements and links are shown; all places are listed."""
_PRODUCTS = 500
"""Products of a document that a picture can be assigned to on the page."""

router = page_router()


class Place(NamedTuple):
    """The list that a picture is in, as a link, and the pictures before and after it there."""

    back: str
    name: str
    previous: str | None
    next: str | None
    state: str | None = None


@router.get("/ui/images/{image_id}")
def show_image(
    view: TheView, image_id: ImageId, state: Annotated[str | None, Query(alias="from", max_length=MOST_STATE)] = None
) -> Response:
    """Return an image with its places, analysis, vectors by role and model, links with evidence, and failures.

    `from`: the address of the results that it is one of; else those that the browser names as the page before.
    """
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
    captions = [place.caption for _, _, placed, _ in parts for place in placed.placements if place.caption]
    names = [link.name for *_, links in parts for link in links]
    pages = [f"Picture on page {place.page}, {place.document}" for place in image.places if place.page]
    title = next(iter([*captions, *names, *pages]), "Picture")
    place = _place(view, image, state or view.request.headers.get("referer"))
    return view.render(
        "image.html", image=image, parts=parts, analysis=analysis, products=products, title=title, place=place
    )


def _place(view: View, image: ImageDetails, address: str | None) -> Place:
    """Return where a picture is among the results that one came from, or else among the pictures of its document."""
    if found := neighbours_in_results(view, address, image.id):
        return Place(found.back, "Results", found.previous, found.next, found.state)
    if not image.places:
        return Place(view.link("/"), "Browse", None, None)
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
    """The form of a decision: a reason, and the fields as a person left them."""

    reason: SearchText = ""
    material: SearchText | None = None
    finish: SearchText | None = None
    colors: SearchText | None = None
    textures: SearchText | None = None
    pattern: SearchText | None = None
    contrast: SearchText | None = None
    dimensions: SearchText | None = None
    slip_rating: SearchText | None = None
    printed_text: SearchText | None = None
    application: SearchText | None = None
    recognised: SearchText | None = None

    def changes(self, used: Analysis) -> dict[str, str]:
        """Return the fields that differ from the analysis in use."""
        given = {name: getattr(self, name) for name in FIELDS}
        return {name: text for name, text in given.items() if text is not None and text != in_words(used, name)}


FIELDS: Final = tuple(name for name in Decision.model_fields if name != "reason")
"""What a person can correct, in its order on the page."""


@router.get("/ui/review")
def show_review(view: TheView, skip: Skip = 0) -> Response:
    """Return the next image that needs a review, after those that are skipped."""
    ledger = view.resources.ledger
    waiting = images_to_review(ledger, owner=view.owner, limit=skip + 1)[skip:]
    return _render(view, waiting[0] if waiting else None, skip)


def _render(
    view: View, image: ReviewImage | None, skip: int, typed: Decision | None = None, problem: str | None = None
) -> Response:
    """Return the page of an image; with a problem also what was typed."""
    ledger = view.resources.ledger
    second = image.standing.second if image and image.standing else None
    used = in_use(view.resources, image) if image else None
    words = {name: in_words(used, name) for name in FIELDS} if used else {}
    given = typed.model_dump(include=set(FIELDS), exclude_none=True) if typed else {}
    return view.render(
        "review.html",
        status=422 if problem else 200,
        image=image,
        details=image_details(ledger, image.image_id) if image else None,
        used=used,
        second=read_analysis(ledger, image.content_key, second) if image and second else None,
        fields=FIELDS,
        words=words,
        values=words | given,
        in_words=in_words,
        skip=skip,
        left=count_images_to_review(ledger, owner=view.owner),
        problem=problem,
    )


@router.post("/ui/review/{image_id}/{verdict}")
def decide(
    view: TheView,
    image_id: UUID,
    verdict: ReviewChoice,
    decision: Annotated[Decision, Form()],
    skip: Skip = 0,
) -> Response:
    """Record what a person decided about an image, and go to the next one. What cannot be stored is shown again, with
    the reason above the fields.
    """
    find_image(view.resources, view.caller, image_id)
    image, changes = find_review_image(view.resources.ledger, str(image_id)), dict[str, str]()
    if verdict == "correct" and not (changes := decision.changes(in_use(view.resources, image))):
        return _render(
            view, image, skip, decision, "There is nothing to correct: change a field, or accept it as it is."
        )
    decided = reviews.Decision(verdict=verdict, fields=changes, reason=decision.reason)
    try:
        reviewed = reviews.review_image(view.resources, view.caller, image_id, decided)
    except InvalidReference as error:
        if verdict != "correct":
            raise
        return _render(view, image, skip, decision, str(error))
    told = done("reviewed", str(image_id), reviewed.reviews[-1].number)
    return see_other(view.link("/ui/review", skip=skip or None, done=told))


@router.post("/ui/review/{image_id}/{number}/undo")
def undo(
    view: TheView, image_id: UUID, number: Annotated[int, Path(ge=1, le=10**9)], form: Annotated[Back, Form()]
) -> Response:
    """Take back the last review of an image."""
    reviews.withdraw_review(view.resources, view.caller, image_id, number)
    return see_other(with_done(local_page(form.back, view.link("/ui/review")), done("undone")))


def in_words(analysis: Analysis, field: str) -> str:
    """Return a field of an analysis as a person types it: lists with commas between."""
    value = getattr(analysis, field)
    if isinstance(value, tuple):
        return ", ".join(str(getattr(each, "name", each)) for each in value)
    return str(value or "")
