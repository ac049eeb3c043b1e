"""Reviews: which pictures wait for one, what stands of those that were, and the move that writes one down.

A review is of a picture's analysis by one tag, for everybody who shows the picture: what it came to holds until another
tag is wanted. What is said of a picture, and whether it waits for a review, is decided here and nowhere else: `in_use`.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    exists,
    func,
    insert,
    literal_column,
    null,
    or_,
    select,
    update,
)
from ulid import ULID

from swatchbook.analysis.judge import Verdict, score
from swatchbook.errors import Dismissed, Failure, InvalidReference, Policy, RunRevoked
from swatchbook.ledger.bulk_rows import upsert_rows
from swatchbook.ledger.database import Ledger, db_now, portions
from swatchbook.ledger.image_text import CurrentText, is_analysis_requested, queue_text_items, write_texts
from swatchbook.ledger.leases import RUN_LIMIT, failure_record, pause_after
from swatchbook.ledger.runs import Run, insert_run, mark_dead, require_live
from swatchbook.ledger.tables import analyses, contents, documents, images, items, placements, requested, reviews, runs
from swatchbook.ledger.visibility import mark_changed, reopen_documents_showing
from swatchbook.records import Analysis, DocumentStatus, ItemState, PlacementState, Record, Role, text_key

_CHOICES = 10
"""Images that an error names at most."""


class Analysed(NamedTuple):
    """What an analyst said of a picture, and the key of the text that says it (None: nothing)."""

    tag: str
    analysis: Analysis
    text_key: str | None


class Second(Record):
    """Another analysis of the same picture, and the text that says it ("": nothing)."""

    tag: str
    analysis: Analysis
    text: str


class ReviewNote(Record):
    """What is to be written down: by a model's second look, or by a person."""

    verdict: Verdict
    by: str
    reasons: tuple[str, ...] = ()
    second: Second | None = None
    second_tag: str | None = None  # of one that is kept already


class Review(Record):
    """One that was written down. `second`: the tag of the other analysis. Times are Unix seconds."""

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
    """A picture with what is said of it, as whoever reviews it needs it. `reviews`: the last one last."""

    image_id: str
    owner: str
    document_id: str
    document: str
    page: int
    content_key: str
    tag: str
    analysis: Analysis  # that is reviewed
    score: float
    needs_review: bool
    reviews: tuple[Review, ...] = ()

    @property
    def standing(self) -> Review | None:
        """The review that stands."""
        return self.reviews[-1] if self.reviews else None


# --- what is in use ---------------------------------------------------------------------------------------------------


def in_use(connection: Connection, analysed: Mapping[str, Analysed], below: float) -> dict[str, CurrentText]:
    """What is said of these pictures (by content key) now that they are analysed so, with what reviews made of it.

    Weak ones, with a score below `below`, need a review until one settles them.
    """
    standing = {
        (row.key, row.tag): row
        for some in portions(sorted(analysed))
        for row in connection.execute(_STANDING.where(reviews.c.key.in_(some)))
    }
    return {key: _said(first, standing.get((key, first.tag)), below) for key, first in analysed.items()}


def _said(first: Analysed, review: Row[Any] | None, below: float) -> CurrentText:
    text, quality = first.text_key, first.analysis.quality
    if review is not None and review.verdict == Verdict.REJECTED:
        return CurrentText(text_key=None, quality=quality)
    if review is not None and review.verdict == Verdict.CORRECTED:
        return CurrentText(text_key=review.text_key, quality=review.record["quality"])
    is_open = review is None or review.verdict in (Verdict.UNDECIDED, Verdict.FAILED)
    return CurrentText(text_key=text, quality=quality, needs_review=is_open and score(first.analysis) < below)


_STANDING = (
    select(reviews.c.key, reviews.c.tag, reviews.c.verdict, analyses.c.record, analyses.c.text_key)
    .join_from(
        reviews, analyses, and_(analyses.c.key == reviews.c.key, analyses.c.tag == reviews.c.second), isouter=True
    )
    .where(reviews.c.stands)
)


# --- what waits -------------------------------------------------------------------------------------------------------


