"""Reviews: a second, stronger model looks at weak pictures, and a person has the last word.

Nothing waits for it. Every answer is kept when it arrives and every verdict is one transaction: it may be killed
anywhere, and the next one goes on and pays for nothing twice.
"""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from swatchbook.analysis.judge import PERSON, Verdict, changes, correct, judge, person_tag
from swatchbook.analysis.understanding import understanding_text
from swatchbook.arrays import Pixels
from swatchbook.errors import SHARED, BudgetExceeded, Failure, InvalidReference, Policy, RunRevoked
from swatchbook.ledger import reviews, runs, shard_runs
from swatchbook.ledger.calls import CallContext
from swatchbook.ledger.documents import get_document
from swatchbook.ledger.queries import reviews as review_queries
from swatchbook.ledger.queries.reviews import Review, ReviewImage
from swatchbook.ledger.reviews import ReviewNote, SecondAnalysis
from swatchbook.models.base import Analyst
from swatchbook.models.registry import review_tag
from swatchbook.pipeline.load_pixels import load_pixels
from swatchbook.pipeline.run import hold_shard_run
from swatchbook.records import Analysis, Record
from swatchbook.resources import Resources

log = logging.getLogger(__name__)

STAGE: Final = "review"
"""What second looks are paid for, in a document's costs."""

_TOGETHER = 20  # pictures decoded and asked about at once


class Reviewed(Record):
    """What second looks at a document's pictures came to. `message`: why there will be more of them later."""

    document_id: str
    name: str
    accepted: int = 0
    corrected: int = 0
    undecided: int = 0
    failed: tuple[str, ...] = ()
    message: str | None = None

    @property
    def pictures(self) -> int:
        return self.accepted + self.corrected + self.undecided + len(self.failed)


def documents_to_review(resources: Resources, owner: str | None = None) -> list[str]:
    """Documents with pictures that the review model is to look at now; none where no model is set.

    Where there are any, raises Configuration for what that model lacks.
    """
    reviewer = review_tag(resources.settings)
    found = [] if reviewer is None else review_queries.documents_to_review(resources.ledger, reviewer, owner=owner)
    if found:
        _ = resources.models.reviewer
    return found


def review_all(resources: Resources, owner: str | None = None, limit: int = 1_000) -> Iterator[Reviewed]:
    """Document by document, at most `limit` pictures. Raises what `review_document` raises."""
    for document in documents_to_review(resources, owner):
        if limit <= 0:
            return
        done = review_document(resources, document, limit=limit)
        limit -= done.pictures
        yield done


def review_document(resources: Resources, document: str, *, limit: int, flow_run: str | None = None) -> Reviewed:
    """Let the review model look at up to `limit` weak pictures of a document, and judge what it says.

    A picture that fails is named and tried again later. An outage, a budget at its end and a document that is gone stop
    it with a message; what a person must mend is raised: Configuration, Authentication, DiskFull.
    """
    done = Reviewed(document_id=document, name=document)
    reviewer = resources.models.reviewer
    if reviewer is None:
        return done
    try:
        done = done.model_copy(update={"name": get_document(resources.ledger, document).name})
        with _paying(resources, document, flow_run) as context:
            while limit > done.pictures and not done.message:
                most = min(_TOGETHER, limit - done.pictures)
                some = review_queries.images_due_for_review(resources.ledger, reviewer.tag, document, most)
                if not some:
                    break
                runs.record_alive(resources.ledger, context.run)
                done = _review(resources, context, reviewer, some, done)
    except (InvalidReference, RunRevoked) as gone:
        return done.model_copy(update={"message": str(gone)})
    return done


@contextmanager
def _paying(resources: Resources, document: str, flow_run: str | None) -> Iterator[CallContext]:
    """Begin a review's run, beside the document's own, and end it. Raises RunRevoked."""
    run = reviews.begin_review_run(resources.ledger, document, flow_run=flow_run)
    with hold_shard_run(resources.ledger, run):
        yield CallContext(resources.ledger, run, STAGE)
        shard_runs.end(resources.ledger, run)


