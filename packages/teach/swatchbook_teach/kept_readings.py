"""Keep the readings that people taught: accept one for a document, undo it, and list those of a document or an owner.

The options of a document have the reading in use; its `readings` are all that it ever had, also the undone ones.
Accepting or undoing one and queueing the document again are one transaction.
"""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, select, update

from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.records import UNTAUGHT, DocumentStatus, TaughtReading
from swatchbook.store.ledger.database import Ledger, Source, db_now
from swatchbook.store.ledger.document_commands import request_again
from swatchbook.store.ledger.edited_products import require_catalogue
from swatchbook.store.ledger.stored_documents import Document, owned_by, read_options
from swatchbook.store.ledger.tables import documents, trash
from swatchbook_teach.records import KeptReading

_STORED = KeptReading.model_fields.keys() - {"document", "name", "owner", "in_use"}


def list_readings(ledger: Ledger, *, owner: str | None = None, document: str | None = None) -> list[KeptReading]:
    """Return the readings of a document, of an owner's documents or (None) of all, the first accepted first.

    Undone ones are included.
    """
    of_document = [] if document is None else [documents.c.id == document]
    return _read(ledger, *owned_by(owner), *of_document)


def accept_reading(ledger: Ledger, document: str, reading: TaughtReading, *, by: str) -> KeptReading:
    """Let a document be read by a taught reading from its next run on, and queue it; a live run ends first.

    If it is in use already, nothing changes. Raises InvalidReference for a document that cannot be taught, and for a
    reading that says nothing.
    """
    if reading == UNTAUGHT:
        advice = "Show at least one name or picture; to take back what is in use: `swatchbook teach DOCUMENT --undo`."
        raise InvalidReference("The reading has no rules and no examples.", advice=advice)
    with ledger.write() as connection:
        row = _require_teachable(connection, document)
        _record_unknown(connection, row)
        if row.options.taught != reading:
            _add(connection, row, reading, by=by)
            request_again(connection, document, row.options.with_taught(reading))
        return _read(connection, documents.c.id == document)[-1]


def undo_reading(ledger: Ledger, document: str, *, by: str) -> KeptReading:
    """Undo the reading in use and return it: the one before it is used again, or none, and the document is queued.

    Raises InvalidReference for a document without a reading in use, and one that cannot be taught.
    """
    with ledger.write() as connection:
        row = _require_teachable(connection, document)
        if row.options.taught == UNTAUGHT:
            raise InvalidReference(f"{row.name} has no taught reading that could be undone.")
        _record_unknown(connection, row)
        *before, last = [each for each in _read(connection, documents.c.id == document) if each.undone_at is None]
        undone = last.model_copy(update={"undone_at": connection.scalar(select(db_now())), "undone_by": by})
        kept = _read(connection, documents.c.id == document)
        _save(connection, document, [undone if each.number == last.number else each for each in kept])
        request_again(connection, document, row.options.with_taught(before[-1].reading if before else UNTAUGHT))
        return undone.model_copy(update={"in_use": False})


def _read(source: Source, *where: ColumnElement[bool]) -> list[KeptReading]:
    query = (
        select(documents)
        .where(*where, documents.c.status != DocumentStatus.DELETING, documents.c.readings.is_not(None))
        .order_by(documents.c.created_at, documents.c.id)
    )
    kept = []
    for row in source.execute(query):
        of = {"document": row.id, "name": row.name, "owner": row.owner}
        found = [KeptReading(**of, **{name: each[name] for name in _STORED if name in each}) for each in row.readings]
        standing = max((each.number for each in found if each.undone_at is None), default=0)
        in_use = read_options(row.options).taught
        for each in found:
            is_in_use = each.number == standing and each.reading == in_use
            kept.append(each.model_copy(update={"in_use": is_in_use}))
    return kept


def _save(connection: Connection, document: str, readings: Sequence[KeptReading]) -> None:
    stored = [each.model_dump(mode="json", include=_STORED) for each in readings]
    connection.execute(update(documents).where(documents.c.id == document).values(readings=stored))


def _require_teachable(connection: Connection, document: str) -> Document:
    trashed = connection.execute(select(trash.c.name).where(trash.c.document == document)).scalar_one_or_none()
    here = connection.execute(select(documents.c.status).where(documents.c.id == document)).scalar_one_or_none()
    if trashed is not None and here in (None, DocumentStatus.DELETING):
        raise InvalidReference(
            f"{trashed} is in the trash.", advice=f"To teach it: `swatchbook trash restore {document[:8]}`, then again."
        )
    return require_catalogue(connection, document)


def _record_unknown(connection: Connection, document: Document) -> None:
    """Record the reading in use if an ingest was given it, so that it is not lost and can be undone."""
    standing = [each for each in _read(connection, documents.c.id == document.id) if each.undone_at is None]
    taught = document.options.taught
    if taught != UNTAUGHT and (not standing or standing[-1].reading != taught):
        _add(connection, document, taught, by="")


def _add(connection: Connection, document: Document, reading: TaughtReading, *, by: str) -> None:
    before = _read(connection, documents.c.id == document.id)
    added = KeptReading(
        document=document.id,
        name=document.name,
        owner=document.owner,
        number=1 + max((each.number for each in before), default=0),
        reading=reading,
        by=by,
        at=connection.execute(select(db_now())).scalar_one(),
    )
    _save(connection, document.id, [*before, added])
