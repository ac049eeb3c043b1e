"""Review weak analyses with a second, stronger model, and let people accept, correct or reject them, who decide last.

`analysis.py` decides which of two analyses is used.

Documents do not wait for reviews. Each answer of the model is stored when it arrives, and each verdict is one
transaction, so a review that is killed can be repeated without paying twice.
"""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from swatchbook.domain.analysis import PERSON, changes, correct, judge, person_tag, understanding_text
from swatchbook.domain.errors import SHARED_POLICIES, BudgetExceeded, Failure, InvalidReference, Policy, RunRevoked
from swatchbook.domain.records import Analysis, Record, Review, ReviewImage, Verdict
from swatchbook.ingest.embed import load_pixels
from swatchbook.ingest.run import hold_shard_run
from swatchbook.models.protocols import Analyst
from swatchbook.models.registry import review_tag
from swatchbook.resources import Resources
from swatchbook.store.ledger import item_runs, picture_reviews, runs
from swatchbook.store.ledger.calls import CallContext
from swatchbook.store.ledger.database import portions
from swatchbook.store.ledger.picture_reviews import ReviewNote, SecondAnalysis
from swatchbook.store.ledger.stored_documents import get_document
from swatchbook_base.arrays import Pixels

log = logging.getLogger(__name__)

STAGE: Final = "review"
"""Stage under which reviews appear in a document's costs."""

_BATCH_SIZE = 20  # images decoded and reviewed together


class Reviewed(Record):
    """Result of reviewing a document: images by verdict, failures, and in `message` why the review ended early."""

    document_id: str
    name: str
    accepted: int = 0
    corrected: int = 0
    undecided: int = 0
    failed: tuple[str, ...] = ()
    message: str | None = None

    @property
    def pictures(self) -> int:
        """Return the number of images that were reviewed."""
        return self.accepted + self.corrected + self.undecided + len(self.failed)


def documents_to_review(resources: Resources, owner: str | None = None) -> list[str]:
    """Return the ids of documents with images that the review model can review now; none if no model is set.

    Raises Configuration if there are any and the review model is not fully configured.
    """
    tag = review_tag(resources.settings)
    documents = [] if tag is None else picture_reviews.documents_to_review(resources.ledger, tag, owner=owner)
    if documents:
        _ = resources.models.reviewer
    return documents


def review_all(resources: Resources, owner: str | None = None, limit: int = 1_000) -> Iterator[Reviewed]:
    """Review up to `limit` images, document by document. Raises what `review_document` raises."""
    for document in documents_to_review(resources, owner):
        if limit <= 0:
            return
        reviewed = review_document(resources, document, limit=limit)
        limit -= reviewed.pictures
        yield reviewed


def review_document(resources: Resources, document: str, *, limit: int, flow_run: str | None = None) -> Reviewed:
    """Review up to `limit` images of a document with the review model, and record a verdict on each answer.

    Images that fail are listed and tried again later. An outage, an exhausted budget or a deleted document ends the
    review with a message. Raises failures that a person must fix: Configuration, Authentication, DiskFull.
    """
    reviewed = Reviewed(document_id=document, name=document)
    reviewer = resources.models.reviewer
    if reviewer is None:
        return reviewed
    try:
        reviewed = reviewed.model_copy(update={"name": get_document(resources.ledger, document).name})
        with _hold_review_run(resources, document, flow_run) as context:
            due = picture_reviews.images_due_for_review(resources.ledger, reviewer.tag, document, limit)
            for images in portions(due, _BATCH_SIZE):
                if reviewed.message:
                    break
                runs.record_alive(resources.ledger, context.run)
                reviewed = _review_batch(resources, context, reviewer, images, reviewed)
    except (InvalidReference, RunRevoked) as failure:  # the document was deleted or cancelled
        return reviewed.model_copy(update={"message": str(failure)})
    return reviewed


@contextmanager
def _hold_review_run(resources: Resources, document: str, flow_run: str | None) -> Iterator[CallContext]:
    """Begin a run for the review, apart from the document's own run, and end it after the block. Raises RunRevoked."""
    run = item_runs.begin_review(resources.ledger, document, flow_run=flow_run)
    with hold_shard_run(resources.ledger, run):
        yield CallContext(resources.ledger, run, STAGE)
        item_runs.end(resources.ledger, run)