def needing(ledger: Ledger, *, owner: str | None = None, document: str | None = None) -> int:
    """How many pictures need a review: of a document, of an owner, or of all."""
    placed = exists().where(
        placements.c.image == images.c.id,
        placements.c.state == PlacementState.SHOWN,
        requested.c.document == placements.c.document,
        _of_analysis,
        analyses.c.key == images.c.content_key,
        analyses.c.tag == requested.c.tag,
        _says_so,
        *([] if document is None else [placements.c.document == document]),
    )
    query = select(func.count()).select_from(images).where(_needs_review, ~images.c.gone, placed, *_of(owner))
    with ledger.read() as connection:
        return connection.execute(query).scalar_one()


def waiting(
    ledger: Ledger, *, owner: str | None = None, document: str | None = None, limit: int | None = None
) -> list[ReviewImage]:
    """Pictures that need a review, by document and in reading order."""
    with ledger.read() as connection:
        rows = connection.execute(_waiting(owner=owner, document=document).limit(limit)).all()
        return _pictured(connection, rows)


def documents_due(ledger: Ledger, reviewer: str, *, owner: str | None = None) -> list[str]:
    """Documents that nobody works on with pictures that this reviewer (a tag) has not looked at, oldest first."""
    weak = select(images.c.id).where(_needs_review, ~images.c.gone, *_of(owner))
    showing, created = set[str](), dict[str, tuple[float, str]]()
    with ledger.read() as connection:
        # step by step from the few weak ones: SQLite would start from all that there is
        for some in portions(connection.execute(weak).scalars().all()):
            shows = select(placements.c.document).where(placements.c.image.in_(some)).distinct()
            showing |= set(connection.execute(shows).scalars())
        for some in portions(sorted(showing)):
            due = _due(reviewer).where(documents.c.id.in_(some)).order_by(None).subquery()
            query = select(documents.c.id, documents.c.created_at).where(documents.c.id.in_(select(due.c.document)))
            created |= {row.id: (row.created_at, row.id) for row in connection.execute(query)}
    return sorted(created, key=lambda document: created[document])


def pictures_due(ledger: Ledger, reviewer: str, document: str, limit: int) -> list[ReviewImage]:
    """Pictures of a document that this reviewer is to look at now."""
    with ledger.read() as connection:
        return _pictured(connection, connection.execute(_due(reviewer, document=document).limit(limit)).all())


def to_look_at(
    ledger: Ledger, reviewer: str, tag: str, keys: Collection[str], *, below: float
) -> tuple[set[str], set[str]]:
    """Of these pictures (content keys) those that the reviewer may be asked about, and those that it has looked at.

    The former are weak as analysed under `tag`, or not analysed yet: nobody knows.
    """
    looked, settled = set[str](), set[str]()
    with ledger.read() as connection:
        for some in portions(sorted(keys)):
            seen = select(analyses).where(analyses.c.key.in_(some), analyses.c.tag.in_((tag, reviewer)))
            for row in connection.execute(seen):
                if row.tag == reviewer:
                    looked.add(row.key)
                elif score(Analysis.model_validate(row.record)) >= below:
                    settled.add(row.key)
            for (key, of), known in of_pictures(connection, some).items():
                if of == tag and known[-1].next_try_at is None:
                    settled.add(key)
    return set(keys) - looked - settled, looked


def find(ledger: Ledger, reference: str, *, owner: str | None = None) -> ReviewImage:
    """The picture of an image's id, or of a prefix that no other has.

    Raises InvalidReference for an unknown or ambiguous one, and where nothing is said of it.
    """
    mine = select(images.c.id).where(images.c.id.startswith(reference, autoescape=True), *_of(owner))
    with ledger.read() as connection:
        known = connection.execute(mine.order_by(images.c.id).limit(_CHOICES)).scalars().all()
        found = _pictured(connection, connection.execute(_analysed().where(images.c.id.in_(known))).all())
    if len(known) > 1:
        places = {each.image_id: f" (page {each.page} of {each.document})" for each in found}
        named = "; ".join(f"{image}{places.get(image, '')}" for image in known)
        raise InvalidReference(f"{reference!r} may be {named}.", advice="Give more of the id.")
    if not known:
        whose = f" of {owner}" if owner else ""
        raise InvalidReference(f"There is no image {reference!r}{whose}.", advice="See `swatchbook review list`.")
    if not found:
        raise InvalidReference(f"Nothing is said of image {known[0]}, or no document shows it.")
    return found[0]


