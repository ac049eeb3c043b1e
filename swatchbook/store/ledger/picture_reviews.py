"""Find the images that wait for a review, and record the review of an image's analysis with everything that it changes.

An analysis of an owner's image has one review at most, by a stronger model or a person. The analyses that models make
are shared by all owners of the picture, reviews are not. A review may change the text in use (`image_text.py`), and
which documents are reopened. `analysis.py` has the rule when an analysis is weak.
"""

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
    literal_column,
    or_,
    select,
    tuple_,
)

from swatchbook.domain.analysis import is_weak, understanding_text, weakness
from swatchbook.domain.backoff import pause_after
from swatchbook.domain.errors import Failure, InvalidReference, Policy
from swatchbook.domain.records import COUNTED, Analysis, DocumentStatus, Review, ReviewImage, Role, Verdict, text_key
from swatchbook.store.ledger.bulk_rows import upsert_rows
from swatchbook.store.ledger.database import Ledger, db_now, select_in, upsert
from swatchbook.store.ledger.dirty import mark_changed, mark_made, reopen_documents_showing
from swatchbook.store.ledger.image_text import queue_text_items, set_current_text
from swatchbook.store.ledger.item_tries import RUN_LIMIT
from swatchbook.store.ledger.runs import Run, writing
from swatchbook.store.ledger.stored_documents import owned_by
from swatchbook.store.ledger.tables import analyses, contents, documents, images, placements, requested, reviews


def record_decision(
    ledger: Ledger, image: ReviewImage, verdict: Verdict, *, by: str, reason: str = "", below: float
) -> None:
    """Record that a person accepts or rejects the analysis in use. A rejected one that is accepted is used again."""
    with ledger.write() as connection:
        earlier = _review(connection, image)
        second = earlier.second if earlier else None
        _write(connection, image, verdict=verdict, second=second, reason=reason, by=by)
        _apply(connection, image, below)


def record_answer(
    ledger: Ledger, image: ReviewImage, second: Analysis, *, by: str, below: float, run: Run
) -> Verdict | None:
    """Store the review model's analysis (tag `by`): it replaces the first one, unless it is weak as well.

    A weak one waits for a person. Returns None if a person decided meanwhile. Raises RunRevoked.
    """
    with writing(ledger, run) as connection:
        if _is_settled(_review(connection, image)):
            return None
        text = understanding_text(second)
        stored = text_key(text) if text else None
        if stored:
            upsert_rows(connection, contents, [{"key": stored, "text": text, "unused_since": None}])
        answer = {"key": image.content_key, "tag": by, "record": second.model_dump(mode="json"), "text_key": stored}
        upsert_rows(connection, analyses, [answer])
        verdict = Verdict.UNDECIDED if is_weak(second, below) else Verdict.REPLACED
        used = by if verdict is Verdict.REPLACED else None
        _write(connection, image, verdict=verdict, second=used, reason=f"its {weakness(second)}", by=by)
        _apply(connection, image, below, replaced=used is not None)
        return verdict


def record_review_failure(ledger: Ledger, image: ReviewImage, failure: Failure, *, by: str, run: Run) -> None:
    """Record that the review model failed, and when to try again; after as many tries as an item, a person decides.

    Raises RunRevoked.
    """
    with writing(ledger, run) as connection:
        earlier = _review(connection, image)
        if _is_settled(earlier):
            return
        tries = 1 + (earlier.tries if earlier else 0)
        try_again = failure.policy is not Policy.NEVER and tries < RUN_LIMIT
        _write(
            connection,
            image,
            verdict=Verdict.FAILED,
            second=None,
            reason=f"{failure.kind}: {failure}",
            by=by,
            tries=tries,
            next_try_at=db_now() + pause_after(tries) if try_again else None,
        )


def withdraw_review(ledger: Ledger, image: ReviewImage, *, below: float) -> None:
    """Delete the review of an image's analysis, which is used again and needs a review if it is weak."""
    with ledger.write() as connection:
        earlier = _review(connection, image)
        connection.execute(delete(reviews).where(reviews.c.image == image.image_id, reviews.c.tag == image.tag))
        _apply(connection, image, below, replaced=earlier is not None and earlier.second is not None)


def _review(connection: Connection, image: ReviewImage) -> Review | None:
    return reviews_of(connection, [image.image_id]).get((image.image_id, image.tag))


def _is_settled(review: Review | None) -> bool:
    return review is not None and review.verdict is not Verdict.FAILED


def _write(connection: Connection, image: ReviewImage, **values: Any) -> None:
    """Insert the review of an image's analysis, or replace it."""
    which = {"image": image.image_id, "tag": image.tag}
    row = {"key": image.content_key, "at": db_now(), "tries": 0, "next_try_at": None, **values}
    insert = upsert(connection, reviews).values(**which, **row)
    connection.execute(insert.on_conflict_do_update(index_elements=list(which), set_=row))


