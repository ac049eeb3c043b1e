"""What is due, and the moves that a person asks for: retry, regenerate, cancel, delete.

One rule brings everything back: whatever is unfinished, not cancelled, without a live run and due is run again.
"""

import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Table, and_, delete, exists, null, or_, select, tuple_, update

from swatchbook.errors import FileMissing, InvalidReference
from swatchbook.files import Files
from swatchbook.ledger.accounts import get_document
from swatchbook.ledger.database import Ledger, db_now, upsert
from swatchbook.ledger.runs import Document, bury, read_document, revoke
from swatchbook.ledger.showing import unshow_chunks, unshow_images
from swatchbook.ledger.states import publishable, unpublished_rows
from swatchbook.ledger.tables import (
    analyses,
    calls,
    chunks,
    contents,
    documents,
    entities,
    images,
    items,
    links,
    pages,
    placements,
    products,
    reviews,
    runs,
    timings,
    vectors,
    wants,
)
from swatchbook.ledger.wanted import queue_anew, wanted
from swatchbook.records import DocumentStatus, IngestOptions, ItemState, Record

_MOST = 1_000
"""Documents given at once; the rest comes when these are worked off."""

_COLLECTED_TOGETHER = 100

_AT_ONCE = (DocumentStatus.QUEUED, DocumentStatus.RUNNING, DocumentStatus.DELETING)
_IN_TIME = (DocumentStatus.WAITING, DocumentStatus.BLOCKED)


class Collected(Record):
    """What was dropped because nothing uses it any more."""

    contents: int
    files: int
    vectors: int
    answers: int


def due(ledger: Ledger, limit: int = _MOST) -> list[Document]:
    """Documents to work on now, those that wait longest first; runs that died are buried on the way.

    Unfinished ones whose time has come (a blocked one when its next probe has), deletes; and whatever their status
    those with rows to publish that nobody publishes, for which `wants_run` tells whether there is more to do.
    """
    bury(ledger)
    query = (
        select(documents)
        .where(documents.c.run.is_(None), or_(is_unfinished(), is_behind()))
        .order_by(documents.c.due_at.nulls_first(), documents.c.updated_at, documents.c.id)
        .limit(limit)
    )
    with ledger.read() as connection:
        return [read_document(row) for row in connection.execute(query).mappings()]


def is_unfinished() -> ColumnElement[bool]:
    """Whether a document is to be run (or deleted) now, if nobody is at it: `wants_run` as SQL."""
    in_time = or_(documents.c.due_at.is_(None), documents.c.due_at <= db_now())
    never = (documents.c.status == DocumentStatus.BLOCKED) & documents.c.due_at.is_(None)  # only a person mends it
    return or_(documents.c.status.in_(_AT_ONCE), documents.c.status.in_(_IN_TIME) & in_time & ~never)


def wants_run(document: Document, now: float) -> bool:
    """Whether a due document is to be run (or deleted) again; if not, only publishing is left. `now`: Unix seconds."""
    if document.status in _IN_TIME:
        at_once = document.status == DocumentStatus.WAITING
        return at_once if document.due_at is None else document.due_at <= now
    return document.status in _AT_ONCE


def is_behind() -> ColumnElement[bool]:
    """Whether rows that a document shows wait to be published and nobody does; gone images count to their owner's."""

    def unattended(table: Table) -> ColumnElement[bool]:
        return and_(
            publishable(table),
            or_(table.c.publish_next.is_(None), table.c.publish_next <= db_now()),
            or_(table.c.publish_lease.is_(None), table.c.publish_until <= db_now()),
        )

    placed = select(placements.c.document).join(images).where(unattended(images))
    cut = select(chunks.c.document).where(unattended(chunks))
    owners = select(images.c.owner).where(unattended(images), images.c.gone)
    return or_(documents.c.id.in_(placed), documents.c.id.in_(cut), documents.c.owner.in_(owners))


# --- ask anew, retry and cancel ---------------------------------------------------------------------------------------


def ask_anew(ledger: Ledger, document: str, options: IngestOptions) -> Document:
    """Let a document be made with these options, whatever was asked for before; what is asked for last is made.

    A live run goes on, and the document waits for another behind it. One that is being deleted stays so. Raises
    InvalidReference for an unknown one.
    """
    asked = {"options": options.model_dump(mode="json"), "fingerprint": null()}  # what is asked for is not begun
    this = (documents.c.id == document, documents.c.status != DocumentStatus.DELETING)
    with ledger.write() as connection:
        connection.execute(
            update(documents).where(*this).values(**asked, launches=documents.c.launches + 1, updated_at=db_now())
        )
        connection.execute(
            update(documents)
            .where(*this, documents.c.run.is_(None))
            .values(status=DocumentStatus.QUEUED, due_at=null(), deaths=0, message=null(), failure_kind=null())
        )
    return get_document(ledger, document)


