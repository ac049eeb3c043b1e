"""Endpoints for reviews: the images that need one, and what a person decides about an analysis."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field, TypeAdapter

from swatchbook.domain.records import Owner, ReviewImage
from swatchbook.doors.replies import ListedReviews, ReviewChoice
from swatchbook.ingest.review import accept, reject
from swatchbook.resources import Resources
from swatchbook.store.ledger.picture_reviews import ByPlace, find_review_image, images_to_review, withdraw_review
from swatchbook_service.auth import Caller, TheCaller, choose_known
from swatchbook_service.images import ImageId, require_image
from swatchbook_service.parameters import (
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
from swatchbook_service.problems import documented

_BY_PLACE: TypeAdapter[ByPlace] = TypeAdapter(tuple[Seconds, StoredId, Number])

router = APIRouter(tags=["images"], responses=documented(404))


class ReviewsQuery(Paging):
    """Whose images, and which page of the list."""

    owner: Owner | None = Field(
        default=None, description="Owner of the images; required only for a key with several owners."
    )


class Decision(RequestModel):
    """What a person decides about an analysis."""

    verdict: ReviewChoice = Field(description="`accept` keeps the analysis in use, `reject` withdraws it.")
    reason: SearchText = Field(default="", description="For `reject`: why, shown in the account of its documents.")


@router.get("/reviews", summary="List the images that need a review")
def list_reviews(resources: Tools, caller: TheCaller, query: Annotated[ReviewsQuery, Query()]) -> ListedReviews:
    """By document, the oldest first, in reading order: the analysis, why it is weak, and its review so far."""
    images, place = images_to_review(
        resources.ledger,
        owner=choose_known(resources, caller, query.owner),
        after=read_cursor(query.cursor, _BY_PLACE),
        limit=query.limit,
    )
    return ListedReviews(images=tuple(images), next=write_cursor(place) if place else None)


@router.post(
    "/images/{image_id}/review", summary="Review an image's analysis", responses=documented(400, 408, 409, 413)
)
def review_image(resources: Tools, caller: TheCaller, image_id: ImageId, decision: Decision) -> ReviewImage:
    """Accepts or rejects it, for every document of its owner that shows the picture; the last decision counts."""
    image = _find(resources, caller, image_id)
    if decision.verdict == "accept":
        accept(resources, image, by=caller.name)
    else:
        reject(resources, image, by=caller.name, reason=decision.reason)
    return find_review_image(resources.ledger, image.image_id)


@router.delete("/images/{image_id}/review", summary="Take back the review", responses=documented(400, 409))
def undo_review(resources: Tools, caller: TheCaller, image_id: ImageId) -> ReviewImage:
    """The image has its first analysis again, and needs a review if that is weak."""
    image = _find(resources, caller, image_id)
    withdraw_review(resources.ledger, image, below=resources.settings.review.below)
    return find_review_image(resources.ledger, image.image_id)


def _find(resources: Resources, caller: Caller, image_id: ImageId) -> ReviewImage:
    return find_review_image(resources.ledger, require_image(resources, caller, image_id).id)
