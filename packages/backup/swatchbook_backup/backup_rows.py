"""Insert the rows of a backup in portions, each in one transaction that can be repeated.

Existing data wins: a row with the same key stays, and so does a document with all its parts. Only an item that is done
there and not here becomes done.

A document is *being restored* from its own row until `finish_document`: cancelled, so that nothing runs it, and with a
message that names the backup. Its images and chunks count as never shown until then.
"""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection, Table, and_, delete, exists, null, select, update

from swatchbook.domain.records import DocumentStatus, ItemState, Role
from swatchbook.store.ledger.claims import adopt_done
from swatchbook.store.ledger.database import Ledger, execute_in, select_in
from swatchbook.store.ledger.restored_rows import Rows, add_parts, add_rows, show_again, status_again
from swatchbook.store.ledger.tables import analyses, contents, documents, images, items, placements, vectors

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


def insert_parts(ledger: Ledger, table: Table, rows: Rows, backup: str) -> None:
    """Insert parts of the documents that are being restored; those of other documents are left out."""
    with ledger.write() as connection:
        restoring = _being_restored(connection, {row["document"] for row in rows}, backup)
        add_parts(connection, table, [row for row in rows if row["document"] in restoring])


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