def hold_up(
    ledger: Ledger, document: str, status: DocumentStatus, *, message: str, failure_kind: str, seconds: float
) -> None:
    """A document that nobody is at cannot be begun: it says why, and its time comes again after these seconds.

    One that is being deleted stays so.
    """
    idle = (documents.c.id == document, documents.c.run.is_(None), is_unfinished())
    kept = documents.c.status != DocumentStatus.DELETING
    told = {"status": status, "message": message, "failure_kind": failure_kind}
    with ledger.write() as connection:
        connection.execute(
            update(documents).where(*idle, kept).values(**told, due_at=db_now() + seconds, updated_at=db_now())
        )


def retry(ledger: Ledger, document: str, *, force: bool = False) -> bool:
    """Let a document's open items be due now and queue failed ones anew; rejected ones too by force.

    Its refused objects are due as well. False when nothing is left to do. One that runs or is being deleted stays so.
    Raises InvalidReference for an unknown one.
    """
    get_document(ledger, document)
    again = {ItemState.FAILED, ItemState.REJECTED} if force else {ItemState.FAILED}
    with ledger.write() as connection:
        queue_anew(connection, document, again)
        _make_due(connection, document)
        _let_wait(connection, document, documents.c.status.not_in((DocumentStatus.COMPLETED, DocumentStatus.DELETING)))
    return get_document(ledger, document).status != DocumentStatus.COMPLETED


def regenerate(ledger: Ledger, document: str, *, force: bool = False, keys: Sequence[str] | None = None) -> None:
    """Let a document's next run make what is missing or stale, also of a completed one; what is done stays.

    Its items that pause are due now. By force those that failed or were rejected are queued anew, of these content
    keys alone if any are given. One that runs or is being deleted stays so. Raises InvalidReference for an unknown one.
    """
    get_document(ledger, document)
    with ledger.write() as connection:
        if force:
            queue_anew(connection, document, {ItemState.FAILED, ItemState.REJECTED}, keys)
        _make_due(connection, document)
        _let_wait(connection, document, documents.c.status != DocumentStatus.DELETING)


def _let_wait(connection: Connection, document: str, where: ColumnElement[bool]) -> None:
    connection.execute(
        update(documents)
        .where(documents.c.id == document, documents.c.run.is_(None), where)
        .values(
            status=DocumentStatus.WAITING,
            due_at=db_now(),
            deaths=0,
            message=null(),
            failure_kind=null(),
            updated_at=db_now(),
        )
    )


def _make_due(connection: Connection, document: str) -> None:
    rows = wanted(document)
    pausing = select(rows.c.key, rows.c.role, rows.c.tag).where(
        rows.c.state == ItemState.PENDING, rows.c.next_retry_at.is_not(None)
    )
    this = tuple_(items.c.key, items.c.role, items.c.tag).in_(pausing)
    connection.execute(update(items).where(this).values(next_retry_at=null()))
    placed = select(placements.c.image).where(placements.c.document == document)
    for table, where in ((images, images.c.id.in_(placed)), (chunks, chunks.c.document == document)):
        connection.execute(update(table).where(where, table.c.publish_next.is_not(None)).values(publish_next=null()))


def cancel(ledger: Ledger, document: str) -> bool:
    """Stop working on a document; what is made and searchable stays. False where there is nothing to stop.

    Raises InvalidReference for an unknown one.
    """
    if get_document(ledger, document).status in (DocumentStatus.COMPLETED, DocumentStatus.DELETING):
        return False
    revoke(ledger, document, DocumentStatus.CANCELLED, "Cancelled; `swatchbook retry` takes it up again.")
    return True


# --- delete -----------------------------------------------------------------------------------------------------------


def mark_deleting(ledger: Ledger, document: str) -> None:
    """From now on it can only be deleted: its runs are revoked. Raises InvalidReference for an unknown one."""
    get_document(ledger, document)
    revoke(ledger, document, DocumentStatus.DELETING, "Being deleted.")


def delete_rows(ledger: Ledger, document: str) -> None:
    """Drop all that a `deleting` document says, in one transaction; what nothing shows any more is gone."""
    with ledger.write() as connection:
        _lock_deleting(connection, document)
        shown = set(
            connection.execute(select(placements.c.image).where(placements.c.document == document).distinct()).scalars()
        )
        for table in (placements, links, products, entities, pages, wants, timings):
            connection.execute(delete(table).where(table.c.document == document))
        unshow_images(connection, shown)
        unshow_chunks(
            connection,
            connection.execute(select(chunks.c.id).where(chunks.c.document == document)).scalars().all(),
        )


