"""The page of reviews: uncertain images one by one, with both analyses; a person accepts, corrects or rejects."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import Form, Path, Query, Response

from interface.replies import ReviewChoice
from interface.service import reviews
from interface.service.images import find_image
from interface.service.parameters import RequestModel, SearchText
from interface.web.pages import Back, TheView, View, done, local_page, page_router, see_other, with_done
from swatchbook.errors import InvalidReference
from swatchbook.ledger.queries.image import image_details
from swatchbook.ledger.queries.reviews import (
    count_images_to_review,
    find_review_image,
    images_to_review,
    read_analysis,
)
from swatchbook.pipeline.review import in_use
from swatchbook.records import Analysis, ReviewImage

Skip = Annotated[int, Query(ge=0, le=10_000)]

router = page_router()


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