def _review_batch(
    resources: Resources, context: CallContext, reviewer: Analyst, images: Sequence[ReviewImage], reviewed: Reviewed
) -> Reviewed:
    """Analyse these images again, record a verdict on each, and return the totals.

    During an outage only failures that never pass are recorded for an image. A shared failure is raised or reported
    after the verdicts are recorded.
    """
    counts = {verdict: getattr(reviewed, verdict.value) for verdict in (_ACCEPTED, _CORRECTED, _UNDECIDED)}
    failed = list(reviewed.failed)
    answers = _second_analyses(resources, context, reviewer, images)
    shared = next((a for a in answers.values() if isinstance(a, Failure) and a.policy in SHARED_POLICIES), None)
    for image in images:
        answer = answers[image.content_key]
        if isinstance(answer, Failure):
            if shared is not None and answer.policy is not Policy.NEVER:
                continue
            picture_reviews.record_review_failure(resources.ledger, image, answer, by=reviewer.tag, run=context.run)
            failed.append(f"image {image.image_id}, page {image.page}: {answer.kind}: {answer}")
            continue
        if (verdict := _record_verdict(resources, context, reviewer, image, answer)) in counts:
            counts[verdict] += 1
    if shared is not None and shared.policy is Policy.BLOCKED and not isinstance(shared, BudgetExceeded):
        raise shared
    return reviewed.model_copy(
        update={
            **{verdict.value: count for verdict, count in counts.items()},
            "failed": tuple(failed),
            "message": str(shared) if shared else None,
        }
    )


_ACCEPTED, _CORRECTED, _UNDECIDED = Verdict.ACCEPTED, Verdict.CORRECTED, Verdict.UNDECIDED


def _second_analyses(
    resources: Resources, context: CallContext, reviewer: Analyst, images: Sequence[ReviewImage]
) -> Mapping[str, Analysis | Failure]:
    """Return content key -> the reviewer's analysis, from the ledger if it is stored there, else from the model."""
    answers = dict[str, Analysis | Failure]()
    for image in images:
        if stored := picture_reviews.read_analysis(resources.ledger, image.content_key, reviewer.tag):
            answers[image.content_key] = stored
    keys = [image.content_key for image in images if image.content_key not in answers]
    to_ask = dict[str, Pixels]()
    for key, pixels in load_pixels(resources, keys, reviewer.side).items():
        if isinstance(pixels, Failure):
            answers[key] = pixels
        else:
            to_ask[key] = pixels
    return {**answers, **_ask(resources, context, reviewer, to_ask)}


def _ask(
    resources: Resources, context: CallContext, reviewer: Analyst, pixels: Mapping[str, Pixels]
) -> dict[str, Analysis | Failure]:
    """Analyse images with the review model, and retry failures that may pass, until a shared failure occurs."""
    answers, left = dict[str, Analysis | Failure](), dict(pixels)
    for pause in (0.0, *resources.settings.retry_delays):
        if not left:
            break
        time.sleep(pause)
        runs.record_alive(resources.ledger, context.run)
        answers |= zip(left, reviewer.analyse(list(left.values()), context), strict=True)
        failures = {key: answer for key in left if isinstance(answer := answers[key], Failure)}
        if any(failure.policy in SHARED_POLICIES for failure in failures.values()):
            break
        left = {key: left[key] for key, failure in failures.items() if failure.policy is not Policy.NEVER}
    return answers


def _record_verdict(
    resources: Resources, context: CallContext, reviewer: Analyst, image: ReviewImage, second: Analysis
) -> Verdict | None:
    """Compare both analyses and record the verdict. Returns None if a review was recorded for the image meanwhile."""
    judgement = judge(image.analysis, second)
    note = ReviewNote(
        verdict=judgement.verdict,
        by=reviewer.tag,
        reasons=judgement.reasons,
        second=SecondAnalysis(tag=reviewer.tag, analysis=second, text=understanding_text(second)),
    )
    below = resources.settings.review.below
    review = picture_reviews.record_review(resources.ledger, image, note, below=below, run=context.run)
    if review and review.verdict is Verdict.CORRECTED:
        log.info("image %s is corrected: %s", image.image_id, "; ".join(review.reasons))
    return review.verdict if review else None