def _apply(connection: Connection, image: ReviewImage, below: float, *, replaced: bool = False) -> None:
    """Let the image show the analysis in use; where its text is another one, queue its items and reopen documents.

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
    query = (
        select(func.count()).select_from(images).where(_needs_review, ~images.c.gone, placed, *owned_by(owner, images))
    )
    return ledger.execute(query).scalar_one()


ByPlace = tuple[float, str, int]
"""The position of an image that needs a review: when its document was created, the document, its order there."""


def images_to_review(
    ledger: Ledger, *, owner: str | None = None, after: ByPlace | None = None, limit: int | None = None
) -> tuple[list[ReviewImage], ByPlace | None]:
    """Return the images that need a review behind a position, by document (oldest first) and in reading order.

    Also returns the position of the last one if there are more. An image that several documents show may come again
    behind the position.
    """
    query, place = _waiting(owner=owner).add_columns(documents.c.created_at, _first_place), None
    if after is not None:
        created, document, ordinal = after
        query = query.where(tuple_(documents.c.created_at, documents.c.id) >= (created, document))
        query = query.having(or_(documents.c.id != document, _first_place > ordinal))
    with ledger.read() as connection:
        rows = connection.execute(query.limit(None if limit is None else limit + 1)).all()
        if limit is not None and len(rows) > limit:
            last = rows[limit - 1]
            place = last.created_at, last.document, last.ordinal
        return _review_images(connection, rows[:limit]), place


def documents_to_review(ledger: Ledger, reviewer: str, *, owner: str | None = None) -> list[str]:
    """Return the idle documents that show images for this reviewer (a tag) to review now, oldest first."""
    weak = select(images.c.id).where(_needs_review, ~images.c.gone, *owned_by(owner, images))
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


def stored_analyses(ledger: Ledger, keys: Collection[str], tag: str) -> dict[str, Analysis]:
    """Return content key -> its stored analysis by this tag, for pictures that have one."""
    query = select(analyses.c.key, analyses.c.record).where(analyses.c.tag == tag)
    rows = select_in(ledger, query, analyses.c.key, keys)
    return {row.key: Analysis.model_validate(row.record) for row in rows}


def find_review_image(ledger: Ledger, reference: str, *, owner: str | None = None) -> ReviewImage:
    """Return the image with this id, or the only one whose id begins so.

    Raises InvalidReference for an unknown or ambiguous reference, and for an image without an analysis.
    """
    matching = select(images.c.id).where(images.c.id.startswith(reference, autoescape=True), *owned_by(owner, images))
    with ledger.read() as connection:
        ids = connection.execute(matching.order_by(images.c.id).limit(_MAX_CHOICES)).scalars().all()
        if len(ids) > 1:
            raise InvalidReference(f"{reference!r} may be {', '.join(ids)}.", advice="Give more of the id.")
        if not ids:
            of_owner = f" of {owner}" if owner else ""
            advice = "See `swatchbook review list`."
            raise InvalidReference(f"There is no image {reference!r}{of_owner}.", advice=advice)
        found = _review_images(connection, connection.execute(_analysed().where(images.c.id == ids[0])).all())
    if not found:
        raise InvalidReference(f"Image {ids[0]} has no analysis, or no document shows it.")
    return found[0]


def reviews_of(connection: Connection, ids: Iterable[str]) -> dict[tuple[str, str], Review]:
    """Return (image, tag) -> the review of that analysis of it."""
    names = list(Review.model_fields)
    query = select(reviews.c.image, reviews.c.tag, *(reviews.c[name] for name in names))
    return {
        (row.image, row.tag): Review.model_validate({name: row._mapping[name] for name in names})
        for row in select_in(connection, query, reviews.c.image, ids)
    }


# --- queries ----------------------------------------------------------------------------------------------------------


def _analysed(*, owner: str | None = None, document: str | None = None) -> Select[Any]:
    """(image, document, tag) of shown images with the analysis that the document requests."""
    scope = [*owned_by(owner, images), *([] if document is None else [documents.c.id == document])]
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
    standing = and_(reviews.c.image == images.c.id, reviews.c.tag == requested.c.tag)
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
    known = reviews_of(connection, chosen)
    found = list[ReviewImage]()
    for row in chosen.values():
        review = known.get((row.image, row.tag))
        used = stored[row.content_key, review.second if review and review.second else row.tag]
        image = ReviewImage(
            image_id=row.image,
            owner=row.owner,
            document_id=row.document,
            document=row.name,
            page=row.page,
            content_key=row.content_key,
            tag=row.tag,
            analysis=used,
            weakness=weakness(used),
            needs_review=row.needs_review,
            review=review,
        )
        found.append(image)
    return found