def of_pictures(connection: Connection, keys: Collection[str]) -> dict[tuple[str, str], tuple[Review, ...]]:
    """(content key, tag) -> all its reviews, oldest first."""
    found = dict[tuple[str, str], tuple[Review, ...]]()
    columns = [reviews.c[name] for name in Review.model_fields]
    for some in portions(sorted(keys)):
        query = select(reviews.c.key, *columns).where(reviews.c.key.in_(some)).order_by(reviews.c.number)
        for row in connection.execute(query).mappings():
            review = Review.model_validate({name: row[name] for name in Review.model_fields})
            found[row["key"], review.tag] = (*found.get((row["key"], review.tag), ()), review)
    return found


def _analysed(*, owner: str | None = None, document: str | None = None) -> Select[Any]:
    """(image, document, tag) of shown pictures with the analysis that the document wants."""
    these = [*_of(owner), *([] if document is None else [documents.c.id == document])]
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
            _says_so.label("says_so"),
        )
        .join_from(images, placements, placements.c.image == images.c.id)
        .join(documents, documents.c.id == placements.c.document)
        .join(requested, and_(requested.c.document == documents.c.id, _of_analysis))
        .join(analyses, and_(analyses.c.key == images.c.content_key, analyses.c.tag == requested.c.tag))
        .where(placements.c.state == PlacementState.SHOWN, ~images.c.gone, *these)
        .group_by(images.c.id, documents.c.id, requested.c.tag, analyses.c.text_key)
        .order_by(documents.c.created_at, documents.c.id, func.min(placements.c.ordinal))
    )


def _waiting(*, owner: str | None = None, document: str | None = None) -> Select[Any]:
    return _analysed(owner=owner, document=document).where(_needs_review, _says_so)


def _due(reviewer: str, *, owner: str | None = None, document: str | None = None) -> Select[Any]:
    """Those that no review stands of, or one that failed and whose time has come; not the reviewer's own analyses."""
    standing = and_(reviews.c.key == images.c.content_key, reviews.c.tag == requested.c.tag, reviews.c.stands)
    again = and_(reviews.c.verdict == Verdict.FAILED, reviews.c.next_try_at <= db_now())
    stopped = (DocumentStatus.CANCELLED, DocumentStatus.DELETING)
    return (
        _waiting(owner=owner, document=document)
        .join(reviews, standing, isouter=True)
        .where(requested.c.tag != reviewer, or_(reviews.c.key.is_(None), again))
        .where(documents.c.run.is_(None), documents.c.status.not_in(stopped))
    )


_needs_review: ColumnElement[bool] = literal_column("images.needs_review")
"""As the partial index says it."""

_of_analysis: ColumnElement[bool] = func.coalesce(requested.c.role, "") == Role.ANALYSIS
"""In a form that no index knows: SQLite would start from all documents that want one, not from the few pictures."""

_says_so = analyses.c.text_key.is_not_distinct_from(images.c.text_key)
"""Whether an analysis is what the image says: documents of one owner that show it may want different ones."""


def _of(owner: str | None) -> list[ColumnElement[bool]]:
    return [] if owner is None else [images.c.owner == owner]


