"""Record a review of a picture's analysis, by a second model or a person, and everything that it changes.

It may change the text in use, the items, and which documents are reopened. A failed second analysis is tried again with
the pauses of items. The verdict is decided in `analysis.py`.
"""

from typing import Any

from sqlalchemy import Connection, and_, delete, insert, null, select, update
from ulid import ULID

from swatchbook.analysis import score
from swatchbook.backoff import pause_after
from swatchbook.errors import Dismissed, Failure, InvalidReference, Policy, RunRevoked
from swatchbook.ledger.bulk_rows import upsert_rows
from swatchbook.ledger.database import Ledger, db_now
from swatchbook.ledger.dead_runs import mark_dead
from swatchbook.ledger.dirty import mark_changed, mark_made, reopen_documents_showing
from swatchbook.ledger.failure_outcomes import RUN_LIMIT, failure_record
from swatchbook.ledger.image_text import queue_text_items, set_current_text
from swatchbook.ledger.leases import NO_LEASE
from swatchbook.ledger.queries.reviews import load_analysis, reviews_of
from swatchbook.ledger.runs import Run, insert_run, require_live
from swatchbook.ledger.tables import analyses, contents, documents, images, items, reviews, runs
from swatchbook.records import Analysis, DocumentStatus, ItemState, Record, Review, Role, Verdict, text_key


class SecondAnalysis(Record):
    """Another analysis of a picture, and its text ("": it has nothing to say)."""

    tag: str
    analysis: Analysis
    text: str


class ReviewNote(Record):
    """The decision of a reviewer or a person. The other analysis is new (`second`) or already stored (`second_tag`)."""

    verdict: Verdict
    by: str
    reasons: tuple[str, ...] = ()
    second: SecondAnalysis | None = None
    second_tag: str | None = None


def begin_review_run(ledger: Ledger, document: str, *, flow_run: str | None = None) -> Run:
    """Begin a document's one review run, which may pay for second analyses; the document's own run is not affected.

    `shard_runs.end` ends it. Raises RunRevoked for a cancelled, deleted or never ingested document, and while another
    review run is live.
    """
    mark_dead(ledger, document)
    others = select(runs.c.token).where(runs.c.document == document, runs.c.kind == "review", runs.c.state == "live")
    stopped = (DocumentStatus.CANCELLED, DocumentStatus.DELETING)
    current = select(documents.c.generation).where(documents.c.id == document, documents.c.status.not_in(stopped))
    with ledger.write() as connection:
        generation = connection.execute(current.with_for_update(read=True)).scalar_one_or_none()
        if generation is None:
            raise RunRevoked(f"Document {document} was cancelled, deleted or never ingested.")
        if connection.execute(others).first() is not None:
            raise RunRevoked(f"Another run reviews document {document} already.")
        run = Run(token=str(ULID()), document=document, generation=generation)
        insert_run(connection, run, flow_run, kind="review")
    return run


def record_review(
    ledger: Ledger, key: str, tag: str, note: ReviewNote, *, below: float, run: Run | None = None
) -> Review | None:
    """Record a review of a picture's analysis, and all that follows from it, in one transaction.

    The first analysis stays stored. Where the text in use changes, its items are queued, the images are marked for
    publishing, and completed documents that show them wait, due now. Scores under `below` stay weak until a review
    settles them. Returns None where a `run` comes too late, after another review. Raises RunRevoked, and
    InvalidReference for an unknown analysis.
    """
    with ledger.write() as connection:
        if run is not None:
            require_live(connection, run)
        analysis = _require_analysis(connection, key, tag)
        earlier = reviews_of(connection, [key]).get((key, tag), ())
        if run is not None and earlier and earlier[-1].verdict is not Verdict.FAILED:
            return None
        other = _save_second(connection, key, note)
        corrects = note.verdict is Verdict.CORRECTED
        _insert(
            connection,
            key,
            tag,
            earlier,
            verdict=note.verdict,
            second=note.second.tag if note.second else note.second_tag,
            reasons=list(note.reasons),
            score_before=earlier[-1].score_after if earlier else score(analysis),
            score_after=score(other if other and corrects else analysis),
            by=note.by,
        )
        (review,) = reviews_of(connection, [key])[key, tag][-1:]
        replaced = earlier[-1].second if earlier and earlier[-1].verdict is Verdict.CORRECTED else None
        replaces = replaced != (review.second if corrects else None)
        _apply(connection, key, tag, review, below, replaced=replaces)
        return review