def finish_delete(ledger: Ledger, document: str) -> bool:
    """Drop the document's own row once the index holds nothing of it. False while publishing has not come so far."""
    with ledger.write() as connection:
        if connection.execute(select(documents.c.id).where(documents.c.id == document)).first() is None:
            return True
        known = _lock_deleting(connection, document)
        left = (
            select(chunks.c.id).where(chunks.c.document == document),
            select(placements.c.id).where(placements.c.document == document),
            select(images.c.id).where(images.c.owner == known.owner, unpublished_rows(images), images.c.gone),
        )
        if any(connection.execute(rows.limit(1)).first() for rows in left):
            return False
        connection.execute(delete(timings).where(timings.c.document == document))
        connection.execute(delete(runs).where(runs.c.document == document))
        connection.execute(delete(documents).where(documents.c.id == document))
        if known.file is not None:  # collected in time, unless the same bytes come again
            source = upsert(connection, contents).values(key=known.content, file=known.file, unused_since=db_now())
            connection.execute(source.on_conflict_do_nothing())
    return True


def _lock_deleting(connection: Connection, document: str) -> Row[Any]:
    row = connection.execute(select(documents).where(documents.c.id == document).with_for_update()).one_or_none()
    if row is None or row.status != DocumentStatus.DELETING:
        raise InvalidReference(f"Document {document} is not being deleted.")
    return row


# --- what nothing uses any more ---------------------------------------------------------------------------------------


def collect(ledger: Ledger, files: Files, *, older_than: float = 3_600) -> Collected:
    """Drop contents that nothing has used for `older_than` seconds, with file, items, vectors and analyses.

    Answers of calls for deleted documents go likewise; what they cost stays. A crash on the way loses nothing: a file
    goes before the row that names it.
    """
    with ledger.write() as connection:
        unused_since = contents.c.unused_since
        connection.execute(update(contents).where(unused_since.is_not(None), _is_used()).values(unused_since=null()))
        connection.execute(update(contents).where(unused_since.is_(None), ~_is_used()).values(unused_since=db_now()))
        answers = connection.execute(
            update(calls)
            .where(calls.c.at <= db_now() - older_than, calls.c.document.not_in(select(documents.c.id)))
            .where(calls.c.answer.is_not(None))
            .values(answer=null())
        ).rowcount
    dropped = Collected(contents=0, files=0, vectors=0, answers=answers)
    while some := _collect_some(ledger, files, older_than):
        dropped = Collected(
            contents=dropped.contents + some.contents,
            files=dropped.files + some.files,
            vectors=dropped.vectors + some.vectors,
            answers=answers,
        )
    return dropped


def _collect_some(ledger: Ledger, files: Files, older_than: float) -> Collected | None:
    with ledger.write() as connection:
        unused = connection.execute(
            select(contents.c.key, contents.c.file)
            .where(contents.c.unused_since <= db_now() - older_than, ~_is_used())
            .limit(_COLLECTED_TOGETHER)
            .with_for_update()
        ).all()
        if not unused:
            return None
        again = [row.key for row in unused if row.file and _was_put_within(files, row.file, older_than)]
        connection.execute(update(contents).where(contents.c.key.in_(again)).values(unused_since=db_now()))
        gone = [row for row in unused if row.key not in again]
        keys, stored = [row.key for row in gone], [row.file for row in gone if row.file]
        for file in stored:
            files.delete(file)
        made = connection.execute(delete(vectors).where(vectors.c.key.in_(keys))).rowcount
        for table in (items, analyses, reviews, contents):
            connection.execute(delete(table).where(table.c.key.in_(keys)))
    return Collected(contents=len(keys), files=len(stored), vectors=made, answers=0)


def _was_put_within(files: Files, file: str, seconds: float) -> bool:
    """Whether a run has stored the same bytes again lately: it names them when its stage is through."""
    try:
        return time.time() - files.modified(file) < seconds
    except FileMissing:
        return False


def _is_used() -> ColumnElement[bool]:
    """A picture, and it with its text, by an image, a text by an image, a chunk or an analysis, a source and its pages
    by a document.
    """
    keys = (images.c.content_key, images.c.text_key, images.c.pair_key, chunks.c.text_key, analyses.c.text_key)
    files = (documents.c.file, documents.c.pages_file)
    # asked row by row, by index: a list of all users is more than PostgreSQL keeps in memory, and it would search it
    by_key = [exists().where(user == contents.c.key) for user in keys]
    by_file = [exists().where(user == contents.c.file) for user in files]
    return or_(*by_key, *by_file)