# --- reviews by people ------------------------------------------------------------------------------------------------


def accept(resources: Resources, image: ReviewImage, *, by: str, second: bool = False) -> Review:
    """Accept the analysis in use (or, of a rejected image, the last one in use); with `second` the second analysis.

    Raises InvalidReference if there is no second analysis.
    """
    tag = _second_tag(image) if second else _used_tag(image)
    if second and tag is None:
        raise InvalidReference(f"Image {image.image_id} has no second analysis.")
    if tag is None:
        return _write(resources, image, ReviewNote(verdict=Verdict.ACCEPTED, by=by))
    is_rejected = image.standing is not None and image.standing.verdict is Verdict.REJECTED
    before = image.analysis if is_rejected else in_use(resources, image)
    reasons = changes(before, picture_reviews.read_analysis(resources.ledger, image.content_key, tag) or before)
    return _write(resources, image, ReviewNote(verdict=Verdict.CORRECTED, by=by, reasons=reasons, second_tag=tag))


def correct_image(
    resources: Resources,
    image: ReviewImage,
    fields: Mapping[str, str],
    *,
    by: str,
    text: str | None = None,
    reason: str = "",
) -> Review:
    """Replace fields of the analysis in use by a person's values; `text` replaces the generated understanding text.

    Raises InvalidReference for unknown fields and invalid values, and if there is neither a field nor a text.
    """
    if not fields and text is None:
        raise InvalidReference("There is nothing to correct.", advice="Give fields, such as material=oak, or --text.")
    analysis = correct(in_use(resources, image), fields)
    new_text = understanding_text(analysis) if text is None else " ".join(text.split())
    second = SecondAnalysis(tag=person_tag(analysis, new_text), analysis=analysis, text=new_text)
    values = [f"{name.replace('_', ' ')}: {value or 'nothing'}" for name, value in fields.items()]
    values += [f"text: {new_text or 'nothing'}"] if text is not None else []
    reasons = (*([reason] if reason else []), *values)
    return _write(resources, image, ReviewNote(verdict=Verdict.CORRECTED, by=by, reasons=reasons, second=second))


def reject(resources: Resources, image: ReviewImage, *, by: str, reason: str) -> Review:
    """Reject all analyses of an image: its analysis counts as rejected for this reason, and its text is withdrawn.

    Raises InvalidReference without a reason.
    """
    if not reason.strip():
        raise InvalidReference("A rejection needs a reason.", advice="Give it: --reason.")
    return _write(resources, image, ReviewNote(verdict=Verdict.REJECTED, by=by, reasons=(reason.strip(),)))


def withdraw(resources: Resources, image: ReviewImage, number: int) -> None:
    """Take back the last review of an image. Raises InvalidReference if another one was made since, or none."""
    below = resources.settings.review.below
    if not picture_reviews.withdraw_review(resources.ledger, image, number, below=below):
        raise InvalidReference(f"Review {number} is no longer the last one of this image.", advice="Look at it again.")


def in_use(resources: Resources, image: ReviewImage) -> Analysis:
    """Return the analysis in use, or the one in use before the image was rejected: the first, or its correction."""
    tag = _used_tag(image)
    return (tag and picture_reviews.read_analysis(resources.ledger, image.content_key, tag)) or image.analysis


def _used_tag(image: ReviewImage) -> str | None:
    """Return the tag of the correction in use; None if the first analysis is."""
    last = next((review for review in reversed(image.reviews) if review.verdict is not Verdict.REJECTED), None)
    return last.second if last and last.verdict is Verdict.CORRECTED else None


def _second_tag(image: ReviewImage) -> str | None:
    """Return the tag of the last analysis by a review model, whatever its verdict was."""
    tags = [review.second for review in image.reviews if review.second and not review.second.startswith(f"{PERSON}@")]
    return tags[-1] if tags else None


def _write(resources: Resources, image: ReviewImage, note: ReviewNote) -> Review:
    below = resources.settings.review.below
    review = picture_reviews.record_review(resources.ledger, image, note, below=below)
    assert review is not None  # noqa: S101 - None is returned only with `run`
    return review