def _pictured(connection: Connection, rows: Sequence[Row[Any]]) -> list[ReviewImage]:
    """One an image, by the analysis in use, else by the document that is oldest."""
    first = dict[str, Row[Any]]()
    for row in rows:
        if row.image not in first or (row.says_so and not first[row.image].says_so):
            first[row.image] = row
    keys = {row.content_key for row in first.values()}
    said = {
        (row.key, row.tag): Analysis.model_validate(row.record)
        for some in portions(sorted(keys))
        for row in connection.execute(select(analyses).where(analyses.c.key.in_(some)))
    }
    known = of_pictures(connection, keys)
    return [
        ReviewImage(
            image_id=row.image,
            owner=row.owner,
            document_id=row.document,
            document=row.name,
            page=row.page,
            content_key=row.content_key,
            tag=row.tag,
            analysis=said[row.content_key, row.tag],
            score=score(said[row.content_key, row.tag]),
            needs_review=row.needs_review,
            reviews=known.get((row.content_key, row.tag), ()),
        )
        for row in first.values()
    ]


# --- the moves --------------------------------------------------------------------------------------------------------


def begin(ledger: Ledger, document: str, *, flow_run: str | None = None) -> Run:
    """A run that may pay for second looks at a document's pictures, one at a time; the document itself is not held.

    `ledger.shards.end` ends it. Raises RunRevoked where the document is wanted no more, or another is at it.
    """
    mark_dead(ledger, document)
    others = select(runs.c.token).where(runs.c.document == document, runs.c.kind == "review", runs.c.state == "live")
    stopped = (DocumentStatus.CANCELLED, DocumentStatus.DELETING)
    wanted = select(documents.c.generation).where(documents.c.id == document, documents.c.status.not_in(stopped))
    with ledger.write() as connection:
        generation = connection.execute(wanted.with_for_update(read=True)).scalar_one_or_none()
        if generation is None:
            raise RunRevoked(f"Nobody wants second looks at {document} any more.")
        if connection.execute(others).first() is not None:
            raise RunRevoked("Another run looks at its pictures already.")
        run = Run(token=str(ULID()), document=document, generation=generation)
        insert_run(connection, run, flow_run, kind="review")
    return run


def second(ledger: Ledger, key: str, tag: str) -> Analysis | None:
    """What is kept of another analyst, or of a person."""
    query = select(analyses.c.record).where(analyses.c.key == key, analyses.c.tag == tag)
    with ledger.read() as connection:
        record = connection.execute(query).scalar_one_or_none()
    return None if record is None else Analysis.model_validate(record)


def write_down(
    ledger: Ledger, key: str, tag: str, word: ReviewNote, *, below: float, run: Run | None = None
) -> Review | None:
    """A review of a picture's analysis, and all that follows from it, in one transaction.

    The other analysis is kept beside the first. Where the text in use is another one now, what is made of it is queued,
    the images are to be published again, and completed documents that show them wait, due now. None where a `run` comes
    too late: somebody has said something meanwhile. Raises RunRevoked, and InvalidReference for an unknown analysis.
    """
    with ledger.write() as connection:
        if run is not None:
            require_live(connection, run)
        first = _first(connection, key, tag)
        before = of_pictures(connection, [key]).get((key, tag), ())
        if run is not None and before and before[-1].verdict is not Verdict.FAILED:
            return None
        other = _save_note(connection, key, word)
        used = first.analysis if other is None or word.verdict is not Verdict.CORRECTED else other
        review = {
            "key": key, "tag": tag, "number": len(before) + 1, "stands": True, "verdict": word.verdict,
            "second": word.second.tag if word.second else word.second_tag, "reasons": list(word.reasons),
            "score_before": before[-1].score_after if before else score(first.analysis), "score_after": score(used),
            "by": word.by, "at": db_now(), "next_try_at": None,
        }  # fmt: skip
        _insert(connection, review)
        was = before[-1].second if before and before[-1].verdict is Verdict.CORRECTED else None
        now = review["second"] if word.verdict is Verdict.CORRECTED else None
        _follow(connection, key, first, below, anew=was != now)
        return of_pictures(connection, [key])[key, tag][-1]


