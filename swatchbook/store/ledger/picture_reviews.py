"""Find the images that wait for a review, and record reviews of an image's analysis with everything that they change.

A review, by a second model or a person, is of an owner's image and its analysis under one tag. The analyses that models
make are shared by all owners of the picture; what a person writes is not. A review may change the text in use
(`image_text.py`), and which documents are reopened. A failed second analysis is tried again with the pauses of items.
`analysis.py` has the rule when an analysis is weak.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    delete,
    exists,
    func,
    insert,
    literal_column,
    or_,
    select,
    tuple_,
    update,
)

from swatchbook.domain.analysis import PERSON, is_weak, score
from swatchbook.domain.backoff import pause_after
from swatchbook.domain.errors import Failure, InvalidReference, Policy
from swatchbook.domain.records import (
    COUNTED,
    Analysis,
    DocumentStatus,
    Record,
    Review,
    ReviewImage,
    Role,
    Verdict,
    text_key,
)
from swatchbook.store.ledger.bulk_rows import upsert_rows
from swatchbook.store.ledger.database import Ledger, db_now, execute_in, select_in
from swatchbook.store.ledger.dirty import mark_changed, mark_made, reopen_documents_showing
from swatchbook.store.ledger.image_text import queue_text_items, set_current_text
from swatchbook.store.ledger.item_tries import RUN_LIMIT
from swatchbook.store.ledger.runs import Run, require_live
from swatchbook.store.ledger.tables import analyses, contents, documents, images, placements, requested, reviews


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


def record_review(
    ledger: Ledger, image: ReviewImage, note: ReviewNote, *, below: float, run: Run | None = None
) -> Review | None:
    """Record a review of an image's analysis, and all that follows from it, in one transaction.

    The first analysis stays stored. Where the text in use changes, its items are queued, the image is marked for
    publishing, and completed documents that show it wait, due now. Scores under `below` stay weak until a review
    settles them. Returns None where a `run` comes too late, after another review. Raises RunRevoked, and
    InvalidReference for an unknown analysis.
    """
    with ledger.write() as connection:
        if run is not None:
            require_live(connection, run)
        analysis = _require_analysis(connection, image.content_key, image.tag)
        earlier = _reviews(connection, image)
        if run is not None and earlier and earlier[-1].verdict is not Verdict.FAILED:
            return None
        other = _save_second(connection, image.content_key, note)
        corrects = note.verdict is Verdict.CORRECTED
        _insert(
            connection,
            image,
            earlier,
            verdict=note.verdict,
            second=note.second.tag if note.second else note.second_tag,
            reasons=list(note.reasons),
            score_before=earlier[-1].score_after if earlier else score(analysis),
            score_after=score(other if other and corrects else analysis),
            by=note.by,
        )
        review = _reviews(connection, image)[-1]
        replaced = earlier[-1].second if earlier and earlier[-1].verdict is Verdict.CORRECTED else None
        replaces = replaced != (review.second if corrects else None)
        _apply(connection, image, below, replaced=replaces)
        return review


def withdraw_review(ledger: Ledger, image: ReviewImage, number: int, *, below: float) -> bool:
    """Take back the last review of an image's analysis in one transaction, so that the one before is current again.

    Returns False if `number` is not the last review. A second analysis that a model brought stays stored.
    """
    with ledger.write() as connection:
        known = _reviews(connection, image)
        if not known or known[-1].number != number:
            return False
        of_tag = and_(reviews.c.image == image.image_id, reviews.c.tag == image.tag)
        connection.execute(delete(reviews).where(of_tag, reviews.c.number == number))
        connection.execute(update(reviews).where(of_tag, reviews.c.number == number - 1).values(stands=True))
        drop_corrections(connection, [image.content_key])
        _apply(connection, image, below, replaced=True)
        return True


def drop_corrections(connection: Connection, keys: Iterable[str]) -> None:
    """Delete the analyses of these pictures that a person wrote and that no review names any more."""
    named = exists().where(reviews.c.key == analyses.c.key, reviews.c.second == analyses.c.tag)
    unnamed = delete(analyses).where(analyses.c.tag.startswith(f"{PERSON}@"), ~named)
    execute_in(connection, unnamed, analyses.c.key, keys)


def record_review_failure(ledger: Ledger, image: ReviewImage, failure: Failure, *, by: str, run: Run) -> None:
    """Record a second analysis that failed, and when to try again; after as many tries as an item, a person decides.

    Raises RunRevoked.
    """
    with ledger.write() as connection:
        require_live(connection, run)
        earlier = _reviews(connection, image)
        if earlier and earlier[-1].verdict is not Verdict.FAILED:
            return
        failures = 1 + sum(review.verdict is Verdict.FAILED for review in earlier)
        try_again = failure.policy is not Policy.NEVER and failures < RUN_LIMIT
        unchanged = score(_require_analysis(connection, image.content_key, image.tag))
        _insert(
            connection,
            image,
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


def _reviews(connection: Connection, image: ReviewImage) -> tuple[Review, ...]:
    return reviews_of(connection, [image.image_id]).get((image.image_id, image.tag), ())


def _insert(connection: Connection, image: ReviewImage, earlier: tuple[Review, ...], **values: Any) -> None:
    """Insert a review, and make it the current one (`stands`)."""
    standing = and_(reviews.c.image == image.image_id, reviews.c.tag == image.tag, reviews.c.stands)
    connection.execute(update(reviews).where(standing).values(stands=False))
    which = {"image": image.image_id, "tag": image.tag, "number": len(earlier) + 1, "key": image.content_key}
    connection.execute(insert(reviews).values(**which, stands=True, at=db_now(), **values))


def _apply(connection: Connection, image: ReviewImage, below: float, *, replaced: bool) -> None:
    """Let the image show the analysis in use, and queue and publish what changed.

    `replaced`: another analysis is in use than before, perhaps with the same text.
    """
    changes = set_current_text(connection, image.tag, images.c.id, [image.image_id], below)
    changed = {image for image, has_new_text in changes.items() if has_new_text}
    queue_text_items(connection, images.c.id, changed)
    mark_made(connection, images, images.c.id, changed)
    reopen_documents_showing(connection, changed)
    if replaced:
        mark_changed(connection, images, changes.keys() - changed)


# --- what waits for a review ------------------------------------------------------------------------------------------


_MAX_CHOICES = 10
"""Images that an error names at most."""

_STOPPED = (DocumentStatus.CANCELLED, DocumentStatus.DELETING)


def count_images_to_review(ledger: Ledger, *, owner: str | None = None, document: str | None = None) -> int:
    """Count the images of a document, of an owner or of all owners that need a review."""
    placed = exists().where(
        placements.c.image == images.c.id,
        placements.c.state.in_(COUNTED),
        requested.c.document == placements.c.document,
        _is_analysis,
        analyses.c.key == images.c.content_key,
        analyses.c.tag == requested.c.tag,
        _is_shown_analysis,
        *([] if document is None else [placements.c.document == document]),
    )
    query = select(func.count()).select_from(images).where(_needs_review, ~images.c.gone, placed, *_owned_by(owner))
    with ledger.read() as connection:
        return connection.execute(query).scalar_one()


def images_to_review(
    ledger: Ledger, *, owner: str | None = None, document: str | None = None, limit: int | None = None
) -> list[ReviewImage]:
    """Return the images that need a review, by document (oldest first) and in reading order."""
    with ledger.read() as connection:
        rows = connection.execute(_waiting(owner=owner, document=document).limit(limit)).all()
        return _review_images(connection, rows)


ByPlace = tuple[float, str, int]
"""The position of an image that needs a review: when its document was created, the document, its order there."""


def page_of_images_to_review(
    ledger: Ledger, *, owner: str | None, after: ByPlace | None, limit: int
) -> tuple[list[ReviewImage], ByPlace | None]:
    """Return the images that need a review behind a position, as `images_to_review`, and the position of the last one
    if there are more. An image that several documents show may come once for each.
    """
    query, place = _waiting(owner=owner).add_columns(documents.c.created_at, _first_place), None
    if after is not None:
        created, document, ordinal = after
        query = query.where(tuple_(documents.c.created_at, documents.c.id) >= (created, document))
        query = query.having(or_(documents.c.id != document, _first_place > ordinal))
    with ledger.read() as connection:
        rows = connection.execute(query.limit(limit + 1)).all()
        if len(rows) > limit:
            last = rows[limit - 1]
            place = last.created_at, last.document, last.ordinal
        return _review_images(connection, rows[:limit]), place


def documents_to_review(ledger: Ledger, reviewer: str, *, owner: str | None = None) -> list[str]:
    """Return the idle documents that show images for this reviewer (a tag) to review now, oldest first."""
    weak = select(images.c.id).where(_needs_review, ~images.c.gone, *_owned_by(owner))
    shown_in = select(placements.c.document).distinct()
    due = _due_for_review(reviewer).order_by(None).with_only_columns(documents.c.id, documents.c.created_at)
    with ledger.read() as connection:
        # three steps from the few weak images: in one query SQLite would start from all documents
        weak_images = connection.execute(weak).scalars().all()
        showing = {row.document for row in select_in(connection, shown_in, placements.c.image, weak_images)}
        created = {row.id: (row.created_at, row.id) for row in select_in(connection, due, documents.c.id, showing)}
    return sorted(created, key=lambda document: created[document])


def images_due_for_review(ledger: Ledger, reviewer: str, document: str, limit: int) -> list[ReviewImage]:
    """Return images of a document that this reviewer (a tag) is to review now."""
    with ledger.read() as connection:
        return _review_images(
            connection, connection.execute(_due_for_review(reviewer, document=document).limit(limit)).all()
        )


def review_candidates(
    ledger: Ledger, reviewer: str, tag: str, keys: Collection[str], *, below: float
) -> tuple[set[str], set[str]]:
    """Return which of these pictures (content keys) the reviewer may be asked about, and which it has analysed already.

    Candidates are weak under `tag`, or not analysed yet, whatever people have said of them.
    """
    reviewed, settled = set[str](), set[str]()
    query = select(analyses).where(analyses.c.tag.in_((tag, reviewer)))
    with ledger.read() as connection:
        for row in select_in(connection, query, analyses.c.key, keys):
            if row.tag == reviewer:
                reviewed.add(row.key)
            elif not is_weak(Analysis.model_validate(row.record), below):
                settled.add(row.key)
    return set(keys) - reviewed - settled, reviewed


def find_review_image(ledger: Ledger, reference: str, *, owner: str | None = None) -> ReviewImage:
    """Return the image with this id, or the only one whose id begins so.

    Raises InvalidReference for an unknown or ambiguous reference, and for an image without an analysis.
    """
    matching = select(images.c.id).where(images.c.id.startswith(reference, autoescape=True), *_owned_by(owner))
    with ledger.read() as connection:
        ids = connection.execute(matching.order_by(images.c.id).limit(_MAX_CHOICES)).scalars().all()
        choices = _review_images(connection, connection.execute(_analysed().where(images.c.id.in_(ids))).all())
    if len(ids) > 1:
        places = {each.image_id: f" (page {each.page} of {each.document})" for each in choices}
        named = "; ".join(f"{image}{places.get(image, '')}" for image in ids)
        raise InvalidReference(f"{reference!r} may be {named}.", advice="Give more of the id.")
    if not ids:
        of_owner = f" of {owner}" if owner else ""
        raise InvalidReference(f"There is no image {reference!r}{of_owner}.", advice="See `swatchbook review list`.")
    if not choices:
        raise InvalidReference(f"Image {ids[0]} has no analysis, or no document shows it.")
    return choices[0]


def reviews_of(connection: Connection, ids: Iterable[str]) -> dict[tuple[str, str], tuple[Review, ...]]:
    """Return (image, tag) -> all reviews of that analysis of it, oldest first."""
    names = list(Review.model_fields)
    query = select(reviews.c.image, *(reviews.c[name] for name in names)).order_by(reviews.c.number)
    history = defaultdict[tuple[str, str], list[Review]](list)
    for row in select_in(connection, query, reviews.c.image, ids):
        history[row.image, row.tag].append(Review.model_validate({name: row._mapping[name] for name in names}))
    return {analysis: tuple(of_analysis) for analysis, of_analysis in history.items()}


def read_analysis(ledger: Ledger, key: str, tag: str) -> Analysis | None:
    """Return the stored analysis of a picture under a tag (an analyst's, a reviewer's or a person's)."""
    with ledger.read() as connection:
        return load_analysis(connection, key, tag)


def load_analysis(connection: Connection, key: str, tag: str) -> Analysis | None:
    """Return the stored analysis of a picture under a tag, within a transaction."""
    query = select(analyses.c.record).where(analyses.c.key == key, analyses.c.tag == tag)
    record = connection.execute(query).scalar_one_or_none()
    return None if record is None else Analysis.model_validate(record)


# --- queries ----------------------------------------------------------------------------------------------------------


def _analysed(*, owner: str | None = None, document: str | None = None) -> Select[Any]:
    """(image, document, tag) of shown images with the analysis that the document requests."""
    scope = [*_owned_by(owner), *([] if document is None else [documents.c.id == document])]
    return (
        select(
            images.c.id.label("image"),
            images.c.owner,
            images.c.content_key,
            images.c.needs_review,
            documents.c.id.label("document"),
            documents.c.name,
            requested.c.tag,
            func.min(placements.c.page).label("page"),
            _is_shown_analysis.label("is_shown"),
        )
        .join_from(images, placements, placements.c.image == images.c.id)
        .join(documents, documents.c.id == placements.c.document)
        .join(requested, and_(requested.c.document == documents.c.id, _is_analysis))
        .join(analyses, and_(analyses.c.key == images.c.content_key, analyses.c.tag == requested.c.tag))
        .where(placements.c.state.in_(COUNTED), ~images.c.gone, *scope)
        .group_by(images.c.id, documents.c.id, requested.c.tag, analyses.c.text_key)
        .order_by(documents.c.created_at, documents.c.id, _first_place)
    )


def _waiting(*, owner: str | None = None, document: str | None = None) -> Select[Any]:
    return _analysed(owner=owner, document=document).where(_needs_review, _is_shown_analysis)


def _due_for_review(reviewer: str, *, document: str | None = None) -> Select[Any]:
    """Waiting images of idle documents without a review, or with a failed one to be tried again now.

    Analyses by the reviewer's own tag are left out.
    """
    standing = and_(reviews.c.image == images.c.id, reviews.c.tag == requested.c.tag, reviews.c.stands)
    try_again = and_(reviews.c.verdict == Verdict.FAILED, reviews.c.next_try_at <= db_now())
    return (
        _waiting(document=document)
        .join(reviews, standing, isouter=True)
        .where(requested.c.tag != reviewer, or_(reviews.c.image.is_(None), try_again))
        .where(documents.c.run.is_(None), documents.c.status.not_in(_STOPPED))
    )


_first_place = func.min(placements.c.ordinal).label("ordinal")
"""The first place in a document that shows the image."""

_needs_review: ColumnElement[bool] = literal_column("images.needs_review")
"""Written as in the partial index, else SQLite does not use it."""

_is_analysis: ColumnElement[bool] = func.coalesce(requested.c.role, "") == Role.ANALYSIS
"""Written so that no index applies: SQLite would start from all documents that request one, not from the few images."""

_is_shown_analysis = analyses.c.text_key.is_not_distinct_from(images.c.text_key)
"""Whether the image shows the text of this analysis: documents of one owner may request different analyses of it."""


def _owned_by(owner: str | None) -> list[ColumnElement[bool]]:
    return [] if owner is None else [images.c.owner == owner]


def _review_images(connection: Connection, rows: Sequence[Row[Any]]) -> list[ReviewImage]:
    """Return one record an image: with the analysis that it shows, else the one that its oldest document requests."""
    chosen = dict[str, Row[Any]]()
    for row in rows:
        if row.image not in chosen or (row.is_shown and not chosen[row.image].is_shown):
            chosen[row.image] = row
    keys = {row.content_key for row in chosen.values()}
    stored = {
        (row.key, row.tag): Analysis.model_validate(row.record)
        for row in select_in(connection, select(analyses), analyses.c.key, keys)
    }
    history = reviews_of(connection, chosen)
    return [
        ReviewImage(
            image_id=row.image,
            owner=row.owner,
            document_id=row.document,
            document=row.name,
            page=row.page,
            content_key=row.content_key,
            tag=row.tag,
            analysis=stored[row.content_key, row.tag],
            score=score(stored[row.content_key, row.tag]),
            needs_review=row.needs_review,
            reviews=history.get((row.image, row.tag), ()),
        )
        for row in chosen.values()
    ]
