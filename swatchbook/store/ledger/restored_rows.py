"""Insert the rows of a document again: from the trash, or from a backup (`packages/backup`).

Existing data wins: a row with the same key stays. Images and chunks count as never shown until `show_again`.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import JSON, Column, Connection, MetaData, Table, bindparam, select, update

from swatchbook.domain.records import COUNTED, DocumentStatus, Role
from swatchbook.store.ledger.bulk_rows import insert_new_rows
from swatchbook.store.ledger.database import db_now
from swatchbook.store.ledger.dirty import NEVER_SHOWN, mark_shown
from swatchbook.store.ledger.product_codes import add_codes
from swatchbook.store.ledger.requested import has_open_items
from swatchbook.store.ledger.space_registry import set_beside
from swatchbook.store.ledger.stage_results import KEYED_BY_CONTENT, with_done_item
from swatchbook.store.ledger.tables import chunks, images, placements, products, requested

Rows = Sequence[Mapping[str, Any]]


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


def add_parts(connection: Connection, table: Table, rows: Rows) -> None:
    """Insert parts of documents; chunks as never shown, products with their codes."""
    never_shown = NEVER_SHOWN if table is chunks else {}
    add_rows(connection, table, [{**row, **never_shown} for row in rows])
    if table is products:
        add_codes(connection, ((row["document"], row["id"], row["record"]) for row in rows))


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