def write_failure(ledger: Ledger, key: str, tag: str, failure: Failure, *, by: str, run: Run) -> None:
    """A second look that came to nothing: tried again with the pauses of items, and as often; then a person decides.

    Raises RunRevoked.
    """
    with ledger.write() as connection:
        require_live(connection, run)
        before = of_pictures(connection, [key]).get((key, tag), ())
        if before and before[-1].verdict is not Verdict.FAILED:
            return
        failures = 1 + sum(review.verdict is Verdict.FAILED for review in before)
        again = failure.policy is not Policy.NEVER and failures < RUN_LIMIT
        was = score(_first(connection, key, tag).analysis)
        review = {
            "key": key, "tag": tag, "number": len(before) + 1, "stands": True, "verdict": Verdict.FAILED,
            "second": None, "reasons": [f"{failure.kind}: {failure}"], "score_before": was, "score_after": was,
            "by": by, "at": db_now(), "next_try_at": db_now() + pause_after(failures) if again else None,
        }  # fmt: skip
        _insert(connection, review)


def _first(connection: Connection, key: str, tag: str) -> Analysed:
    row = connection.execute(select(analyses).where(analyses.c.key == key, analyses.c.tag == tag)).one_or_none()
    if row is None:
        raise InvalidReference(f"{tag} has said nothing of {key}.")
    return Analysed(tag=tag, analysis=Analysis.model_validate(row.record), text_key=row.text_key)


def _save_note(connection: Connection, key: str, word: ReviewNote) -> Analysis | None:
    """The other analysis, if the word has one, kept with its text."""
    if word.second is None:
        if word.second_tag is None:
            return None
        return _first(connection, key, word.second_tag).analysis
    said, text = word.second, word.second.text
    if text:
        upsert_rows(connection, contents, [{"key": text_key(text), "text": text, "unused_since": None}])
    record = said.analysis.model_dump(mode="json")
    row = {"key": key, "tag": said.tag, "record": record, "text_key": text_key(text) if text else None}
    upsert_rows(connection, analyses, [row])
    return said.analysis


def _insert(connection: Connection, review: Mapping[str, Any]) -> None:
    this = and_(reviews.c.key == review["key"], reviews.c.tag == review["tag"], reviews.c.stands)
    connection.execute(update(reviews).where(this).values(stands=False))
    connection.execute(insert(reviews).values(**review))


def _follow(connection: Connection, key: str, first: Analysed, below: float, *, anew: bool) -> None:
    """Let everybody whose documents want this analysis of the picture say what is in use now.

    `anew`: it is another analysis than before, perhaps of the same text.
    """
    said = in_use(connection, {key: first}, below)[key]
    theirs = connection.execute(
        select(images.c.id, images.c.text_key)
        .where(images.c.content_key == key, is_analysis_requested(first.tag))
        .with_for_update()
    ).all()
    write_texts(connection, images.c.id, {row.id: (key, said) for row in theirs})
    _settle_item(connection, key, first.tag)
    changed = [row.id for row in theirs if row.text_key != said.text_key]
    queue_text_items(connection, images.c.id, changed)
    dirty = images.c.dirty + 1
    for some in portions(changed):
        shown = and_(images.c.id.in_(some), images.c.dirty > 0)
        connection.execute(update(images).where(shown).values(dirty=dirty, made=dirty))
    reopen_documents_showing(connection, changed)
    if anew:
        mark_changed(connection, images, {row.id for row in theirs} - set(changed))


def _settle_item(connection: Connection, key: str, tag: str) -> None:
    """The analysis of a picture that a person rejects is rejected with the person's reason; else it is done again."""
    this = and_(items.c.key == key, items.c.role == Role.ANALYSIS, items.c.tag == tag)
    review = connection.execute(
        select(reviews).where(reviews.c.key == key, reviews.c.tag == tag, reviews.c.stands)
    ).one()
    if review.verdict == Verdict.REJECTED:
        failure = failure_record(Dismissed("; ".join(review.reasons), advice=f"Said by {review.by}."))
        connection.execute(update(items).where(this).values(state=ItemState.REJECTED, failure=failure, **_FREE))
    else:
        rejected = and_(this, items.c.state == ItemState.REJECTED)
        connection.execute(update(items).where(rejected).values(state=ItemState.DONE, failure=null(), **_FREE))


_FREE: Mapping[str, Any] = {"lease": null(), "lease_until": null(), "lease_size": null(), "next_retry_at": null()}
