"""Keep the readings that people taught: accept one for a document, undo it, and list those of a document or an owner.

The options of a document have the reading in use; the table has all that it ever had. Accepting or undoing one and
queueing the document again are one transaction. An undone reading stays in the table.
"""

from sqlalchemy import ColumnElement, Connection, func, insert, select, update

from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.records import UNTAUGHT, DocumentStatus, TaughtReading
from swatchbook.store.ledger.database import Ledger, db_now
from swatchbook.store.ledger.document_commands import queue_with
from swatchbook.store.ledger.stored_documents import PDF, Document, load_document, owned_by, read_options
from swatchbook.store.ledger.tables import documents, taught_readings, trash
from swatchbook_teach.records import KeptReading, ReadingOrigin


def list_readings(ledger: Ledger, *, owner: str | None = None, document: str | None = None) -> list[KeptReading]:
    """Return the readings of a document, of an owner's documents or (None) of all, the first accepted first.

    Undone ones are included.
    """
    of_document = [] if document is None else [documents.c.id == document]
    with ledger.read() as connection:
        return _read(connection, *owned_by(owner), *of_document)


def accept_reading(
    ledger: Ledger,
    document: str,
    reading: TaughtReading,
    *,
    by: str,
    origin: ReadingOrigin = ReadingOrigin.SHOWN,
    taken_from: str | None = None,
    products: int | None = None,
) -> KeptReading:
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
            _insert(connection, document, reading, by=by, origin=origin, taken_from=taken_from, products=products)
            queue_with(connection, document, row.options.with_taught(reading))
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
        connection.execute(
            update(taught_readings)
            .where(taught_readings.c.document == document, taught_readings.c.number == last.number)
            .values(undone_at=db_now(), undone_by=by)
        )
        queue_with(connection, document, row.options.with_taught(before[-1].reading if before else UNTAUGHT))
        kept = {each.number: each for each in _read(connection, documents.c.id == document)}
        return kept[last.number]


def _read(connection: Connection, *where: ColumnElement[bool]) -> list[KeptReading]:
    query = (
        select(taught_readings, documents.c.name, documents.c.owner, documents.c.options)
        .join(documents, documents.c.id == taught_readings.c.document)
        .where(*where, documents.c.status != DocumentStatus.DELETING)
        .order_by(documents.c.created_at, documents.c.id, taught_readings.c.number)
    )
    rows = [dict(row) for row in connection.execute(query).mappings()]
    standing = {row["document"]: row["number"] for row in rows if row["undone_at"] is None}
    kept = []
    for row in rows:
        in_use = read_options(row.pop("options")).taught
        reading = TaughtReading.model_validate(row.pop("reading"))
        is_last = standing.get(row["document"]) == row["number"]
        kept.append(KeptReading(**row, reading=reading, in_use=is_last and reading == in_use))
    return kept


def _require_teachable(connection: Connection, document: str) -> Document:
    trashed = connection.execute(select(trash.c.name).where(trash.c.document == document)).scalar_one_or_none()
    here = connection.execute(select(documents.c.status).where(documents.c.id == document)).scalar_one_or_none()
    if trashed is not None and here in (None, DocumentStatus.DELETING):
        raise InvalidReference(
            f"{trashed} is in the trash.", advice=f"To teach it: `swatchbook trash restore {document[:8]}`, then again."
        )
    row = load_document(connection, document, lock=True)
    if row.status == DocumentStatus.DELETING:
        raise InvalidReference(f"{row.name} is being deleted.")
    if row.kind != PDF:
        raise InvalidReference(
            f"{row.name} is no catalogue: its products are the items of a {row.kind}.",
            advice="Change them where they come from, and ingest it again.",
        )
    return row


def _record_unknown(connection: Connection, document: Document) -> None:
    """Record the reading in use if an ingest was given it, so that it is not lost and can be undone."""
    standing = [each for each in _read(connection, documents.c.id == document.id) if each.undone_at is None]
    taught = document.options.taught
    if taught != UNTAUGHT and (not standing or standing[-1].reading != taught):
        _insert(connection, document.id, taught, by="", origin=ReadingOrigin.IMPORTED)


def _insert(
    connection: Connection,
    document: str,
    reading: TaughtReading,
    *,
    by: str,
    origin: ReadingOrigin,
    taken_from: str | None = None,
    products: int | None = None,
) -> None:
    last = select(func.coalesce(func.max(taught_readings.c.number), 0)).where(taught_readings.c.document == document)
    connection.execute(
        insert(taught_readings).values(
            document=document,
            number=1 + connection.execute(last).scalar_one(),
            reading=reading.model_dump(mode="json"),
            origin=origin,
            taken_from=taken_from,
            products=products,
            by=by,
            at=db_now(),
        )
    )
