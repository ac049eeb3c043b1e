"""The records of reviews of analyses."""

from enum import StrEnum

from swatchbook_base.records.images import Analysis
from swatchbook_base.records.record import Record


class Verdict(StrEnum):
    """The result of a review."""

    ACCEPTED = "accepted"  # the analysis and its score are kept
    CORRECTED = "corrected"  # the analysis was replaced, for the reasons given
    REJECTED = "rejected"  # by a person: the image has no analysis
    UNDECIDED = "undecided"  # the second analysis differs and is less confident: a person must decide
    FAILED = "failed"  # the second analysis failed


class Review(Record):
    """One recorded review. `second`: tag of the other analysis, if there is one. Times are Unix seconds."""

    number: int
    tag: str
    verdict: Verdict
    second: str | None
    reasons: tuple[str, ...]
    score_before: float
    score_after: float
    by: str
    at: float
    next_try_at: float | None


class ReviewImage(Record):
    """An image with the analysis to review, placed where its first document shows it. `reviews`: oldest first."""

    image_id: str
    owner: str
    document_id: str
    document: str
    page: int
    content_key: str
    tag: str
    analysis: Analysis  # as it was before any review
    score: float
    needs_review: bool
    reviews: tuple[Review, ...] = ()

    @property
    def standing(self) -> Review | None:
        """Return the last review, which is the current one."""
        return self.reviews[-1] if self.reviews else None