def _review(
    resources: Resources, context: CallContext, reviewer: Analyst, some: Sequence[ReviewImage], done: Reviewed
) -> Reviewed:
    """These pictures: asked about together, each judged by itself. What concerns all of them comes last.

    In an outage nothing is held against a picture but what will never pass.
    """
    counts = {verdict: getattr(done, verdict.value) for verdict in (_ACCEPTED, _CORRECTED, _UNDECIDED)}
    failed = list(done.failed)
    seen = _look(resources, context, reviewer, some)
    shared = next((said for said in seen.values() if isinstance(said, Failure) and said.policy in SHARED), None)
    for picture in some:
        said = seen[picture.content_key]
        if isinstance(said, Failure):
            if shared is not None and said.policy is not Policy.NEVER:
                continue
            reviews.record_review_failure(
                resources.ledger, picture.content_key, picture.tag, said, by=reviewer.tag, run=context.run
            )
            failed.append(f"image {picture.image_id}, page {picture.page}: {said.kind}: {said}")
            continue
        if (verdict := _judge(resources, context, reviewer, picture, said)) in counts:
            counts[verdict] += 1
    if shared is not None and shared.policy is Policy.BLOCKED and not isinstance(shared, BudgetExceeded):
        raise shared
    return done.model_copy(
        update={
            **{verdict.value: count for verdict, count in counts.items()},
            "failed": tuple(failed),
            "message": str(shared) if shared else None,
        }
    )


_ACCEPTED, _CORRECTED, _UNDECIDED = Verdict.ACCEPTED, Verdict.CORRECTED, Verdict.UNDECIDED


def _look(
    resources: Resources, context: CallContext, reviewer: Analyst, some: Sequence[ReviewImage]
) -> Mapping[str, Analysis | Failure]:
    """What the reviewer sees in each picture, by content key: as it is kept, else as it says when it is asked."""
    seen = dict[str, Analysis | Failure]()
    for picture in some:
        if kept := review_queries.read_analysis(resources.ledger, picture.content_key, reviewer.tag):
            seen[picture.content_key] = kept
    pixels = load_pixels(
        resources, [picture.content_key for picture in some if picture.content_key not in seen], reviewer.side
    )
    asked = dict[str, Pixels]()
    for key, found in pixels.items():
        if isinstance(found, Failure):
            seen[key] = found
        else:
            asked[key] = found
    return {**seen, **_ask(resources, context, reviewer, asked)}


def _ask(
    resources: Resources, context: CallContext, reviewer: Analyst, asked: Mapping[str, Pixels]
) -> dict[str, Analysis | Failure]:
    """What failed and may pass is asked again after the pauses of batches, until something concerns everybody."""
    seen, left = dict[str, Analysis | Failure](), dict(asked)
    for pause in (0.0, *resources.settings.retry_delays):
        if not left:
            break
        time.sleep(pause)
        runs.record_alive(resources.ledger, context.run)
        seen |= zip(left, reviewer.analyse(list(left.values()), context), strict=True)
        failed = {key: said for key in left if isinstance(said := seen[key], Failure)}
        if any(failure.policy in SHARED for failure in failed.values()):
            break
        left = {key: left[key] for key, failure in failed.items() if failure.policy is not Policy.NEVER}
    return seen


def _judge(
    resources: Resources, context: CallContext, reviewer: Analyst, picture: ReviewImage, said: Analysis
) -> Verdict | None:
    """None where somebody has judged it meanwhile."""
    judged = judge(picture.analysis, said)
    word = ReviewNote(
        verdict=judged.verdict,
        by=reviewer.tag,
        reasons=judged.reasons,
        second=SecondAnalysis(tag=reviewer.tag, analysis=said, text=understanding_text(said)),
    )
    below = resources.settings.review_below
    written = reviews.record_review(
        resources.ledger, picture.content_key, picture.tag, word, below=below, run=context.run
    )
    if written and written.verdict is Verdict.CORRECTED:
        log.info("image %s is corrected: %s", picture.image_id, "; ".join(written.reasons))
    return written.verdict if written else None


