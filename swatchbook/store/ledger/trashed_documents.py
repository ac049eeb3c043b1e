"""Move a deleted document with all its rows to the trash, apart from what searches, lists and counts read; restore it.

Its contents, and so its vectors and analyses, are kept until it leaves the trash, at the latest a day later
(`retention.py`). Its runs and timings of flow runs do not come back.
"""

import json
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, delete, func, insert, literal, select, union, update

from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.records import COUNTED, DocumentStatus, Trashed
from swatchbook.store.ledger import restored_rows
from swatchbook.store.ledger.database import Ledger, db_now, portions
from swatchbook.store.ledger.document_commands import IMAGE_KEYS, remove_parts
from swatchbook.store.ledger.document_editions import rejoin_chain
from swatchbook.store.ledger.portable_rows import PART_TABLES, portable_columns
from swatchbook.store.ledger.runs import revoke
from swatchbook.store.ledger.stored_documents import Document, get_document, owned_by
from swatchbook.store.ledger.tables import (
    chunks,
    documents,
    images,
    metadata,
    placements,
    products,
    trash,
    trash_keys,
    trash_rows,
)

_TOGETHER = 1_000  # rows that are compressed together
_MOST_CHOICES = 10  # documents that an error names


def list_trash(ledger: Ledger, owner: str | None = None, *, older_than: float = 0.0) -> list[Trashed]:
    """Return the documents in the trash of an owner, or (None) of all, the latest first."""
    return _read(ledger, *owned_by(owner, trash), trash.c.at <= db_now() - older_than)


def get_trashed(ledger: Ledger, document: str) -> Trashed | None:
    """Return the document of this id in the trash, None if it is not there."""
    return next(iter(_read(ledger, trash.c.document == document)), None)


def find_trashed(ledger: Ledger, text: str, owner: str | None) -> Trashed:
    """Return what in the trash has this id, file name, or unambiguous beginning of an id. Raises InvalidReference."""
    matches = (
        trash.c.document == text, trash.c.name == text, trash.c.document.startswith(text, autoescape=True),
    )  # fmt: skip
    for match in matches:
        found = _read(ledger, match, *owned_by(owner, trash))
        if len(found) == 1:
            return found[0]
        if found:
            names = "; ".join(f"{each.document[:13]} ({each.name}, {each.owner})" for each in found[:_MOST_CHOICES])
            raise InvalidReference(f"{text!r} may be any of {names}.", advice="Give more of the id.")
    raise InvalidReference(f"There is no {text!r} in the trash.", advice="`swatchbook trash` lists what is in it.")


def move_to_trash(ledger: Ledger, document: str) -> bool:
    """Move a document with its rows to the trash, in one transaction; what only it shows is gone from searches.

    Its own row stays as `deleting` until the index holds nothing of it. Returns False if it is being deleted already.
    Raises InvalidReference for an unknown one.
    """
    with ledger.write() as connection:
        row = get_document(connection, document, lock=True)
        if row.status == DocumentStatus.DELETING:
            return False
        forget_trashed(connection, document)  # one of the same id, from before a backup was restored
        _keep(connection, document)
        revoke(connection, document, DocumentStatus.DELETING, "Being moved to the trash.")
        remove_parts(connection, document)
    return True


def end_trashed(ledger: Ledger, document: str) -> bool:
    """Delete a document in the trash for good; return whether it was there."""
    with ledger.write() as connection:
        return forget_trashed(connection, document)


def forget_trashed(connection: Connection, document: str) -> bool:
    """Take a document out of the trash for good; return whether it was there."""
    for table in (trash_rows, trash_keys):
        connection.execute(delete(table).where(table.c.document == document))
    return connection.execute(delete(trash).where(trash.c.document == document)).rowcount > 0


