"""Insert the rows of a backup in portions, each in one transaction that can be repeated.

Existing data wins: a row with the same key stays, and so does a document with all its parts. Only an item that is done
there and not here becomes done.

A document is *being restored* from its own row until `finish_document`: cancelled, so that nothing runs it, and with a
message that names the backup. Its images and chunks count as never shown until then.
"""

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    MetaData,
    Table,
    and_,
    bindparam,
    delete,
    exists,
    null,
    select,
    update,
)

from swatchbook.domain.records import COUNTED, DocumentStatus, ItemState, Role
from swatchbook.store.ledger.bulk_rows import insert_new_rows
from swatchbook.store.ledger.claims import adopt_done
from swatchbook.store.ledger.database import Ledger, db_now, execute_in, select_in
from swatchbook.store.ledger.dirty import NEVER_SHOWN, mark_shown
from swatchbook.store.ledger.product_codes import add_codes
from swatchbook.store.ledger.requested import has_open_items
from swatchbook.store.ledger.space_registry import set_beside
from swatchbook.store.ledger.stage_results import KEYED_BY_CONTENT, with_done_item
from swatchbook.store.ledger.tables import (
    analyses,
    chunks,
    contents,
    documents,
    images,
    items,
    placements,
    products,
    requested,
    vectors,
)

Rows = Sequence[Mapping[str, Any]]

_RESTORING = "restoring"
"""`failure_kind` of a document that is being restored."""


# --- what belongs to no document --------------------------------------------------------------------------------------


def insert_shared(ledger: Ledger, table: Table, rows: Rows, *, review_below: float) -> None:
    """Insert rows of a table that are shared between documents."""
    with ledger.write() as connection:
        if table is items:
            _insert_items(connection, rows, review_below)
        else:
            add_rows(connection, table, rows)
        if table is contents:  # what was about to be collected here is kept until the documents are here, too
            keys = {row["key"] for row in rows}
            execute_in(connection, update(contents).values(unused_since=null()), contents.c.key, keys)


def _insert_items(connection: Connection, rows: Rows, review_below: float) -> None:
    held = {"state": ItemState.PENDING.value}  # by a run of the other ledger
    add_rows(connection, items, [{**row, **held} if row["state"] == ItemState.LEASED else row for row in rows])
    done = {(row["key"], row["role"], row["tag"]) for row in rows if row["state"] == ItemState.DONE}
    query = select(items.c.key, items.c.role, items.c.tag).where(items.c.state != ItemState.DONE)
    still_open = {tuple(row) for row in select_in(connection, query, items.c.key, {key for key, _, _ in done})}
    if adopted := done & still_open & _stored(connection, {key for key, _, _ in done}):
        adopt_done(connection, adopted, review_below=review_below)


def _stored(connection: Connection, keys: Collection[str]) -> set[tuple[str, str, str]]:
    """Return (key, role, tag) of the vectors and analyses of these keys."""
    of_vectors = select(vectors.c.key, vectors.c.role, vectors.c.tag)
    of_analyses = select(analyses.c.key, analyses.c.tag)
    return {
        *((row.key, row.role, row.tag) for row in select_in(connection, of_vectors, vectors.c.key, keys)),
        *((row.key, Role.ANALYSIS.value, row.tag) for row in select_in(connection, of_analyses, analyses.c.key, keys)),
    }


# --- documents --------------------------------------------------------------------------------------------------------


def left_by_others(ledger: Ledger, ids: Collection[str], backup: str) -> list[str]:
    """Return those of the documents that a restore of another backup has left unfinished."""
    query = select(documents.c.id).where(
        documents.c.failure_kind == _RESTORING, documents.c.message != _message(backup)
    )
    return [row.id for row in select_in(ledger, query, documents.c.id, ids)]


def insert_documents(ledger: Ledger, rows: Rows, backup: str) -> int:
    """Insert documents as being restored from a backup; return how many of these rows are being restored now."""
    unfinished = {
        "status": DocumentStatus.CANCELLED,
        "failure_kind": _RESTORING,
        "message": _message(backup),
        "due_at": None,
    }
    with ledger.write() as connection:
        add_rows(connection, documents, [{**row, **unfinished} for row in rows])
        return len(_being_restored(connection, {row["id"] for row in rows}, backup))


def add_images(connection: Connection, rows: Rows) -> None:
    """Insert images as never shown. One that is here takes the text from there if it has none."""
    add_rows(connection, images, [{**row, **NEVER_SHOWN} for row in rows])
    texts = ("text_key", "pair_key", "quality", "needs_review")
    lacking = update(images).where(images.c.id == bindparam("image"), images.c.text_key.is_(None))
    lacking = lacking.where(images.c.dismissed.is_(None))
    described = [row for row in rows if row["text_key"] is not None]
    if described:
        connection.execute(
            lacking.values({name: bindparam(f"new_{name}") for name in texts}),
            [{"image": row["id"], **{f"new_{name}": row[name] for name in texts}} for row in described],
        )