def withdraw_review(ledger: Ledger, key: str, tag: str, number: int, *, below: float) -> bool:
    """Take back the last review of a picture's analysis in one transaction, so that the one before is current again.

    Returns False if `number` is not the last review. A second analysis that it brought stays stored.
    """
    with ledger.write() as connection:
        known = reviews_of(connection, [key]).get((key, tag), ())
        if not known or known[-1].number != number:
            return False
        of_tag = and_(reviews.c.key == key, reviews.c.tag == tag)
        connection.execute(delete(reviews).where(of_tag, reviews.c.number == number))
        before = known[-2] if len(known) > 1 else None
        if before is not None:
            connection.execute(update(reviews).where(of_tag, reviews.c.number == before.number).values(stands=True))
        _apply(connection, key, tag, before, below, replaced=True)
        return True


def record_review_failure(ledger: Ledger, key: str, tag: str, failure: Failure, *, by: str, run: Run) -> None:
    """Record a second analysis that failed, and when to try again; after as many tries as an item, a person decides.

    Raises RunRevoked.
    """
    with ledger.write() as connection:
        require_live(connection, run)
        earlier = reviews_of(connection, [key]).get((key, tag), ())
        if earlier and earlier[-1].verdict is not Verdict.FAILED:
            return
        failures = 1 + sum(review.verdict is Verdict.FAILED for review in earlier)
        try_again = failure.policy is not Policy.NEVER and failures < RUN_LIMIT
        unchanged = score(_require_analysis(connection, key, tag))
        _insert(
            connection,
            key,
            tag,
            earlier,
            verdict=Verdict.FAILED,
            second=None,
            reasons=[f"{failure.kind}: {failure}"],
            score_before=unchanged,
            score_after=unchanged,
            by=by,
            next_try_at=db_now() + pause_after(failures) if try_again else None,
        )


def _require_analysis(connection: Connection, key: str, tag: str) -> Analysis:
    analysis = load_analysis(connection, key, tag)
    if analysis is None:
        raise InvalidReference(f"Picture {key} has no analysis by {tag}.")
    return analysis


def _save_second(connection: Connection, key: str, note: ReviewNote) -> Analysis | None:
    """Store the note's new analysis with its text; return it, or the stored one that the note names."""
    if note.second is None:
        return None if note.second_tag is None else _require_analysis(connection, key, note.second_tag)
    second, stored_text = note.second, text_key(note.second.text) if note.second.text else None
    if stored_text:
        upsert_rows(connection, contents, [{"key": stored_text, "text": second.text, "unused_since": None}])
    record = second.analysis.model_dump(mode="json")
    upsert_rows(connection, analyses, [{"key": key, "tag": second.tag, "record": record, "text_key": stored_text}])
    return second.analysis


def _insert(connection: Connection, key: str, tag: str, earlier: tuple[Review, ...], **values: Any) -> None:
    """Insert a review, and make it the current one (`stands`)."""
    standing = and_(reviews.c.key == key, reviews.c.tag == tag, reviews.c.stands)
    connection.execute(update(reviews).where(standing).values(stands=False))
    connection.execute(
        insert(reviews).values(key=key, tag=tag, number=len(earlier) + 1, stands=True, at=db_now(), **values)
    )


def _apply(connection: Connection, key: str, tag: str, review: Review | None, below: float, *, replaced: bool) -> None:
    """Let every image of the picture show the analysis in use, and queue and publish what changed.

    `review` is the current one, None without any. `replaced`: another analysis is in use than before, perhaps with the
    same text.
    """
    changes = set_current_text(connection, tag, [key], below)
    _settle_item(connection, key, tag, review)
    changed = {image for image, has_new_text in changes.items() if has_new_text}
    queue_text_items(connection, images.c.id, changed)
    mark_made(connection, images, images.c.id, changed)
    reopen_documents_showing(connection, changed)
    if replaced:
        mark_changed(connection, images, changes.keys() - changed)


def _settle_item(connection: Connection, key: str, tag: str, review: Review | None) -> None:
    """Set the analysis's item to rejected with the person's reason, or back to done if a rejection is taken back."""
    item = and_(items.c.key == key, items.c.role == Role.ANALYSIS, items.c.tag == tag)
    free = {**NO_LEASE, "next_retry_at": null()}
    if review is not None and review.verdict is Verdict.REJECTED:
        failure = failure_record(Dismissed("; ".join(review.reasons), advice=f"Rejected by {review.by}."))
        connection.execute(update(items).where(item).values(state=ItemState.REJECTED, failure=failure, **free))
    else:
        rejected = and_(item, items.c.state == ItemState.REJECTED)
        connection.execute(update(items).where(rejected).values(state=ItemState.DONE, failure=null(), **free))
