"""What whoever starts runs asks the ledger: which documents want one, which launch is theirs, what became of a run."""

from collections.abc import Collection, Sequence
from typing import Literal

from sqlalchemy import RowMapping, func, select, update

from swatchbook.ledger import due
from swatchbook.ledger.database import Ledger, db_now, portions
from swatchbook.ledger.process import Process
from swatchbook.ledger.runs import Document, process_of, read_document
from swatchbook.ledger.tables import documents, runs
from swatchbook.records import DocumentStatus, Record


class PastRun(Record):
    """What the ledger knows of the last run that a flow run began. `age`: seconds since it ended, 0 while it lives."""

    document: str
    state: Literal["live", "ended", "dead", "revoked"]
    age: float
    process: Process


def launchable(ledger: Ledger, limit: int) -> list[Document]:
    """Documents that want a run now and have none, those that wait longest first; deletes are not among them."""
    query = (
        select(documents)
        .where(documents.c.run.is_(None), due.is_unfinished(), documents.c.status != DocumentStatus.DELETING)
        .order_by(documents.c.due_at.nulls_first(), documents.c.updated_at, documents.c.id)
        .limit(limit)
    )
    with ledger.read() as connection:
        return [read_document(row) for row in connection.execute(query).mappings()]


def relaunch(ledger: Ledger, document: Document) -> Document | None:
    """The document with its next launch, where it still wants one and nobody else has counted this one already."""
    with ledger.write() as connection:
        row = (
            connection.execute(
                update(documents)
                .where(documents.c.id == document.id, documents.c.launches == document.launches)
                .where(documents.c.run.is_(None), due.is_unfinished())
                .values(launches=document.launches + 1)
                .returning(documents)
            )
            .mappings()
            .one_or_none()
        )
        return None if row is None else read_document(row)


def deletes(ledger: Ledger, limit: int) -> list[str]:
    """Documents whose delete is to be finished, by id; oldest first."""
    query = select(documents.c.id).where(documents.c.status == DocumentStatus.DELETING)
    with ledger.read() as connection:
        return list(connection.execute(query.order_by(documents.c.updated_at).limit(limit)).scalars())


def is_behind(ledger: Ledger) -> bool:
    """Whether rows wait to be published that nobody is at, of documents that nobody works on."""
    query = select(documents.c.id).where(documents.c.run.is_(None), due.is_behind()).limit(1)
    with ledger.read() as connection:
        return connection.execute(query).first() is not None


def statuses(ledger: Ledger, ids: Collection[str]) -> dict[str, DocumentStatus]:
    """Status by document; one that is gone is missing."""
    found = dict[str, DocumentStatus]()
    with ledger.read() as connection:
        for some in portions(tuple(ids)):
            rows = connection.execute(select(documents.c.id, documents.c.status).where(documents.c.id.in_(some)))
            found |= {row.id: DocumentStatus(row.status) for row in rows}
    return found


def past_runs(ledger: Ledger, flow_runs: Sequence[str]) -> dict[str, PastRun]:
    """By flow run: the last run that it began. One that began none is missing."""
    found = dict[str, PastRun]()
    with ledger.read() as connection:
        for some in portions(flow_runs):
            rows = connection.execute(
                select(runs, (db_now() - func.coalesce(runs.c.ended_at, db_now())).label("age"))
                .where(runs.c.prefect_run.in_(some))
                .order_by(runs.c.token)
            ).mappings()
            found |= {row["prefect_run"]: _past(row) for row in rows}
    return found


def _past(row: RowMapping) -> PastRun:
    return PastRun(document=row["document"], state=row["state"], age=row["age"], process=process_of(row))
