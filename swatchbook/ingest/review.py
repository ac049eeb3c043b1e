"""Ask the review model for a better analysis of images whose analysis is weak.

Documents do not wait for reviews. The answer of each call is stored when it arrives, and each verdict is one
transaction, so a review that is killed can be repeated without paying twice.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from swatchbook.domain.errors import SHARED_POLICIES, BudgetExceeded, Failure, InvalidReference, Policy, RunRevoked
from swatchbook.domain.records import Analysis, Record, ReviewImage, Verdict
from swatchbook.ingest.embed import load_pixels
from swatchbook.ingest.run import hold_shard_run
from swatchbook.models.protocols import Analyst
from swatchbook.models.registry import review_tag
from swatchbook.resources import Resources
from swatchbook.store.ledger import picture_reviews, runs
from swatchbook.store.ledger.calls import CallContext
from swatchbook.store.ledger.database import portions
from swatchbook.store.ledger.stored_documents import get_document

log = logging.getLogger(__name__)

STAGE: Final = "review"
"""Stage under which reviews appear in a document's costs."""

_BATCH_SIZE = 20  # images decoded and reviewed together


class Reviewed(Record):
    """Result of reviewing a document: images by verdict, failures, and in `message` why the review ended early."""

    document_id: str
    name: str
    replaced: int = 0
    undecided: int = 0
    failed: tuple[str, ...] = ()
    message: str | None = None

    @property
    def pictures(self) -> int:
        """Return the number of images that were reviewed."""
        return self.replaced + self.undecided + len(self.failed)


def documents_to_review(resources: Resources, owner: str | None = None) -> list[str]:
    """Return the ids of documents with images that the review model can review now; none if no model is set.

    Raises Configuration if there are any and the review model is not fully configured.
    """
    tag = review_tag(resources.settings)
    documents = [] if tag is None else picture_reviews.documents_to_review(resources.ledger, tag, owner=owner)
    if documents:
        _ = resources.models.reviewer
    return documents


def review_all(
    resources: Resources, owner: str | None = None, limit: int = 1_000, *, flow_run: str | None = None
) -> Iterator[Reviewed]:
    """Review up to `limit` images, document by document. Raises what `review_document` raises."""
    for document in documents_to_review(resources, owner):
        if limit <= 0:
            return
        reviewed = review_document(resources, document, limit=limit, flow_run=flow_run)
        limit -= reviewed.pictures
        yield reviewed


def review_document(resources: Resources, document: str, *, limit: int, flow_run: str | None = None) -> Reviewed:
    """Review up to `limit` images of a document with the review model.

    Images that fail are listed and tried again later. An outage, an exhausted budget or a deleted document ends the
    review with a message. Raises failures that a person must fix: Configuration, Authentication, DiskFull.
    """
    reviewed = Reviewed(document_id=document, name=document)
    reviewer = resources.models.reviewer
    if reviewer is None:
        return reviewed
    try:
        reviewed = reviewed.model_copy(update={"name": get_document(resources.ledger, document).name})
        run = runs.begin_review(resources.ledger, document, flow_run=flow_run)  # apart from the document's own
        context = CallContext(resources.ledger, run, STAGE)
        with hold_shard_run(resources.ledger, run):
            due = picture_reviews.images_due_for_review(resources.ledger, reviewer.tag, document, limit)
            for images in portions(due, _BATCH_SIZE):
                if reviewed.message:
                    break
                runs.record_alive(resources.ledger, run)
                reviewed = _review_batch(resources, context, reviewer, images, reviewed)
            runs.end_part(resources.ledger, run)
    except (InvalidReference, RunRevoked) as failure:  # the document was deleted or cancelled
        return reviewed.model_copy(update={"message": str(failure)})
    return reviewed


def _review_batch(
    resources: Resources, context: CallContext, reviewer: Analyst, images: Sequence[ReviewImage], reviewed: Reviewed
) -> Reviewed:
    """Analyse these images again, record a verdict on each, and return the totals.

    During an outage only failures that never pass are recorded for an image. A shared failure is raised or reported
    after the verdicts are recorded.
    """
    ledger, below = resources.ledger, resources.settings.review.below
    verdicts, failed = list[Verdict | None](), list(reviewed.failed)
    answers = _ask(resources, context, reviewer, images)
    shared = next((a for a in answers.values() if isinstance(a, Failure) and a.policy in SHARED_POLICIES), None)
    for image in images:
        answer = answers[image.content_key]
        if not isinstance(answer, Failure):
            verdicts.append(
                picture_reviews.record_answer(ledger, image, answer, by=reviewer.tag, below=below, run=context.run)
            )
        elif shared is None or answer.policy is Policy.NEVER:
            picture_reviews.record_review_failure(ledger, image, answer, by=reviewer.tag, run=context.run)
            failed.append(f"image {image.image_id}, page {image.page}: {answer.kind}: {answer}")
    if shared is not None and shared.policy is Policy.BLOCKED and not isinstance(shared, BudgetExceeded):
        raise shared
    return reviewed.model_copy(
        update={
            "replaced": reviewed.replaced + verdicts.count(Verdict.REPLACED),
            "undecided": reviewed.undecided + verdicts.count(Verdict.UNDECIDED),
            "failed": tuple(failed),
            "message": str(shared) if shared else None,
        }
    )


def _ask(
    resources: Resources, context: CallContext, reviewer: Analyst, images: Sequence[ReviewImage]
) -> Mapping[str, Analysis | Failure]:
    """Return content key -> the reviewer's analysis, from the ledger if it has one, else from the model."""
    keys = [image.content_key for image in images]
    answers: dict[str, Analysis | Failure] = {**picture_reviews.stored_analyses(resources.ledger, keys, reviewer.tag)}
    loaded = load_pixels(resources, [key for key in keys if key not in answers], reviewer.side)
    answers |= {key: pixels for key, pixels in loaded.items() if isinstance(pixels, Failure)}
    pixels = {key: each for key, each in loaded.items() if not isinstance(each, Failure)}
    return answers | dict(zip(pixels, reviewer.analyse(list(pixels.values()), context), strict=True))


# --- reviews by people ------------------------------------------------------------------------------------------------


def accept(resources: Resources, image: ReviewImage, *, by: str) -> None:
    """Accept the analysis in use, or of a rejected image the last one in use."""
    below = resources.settings.review.below
    picture_reviews.record_decision(resources.ledger, image, Verdict.ACCEPTED, by=by, below=below)


def reject(resources: Resources, image: ReviewImage, *, by: str, reason: str) -> None:
    """Reject the analysis of an image, which counts as rejected for this reason: its text is withdrawn.

    Raises InvalidReference without a reason.
    """
    if not (reason := reason.strip()):
        raise InvalidReference("A rejection needs a reason.", advice="Give it: --reason.")
    below = resources.settings.review.below
    picture_reviews.record_decision(resources.ledger, image, Verdict.REJECTED, by=by, reason=reason, below=below)