# --- a person's word --------------------------------------------------------------------------------------------------


def accept(resources: Resources, picture: ReviewImage, *, by: str, second: bool = False) -> Review:
    """What is said of the picture, or was until it was rejected, stands; `second`: what the second look says, instead.

    Raises InvalidReference where there was none.
    """
    other = _second_look(picture) if second else _last_used(picture)
    if second and other is None:
        raise InvalidReference(f"Image {picture.image_id} has no second analysis.")
    if other is None:
        return _write(resources, picture, ReviewNote(verdict=Verdict.ACCEPTED, by=by))
    is_rejected = picture.standing is not None and picture.standing.verdict is Verdict.REJECTED
    before = picture.analysis if is_rejected else in_use(resources, picture)
    reasons = changes(before, review_queries.read_analysis(resources.ledger, picture.content_key, other) or before)
    return _write(resources, picture, ReviewNote(verdict=Verdict.CORRECTED, by=by, reasons=reasons, second_tag=other))


def correct_picture(
    resources: Resources,
    picture: ReviewImage,
    given: Mapping[str, str],
    *,
    by: str,
    text: str | None = None,
    reason: str = "",
) -> Review:
    """The analysis `in_use` with a person's words in these fields; `text`: said instead of the sentences made of them.

    Raises InvalidReference for what cannot be said.
    """
    if not given and text is None:
        raise InvalidReference("Nothing is corrected.", advice="Give fields, such as material=oak, or --text.")
    before = in_use(resources, picture)
    analysis = correct(before, given)
    said = understanding_text(analysis) if text is None else " ".join(text.split())
    other = SecondAnalysis(tag=person_tag(analysis, said), analysis=analysis, text=said)
    told = [f"{name.replace('_', ' ')}: {value or 'nothing'}" for name, value in given.items()]
    told += [f"text: {said or 'nothing'}"] if text is not None else []
    reasons = (*([reason] if reason else []), *told)
    return _write(resources, picture, ReviewNote(verdict=Verdict.CORRECTED, by=by, reasons=reasons, second=other))


def reject(resources: Resources, picture: ReviewImage, *, by: str, reason: str) -> Review:
    """Nothing is said of the picture any more: its analysis counts as rejected for the reason, its text is withdrawn.

    Raises InvalidReference without a reason.
    """
    if not reason.strip():
        raise InvalidReference("A picture is rejected for a reason.", advice="Give it: --reason.")
    return _write(resources, picture, ReviewNote(verdict=Verdict.REJECTED, by=by, reasons=(reason.strip(),)))


def in_use(resources: Resources, picture: ReviewImage) -> Analysis:
    """The analysis that is used of a picture, or was until it was rejected: the first, or what took its place."""
    other = _last_used(picture)
    return (other and review_queries.read_analysis(resources.ledger, picture.content_key, other)) or picture.analysis


def _last_used(picture: ReviewImage) -> str | None:
    """Its tag; None: the first."""
    last = next((review for review in reversed(picture.reviews) if review.verdict is not Verdict.REJECTED), None)
    return last.second if last and last.verdict is Verdict.CORRECTED else None


def _second_look(picture: ReviewImage) -> str | None:
    """The tag of what another model saw last, whatever became of it."""
    seen = [review.second for review in picture.reviews if review.second and not review.second.startswith(f"{PERSON}@")]
    return seen[-1] if seen else None


def _write(resources: Resources, picture: ReviewImage, word: ReviewNote) -> Review:
    written = reviews.record_review(
        resources.ledger, picture.content_key, picture.tag, word, below=resources.settings.review_below
    )
    assert written is not None  # noqa: S101 - only a run may come too late
    return written