def kept_rows(connection: Connection, document: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield (name of the table, rows) of a document in the trash, some at a time, its own row first."""
    numbers = select(trash_rows.c.number).where(trash_rows.c.document == document).order_by(trash_rows.c.number)
    for number in connection.execute(numbers).scalars().all():
        this = (trash_rows.c.document == document, trash_rows.c.number == number)
        kept = connection.execute(select(trash_rows.c.name, trash_rows.c.data).where(*this)).one()
        yield kept.name, json.loads(zlib.decompress(kept.data))


def _read(ledger: Ledger, *where: ColumnElement[bool]) -> list[Trashed]:
    columns = [trash.c[name] for name in Trashed.model_fields]
    query = select(*columns).where(*where).order_by(trash.c.at.desc(), trash.c.document)
    return [Trashed.model_validate(row) for row in ledger.execute(query).mappings()]


def _keep(connection: Connection, document: str) -> None:
    """Copy a document with its parts and images to the trash, with the keys of the contents that they use."""
    placed = select(placements.c.image).where(placements.c.document == document)
    newer = select(documents.c.id).where(documents.c.edition_of == document).limit(1)
    connection.execute(
        insert(trash).from_select(
            [column.name for column in trash.columns],
            select(
                documents.c.id, documents.c.owner, documents.c.content, documents.c.kind, documents.c.name,
                documents.c.file, documents.c.pages_file,
                select(func.count()).where(products.c.document == document).scalar_subquery(),
                select(func.count(placements.c.image.distinct()))
                .where(placements.c.document == document, placements.c.state.in_(COUNTED))
                .scalar_subquery(),
                documents.c.edition_of,
                newer.scalar_subquery(),
                db_now(),
            ).where(documents.c.id == document),
        )
    )  # fmt: skip
    queries: Mapping[str, Select[Any]] = {
        "documents": select(*portable_columns(documents)).where(documents.c.id == document),
        "images": select(*portable_columns(images)).where(images.c.id.in_(placed)),
        **{
            table.name: select(*portable_columns(table)).where(table.c.document == document)
            for table in PART_TABLES
        },
    }  # fmt: skip
    number = 0
    for name, query in queries.items():
        for rows in portions(connection.execute(query.execution_options(yield_per=_TOGETHER)), _TOGETHER):
            data = zlib.compress(json.dumps([row._asdict() for row in rows]).encode(), 1)
            connection.execute(insert(trash_rows).values(document=document, number=number, name=name, data=data))
            number += 1
    users = [select(key).where(images.c.id.in_(placed)) for key in IMAGE_KEYS]
    keys = union(*users, select(chunks.c.text_key).where(chunks.c.document == document)).subquery()
    (key,) = keys.columns
    connection.execute(
        insert(trash_keys).from_select(["document", "key"], select(literal(document), key).where(key.is_not(None)))
    )


# --- back from the trash ----------------------------------------------------------------------------------------------


def restore_trashed(ledger: Ledger, document: str) -> Document:
    """Restore a document with all that it had when it was deleted, and return it.

    What ran then is queued. Raises InvalidReference if it is not in the trash, or in the collection again.
    """
    with ledger.write() as connection:
        kept = connection.execute(select(trash).where(trash.c.document == document).with_for_update()).one_or_none()
        if kept is None:
            raise InvalidReference(
                f"Document {document} is not in the trash.", advice="`swatchbook trash` lists what is in it."
            )
        here = connection.execute(select(documents.c.status).where(documents.c.id == document)).scalar_one_or_none()
        if here not in (None, DocumentStatus.DELETING):
            raise InvalidReference(f"{kept.name} is in the collection again, as {document[:8]}.")
        row = dict[str, Any]()
        for name, rows in kept_rows(connection, document):
            if name == "documents":
                (row,) = rows
                row |= {"owner": kept.owner, "edition_of": None, "superseded_by": None}  # renamed since, perhaps
                if here is None:
                    restored_rows.add_rows(connection, documents, [row])
                else:  # the index still holds some of it
                    table = restored_rows.with_nulls(documents)
                    again = update(table).where(table.c.id == document)
                    connection.execute(again.values({name: value for name, value in row.items() if name != "id"}))
            elif name == "images":
                restored_rows.add_images(connection, [{**each, "owner": kept.owner} for each in rows])
            else:
                restored_rows.add_parts(connection, metadata.tables[name], rows)
        restored_rows.show_again(connection, document)
        status = restored_rows.status_again(connection, row)
        values = {**status, "run": None, "updated_at": db_now(), "commanded_at": db_now()}
        connection.execute(update(documents).where(documents.c.id == document).values(values))
        rejoin_chain(connection, document, older=kept.older, newer=kept.newer)
        forget_trashed(connection, document)
        return get_document(connection, document)
