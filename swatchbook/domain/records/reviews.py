"""The records of reviews of analyses."""

from enum import StrEnum

from swatchbook_base.records.images import Analysis
from swatchbook_base.records.record import Record


class Verdict(StrEnum):
    """The result of a review."""

    ACCEPTED = "accepted"  # by a person: the analysis in use is kept
    REJECTED = "rejected"  # by a person: the image has no analysis
    REPLACED = "replaced"  # the review model's analysis is used instead
    UNDECIDED = "undecided"  # the review model's analysis is weak as well: a person must decide
    FAILED = "failed"  # the review model gave no analysis


class Review(Record):
    """The review of an image's analysis. `second`: tag of the analysis used instead of it. Times are Unix seconds."""

    verdict: Verdict
    second: str | None
    reason: str
    by: str
    at: float
    tries: int
    next_try_at: float | None


class ReviewImage(Record):
    """An image with the analysis to review, placed where its first document shows it."""

    image_id: str
    owner: str
    document_id: str
    document: str
    page: int
    content_key: str
    tag: str
    analysis: Analysis  # the one in use, or of a rejected image the last one in use
    weakness: str  # its score and where it is from: "confidence 0.20"
    needs_review: bool
    review: Review | None