def insert_parts(ledger: Ledger, table: Table, rows: Rows, backup: str) -> None:
    """Insert parts of the documents that are being restored; those of other documents are left out."""
    with ledger.write() as connection:
        restoring = _being_restored(connection, {row["document"] for row in rows}, backup)
        add_parts(connection, table, [row for row in rows if row["document"] in restoring])


def add_parts(connection: Connection, table: Table, rows: Rows) -> None:
    """Insert parts of documents; chunks as never shown, products with their codes."""
    never_shown = NEVER_SHOWN if table is chunks else {}
    add_rows(connection, table, [{**row, **never_shown} for row in rows])
    if table is products:
        add_codes(connection, ((row["document"], row["id"], row["record"]) for row in rows))


def finish_document(ledger: Ledger, row: Mapping[str, Any], backup: str) -> bool:
    """Mark what a document shows for publishing, and give it its status; return False if it is not being restored.

    One that was running is queued, one that is completed but has open items here waits, and is due.
    """
    with ledger.write() as connection:
        if not _being_restored(connection, {row["id"]}, backup):
            return False
        show_again(connection, row["id"])
        kept = status_again(connection, row)
        this = and_(documents.c.id == row["id"], documents.c.failure_kind == _RESTORING)
        connection.execute(update(documents).where(this).values(kept))
    return True


def status_again(connection: Connection, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of the status of a restored document. `row`: the document as it was.

    Also sets which of its vectors are made for a space other than the searched one.
    """
    set_beside(connection, requested.c.document == row["id"])
    kept = {name: row[name] for name in ("status", "failure_kind", "message", "due_at")}
    if row["status"] == DocumentStatus.RUNNING:
        kept["status"] = DocumentStatus.QUEUED
    if row["status"] == DocumentStatus.COMPLETED and has_open_items(connection, row["id"]):
        kept |= {"status": DocumentStatus.WAITING, "due_at": db_now()}
    return kept


def show_again(connection: Connection, document: str) -> None:
    """Mark the images and chunks that a document shows for publishing."""
    of_images = (
        select(images.c.id, images.c.content_key.label("key"))
        .join_from(placements, images, images.c.id == placements.c.image)
        .where(placements.c.document == document, placements.c.state.in_(COUNTED))
    )
    of_chunks = select(chunks.c.id, chunks.c.text_key.label("key")).where(chunks.c.document == document, chunks.c.embed)
    for table, query, roles in ((images, of_images, KEYED_BY_CONTENT), (chunks, of_chunks, {Role.TEXT})):
        key_of = {row.id: row.key for row in connection.execute(query)}
        done = with_done_item(connection, key_of.values(), roles)
        mark_shown(connection, table, key_of.keys(), made={i for i, key in key_of.items() if key in done})


def drop_unplaced_images(ledger: Ledger) -> None:
    """Delete images that no document places: those of a backup whose documents were here already."""
    placed = exists().where(placements.c.image == images.c.id)
    with ledger.write() as connection:
        connection.execute(delete(images).where(images.c.dirty == 0, ~images.c.gone, ~placed))


def count_unfinished(ledger: Ledger, ids: Collection[str]) -> int:
    """Return how many of these documents are neither completed nor cancelled."""
    settled = (DocumentStatus.COMPLETED, DocumentStatus.CANCELLED)
    query = select(documents.c.id).where(documents.c.status.not_in(settled))
    return sum(1 for _ in select_in(ledger, query, documents.c.id, ids))


def _message(backup: str) -> str:
    return f"Being restored from the backup {backup}; `swatchbook upkeep restore` finishes it."


def _being_restored(connection: Connection, ids: Collection[str], backup: str) -> set[str]:
    query = select(documents.c.id).where(
        documents.c.failure_kind == _RESTORING, documents.c.message == _message(backup)
    )
    return {row.id for row in select_in(connection, query, documents.c.id, ids)}


# --- rows -------------------------------------------------------------------------------------------------------------


def add_rows(connection: Connection, table: Table, rows: Rows) -> None:
    """Insert rows whose key does not exist yet."""
    insert_new_rows(connection, with_nulls(table), [dict(row) for row in rows])


@cache
def with_nulls(table: Table) -> Table:
    """Return a table like this one, in which no value of a JSON column is SQL's NULL, not the `null` of JSON."""
    columns = (
        Column(each.name, JSON(none_as_null=True) if isinstance(each.type, JSON) else each.type)
        for each in table.columns
    )
    return Table(table.name, MetaData(), *columns)
