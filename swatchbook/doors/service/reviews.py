"""Endpoints for reviews: the images that need one, and what a person decides about an analysis. What a review changes:
`swatchbook/ingest/review.py`.
"""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import Field, TypeAdapter

from swatchbook.domain.records import Owner, ReviewImage
from swatchbook.doors.replies import ListedReviews, ReviewChoice
from swatchbook.doors.service.auth import TheCaller, choose_known
from swatchbook.doors.service.images import ImageId, require_image
from swatchbook.doors.service.parameters import (
    Number,
    Paging,
    RequestModel,
    SearchText,
    Seconds,
    StoredId,
    Tools,
    read_cursor,
    write_cursor,
)
from swatchbook.doors.service.problems import documented
from swatchbook.ingest.review import accept, correct_image, reject, withdraw
from swatchbook.store.ledger.picture_reviews import ByPlace, find_review_image, page_of_images_to_review

_BY_PLACE: TypeAdapter[ByPlace] = TypeAdapter(tuple[Seconds, StoredId, Number])

ReviewNumber = Annotated[int, Path(ge=1, le=2**31 - 1, description="Number of the review, as in the list.")]

router = APIRouter(tags=["images"], responses=documented(404))


class ReviewsQuery(Paging):
    """Whose images, and which page of the list."""

    owner: Owner | None = Field(
        default=None, description="Owner of the images; required only for a key with several owners."
    )


class Decision(RequestModel):
    """What a person decides about an analysis."""

    verdict: ReviewChoice = Field(
        description="`accept` keeps the analysis in use, `second` takes that of the review model."
    )
    fields: dict[SearchText, SearchText] = Field(
        default={},
        max_length=20,
        description="For `correct`: field of the analysis -> its value; lists with commas, an empty value clears it.",
    )
    text: SearchText | None = Field(
        default=None, description="For `correct`: the description to embed instead of one made of the fields."
    )
    reason: SearchText = Field(default="", description="Stored with the review; `reject` needs it.")


@router.get("/reviews", summary="List the images that need a review")
def list_reviews(resources: Tools, caller: TheCaller, query: Annotated[ReviewsQuery, Query()]) -> ListedReviews:
    """By document, the oldest first, in reading order: the analysis with its score, and the reviews it has had."""
    images, place = page_of_images_to_review(
        resources.ledger,
        owner=choose_known(resources, caller, query.owner),
        after=read_cursor(query.cursor, _BY_PLACE),
        limit=query.limit,
    )
    return ListedReviews(images=tuple(images), next=write_cursor(place) if place else None)


@router.post(
    "/images/{image_id}/reviews",
    status_code=201,
    summary="Review an image's analysis",
    responses=documented(400, 408, 409, 413),
)
def review_image(resources: Tools, caller: TheCaller, image_id: ImageId, decision: Decision) -> ReviewImage:
    """Accepts, corrects or rejects it, for every document of its owner that shows the picture. A new text gets its
    vectors with the next run of the documents, which are due at once."""
    image = find_review_image(resources.ledger, require_image(resources, caller, image_id).id)
    match decision.verdict:
        case "correct":
            values = dict(decision.fields)
            correct_image(resources, image, values, by=caller.name, text=decision.text, reason=decision.reason)
        case "reject":
            reject(resources, image, by=caller.name, reason=decision.reason)
        case _:
            accept(resources, image, by=caller.name, second=decision.verdict == "second")
    return find_review_image(resources.ledger, image.image_id)


@router.delete(
    "/images/{image_id}/reviews/{number}", summary="Take back the last review", responses=documented(400, 409)
)
def withdraw_review(resources: Tools, caller: TheCaller, image_id: ImageId, number: ReviewNumber) -> ReviewImage:
    """What stood before stands again. Only the last review of an image can be taken back."""
    image = find_review_image(resources.ledger, require_image(resources, caller, image_id).id)
    withdraw(resources, image, number)
    return find_review_image(resources.ledger, image.image_id)
