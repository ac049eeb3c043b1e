"""Find a document by its id, the beginning of it, or its file name; list documents, newest first; queue a new one."""

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, literal, null, select, tuple_, update

from swatchbook.domain.errors import DocumentDeleted, InvalidReference
from swatchbook.domain.records import BlockNames, DocumentStatus, IngestOptions, Record, RunReport, Stage, document_id
from swatchbook.domain.tracing import traceparent
from swatchbook.store.ledger.database import Ledger, Source, db_now, select_in, upsert
from swatchbook.store.ledger.owners import seed_of
from swatchbook.store.ledger.tables import documents, trash

PDF, FOLDER, BATCH, TABLE = "pdf", "folder", "batch", "table"
"""Kinds of documents."""

BEGIN_SECONDS = 120.0
"""Time for a flow run that has registered a document to begin its run."""


class Document(Record):
    """One source: a PDF, a folder, a scraped batch, an owner's rows of an imported table. Times are Unix seconds."""

    id: str
    owner: str
    content: str
    kind: str
    name: str
    file: str | None
    size: int
    status: DocumentStatus
    stage: Stage
    message: str | None
    failure_kind: str | None
    options: IngestOptions
    blocks: BlockNames
    generation: str | None
    fingerprint: str | None
    force: str | None
    run: str | None
    due_at: float | None
    deaths: int
    launches: int
    page_count: int | None
    pages_file: str | None
    report: RunReport | None
    created_at: float
    updated_at: float
    commanded_at: float | None
    edition_of: str | None = None
    superseded_by: str | None = None
    trace: str | None = None

    @property
    def source(self) -> str | None:
        """Return what its flow is given: the key of a PDF (None if it was never stored), else the source's name."""
        return self.file if self.kind == PDF else self.content


def read_document(row: Mapping[Any, Any]) -> Document:
    """Return a row of `documents` as a record."""
    fields = {name: row[name] for name in row.keys() & Document.model_fields.keys()}
    return Document.model_validate({**fields, "options": read_options(row["options"])})


def read_options(stored: Mapping[str, Any]) -> IngestOptions:
    """Return stored options as a record, without nulls (they meant defaults) and options of other versions."""
    known = stored.keys() & IngestOptions.model_fields
    return IngestOptions.model_validate({name: stored[name] for name in known if stored[name] is not None})


def queue(
    ledger: Ledger,
    *,
    owner: str,
    content: str,
    kind: str,
    name: str,
    file: str | None,
    size: int,
    options: IngestOptions,
    again: Collection[DocumentStatus] = (DocumentStatus.FAILED, DocumentStatus.CANCELLED),
    begins: bool = False,
    known: bool = False,
    also: Callable[[Connection, str], object] | None = None,
) -> Document:
    """Register a document as `queued` and return it; a known one stays as it is, unless its status is in `again`.

    `begins`: a flow run registers it and begins its run next: the loop launches another only if none begins in time.
    `known`: it was registered before, for this very work: raises DocumentDeleted if it was deleted since, and never
    creates it again. `also` writes in the same transaction, and is given the document's id: what it raises leaves
    nothing queued.
    """
    stored_options = options.model_dump(mode="json")
    due_at = db_now() + BEGIN_SECONDS if begins else null()
    with ledger.write(turn=also is not None) as connection:
        identity = document_id(seed_of(connection, owner), content)
        if known:
            require_kept(connection, identity, name=name, lock=True)
        else:
            connection.execute(
                upsert(connection, documents)
                .values(
                    id=identity, owner=owner, content=content, kind=kind, name=name, file=file, size=size,
                    status=DocumentStatus.QUEUED, stage=Stage.REGISTERED, options=stored_options, due_at=due_at,
                    created_at=db_now(), updated_at=db_now(), **asked_in(),
                )
                .on_conflict_do_nothing()
            )  # fmt: skip
        change_document(connection, identity, documents.c.file.is_(None), file=file)
        change_document(
            connection, identity, documents.c.status.in_(again), status=DocumentStatus.QUEUED, options=stored_options,
            message=null(), failure_kind=null(), due_at=due_at, deaths=0, updated_at=db_now(), commanded_at=db_now(),
            **asked_in(),
        )  # fmt: skip
        if also is not None:
            also(connection, identity)
        return get_document(connection, identity)


def asked_in() -> dict[str, str]:
    """Return the column `trace` for a document that is asked for now; nothing where nothing is traced."""
    return {"trace": trace} if (trace := traceparent()) else {}


def change_document(connection: Connection, document: str, *where: ColumnElement[bool], **values: Any) -> None:
    """Set columns of a document, if it satisfies these conditions."""
    connection.execute(update(documents).where(documents.c.id == document, *where).values(**values))


def get_document(source: Source, document: str, *, lock: bool = False) -> Document:
    """Return a document by id, locked if asked for within a transaction. Raises InvalidReference for an unknown one."""
    query = select(documents).where(documents.c.id == document)
    row = source.execute(query.with_for_update() if lock else query).mappings().one_or_none()
    if row is None:
        raise InvalidReference(f"There is no document {document}.", advice="`swatchbook status` lists them.")
    return read_document(row)


def require_kept(connection: Connection, document: str, *, name: str | None = None, lock: bool = False) -> None:
    """Raise DocumentDeleted, within a transaction, if a document is gone, in the trash, or being deleted.

    `name`: what people call it, if its row is gone; `lock`: it stays as it is until the transaction ends.
    """
    query = select(documents.c.name, documents.c.status).where(documents.c.id == document)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    if row is not None and row.status != DocumentStatus.DELETING:
        return
    trashed = connection.execute(select(trash.c.name).where(trash.c.document == document)).scalar_one_or_none()
    named = trashed or (row.name if row else name) or document
    if trashed is not None:
        raise DocumentDeleted(
            f"{named} was moved to the trash while it was ingested.",
            advice=f"To bring it back: swatchbook trash restore {document[:8]}",
        )
    raise DocumentDeleted(f"{named} was deleted while it was ingested.", advice="Nothing of it was kept.")


_ID_LENGTH = 36
_MAX_CHOICES = 10
"""Documents that an error names at most."""


def get_kept(ledger: Ledger, document: str, *, name: str | None = None) -> Document:
    """Return a document by id. Raises DocumentDeleted, by its name, if it is gone, in the trash, or being deleted."""
    with ledger.read() as connection:
        require_kept(connection, document, name=name)
        return get_document(connection, document)


def find_document(ledger: Ledger, text: str, owner: str | None) -> Document:
    """Return the document with this id, file name, or unambiguous beginning of an id, of an owner or (None) of any.

    Raises InvalidReference, naming the choices, for an unknown or ambiguous one. It does not reveal whether another
    owner has such a document.
    """
    whose = None if owner is None else (owner,)
    choices = documents_called(ledger, text, whose)
    if len(choices) == 1:
        return choices[0]
    if choices:
        raise InvalidReference(f"{text!r} may be any of {list_choices(choices)}.", advice="Give more of the id.")
    of_owner = f" of {owner}" if owner else ""
    if newest := newest_documents(ledger, whose):
        advice = f"Known: {list_choices(newest)}." + (" Another owner's needs --owner." if owner else "")
    else:
        advice = "Nothing has been ingested yet."
    raise InvalidReference(f"There is no document {text!r}{of_owner}.", advice=advice)


def documents_called(ledger: Ledger, text: str, owners: Collection[str] | None) -> list[Document]:
    """Return the document with this id, else those with this name, else those whose id begins so, newest first.

    `owners`: only theirs; None: all owners'. Of many only some more than `list_choices` names.
    """
    exact = [documents.c.id == text, documents.c.name == text]
    beginning = [documents.c.id.startswith(text, autoescape=True)] if len(text) <= _ID_LENGTH else []
    for match in (*exact, *beginning):
        if choices := newest_documents(ledger, owners, match):
            return choices
    return []


def newest_documents(
    ledger: Ledger, owners: Collection[str] | None, *conditions: ColumnElement[bool]
) -> list[Document]:
    """Return the newest documents of these owners or (None) of all: some more than `list_choices` names."""
    of_owners = [] if owners is None else [documents.c.owner.in_(owners)]
    return _newest(ledger, [*conditions, *of_owners], _MAX_CHOICES + 1)


def all_documents(ledger: Ledger, owner: str | None) -> list[Document]:
    """Return every document of an owner or (None) of all owners, oldest first."""
    return _newest(ledger, owned_by(owner), None)[::-1]


def documents_within(ledger: Ledger, owner: str | None, path: Path) -> list[Document]:
    """Return the folders and batches at an absolute path and below it, of an owner or of all, oldest first."""
    alike = documents.c.content.startswith(str(path), autoescape=True)  # SQLite ignores case here
    found = _newest(ledger, [*owned_by(owner), documents.c.kind.in_((FOLDER, BATCH)), alike], None)[::-1]
    return [document for document in found if Path(document.content).is_relative_to(path)]


def documents_of(ledger: Ledger, kind: str, content: str) -> list[Document]:
    """Return the documents of this kind and content of all owners, oldest first."""
    return _newest(ledger, [documents.c.kind == kind, documents.c.content == content], None)[::-1]


def list_documents(
    ledger: Ledger,
    owner: str | None = None,
    status: DocumentStatus | None = None,
    name: str | None = None,
    after: tuple[float, str] | None = None,
    limit: int = 100,
) -> list[Document]:
    """Return documents, newest first, without those in the trash that the index still holds.

    `name`: part of the name, in any case; `after`: (created_at, id) of the last one of the previous page.
    """
    is_in_trash = (documents.c.status == DocumentStatus.DELETING) & documents.c.id.in_(select(trash.c.document))
    conditions = [*owned_by(owner), ~is_in_trash]
    if status is not None:
        conditions.append(documents.c.status == status)
    if name is not None:
        conditions.append(documents.c.name.icontains(name, autoescape=True))
    if after is not None:
        conditions.append(tuple_(documents.c.created_at, documents.c.id) < tuple_(*map(literal, after)))
    return _newest(ledger, conditions, limit)


def stopped_documents(ledger: Ledger, owner: str | None, *, limit: int, offset: int = 0) -> list[Document]:
    """Return documents of an owner, or of all, that a failure stopped as a whole, newest first."""
    return _newest(ledger, [*owned_by(owner), documents.c.failure_kind.is_not(None)], limit, offset)


def owned_by(owner: str | None, table: Table = documents) -> list[ColumnElement[bool]]:
    """Return the conditions that select an owner's rows of a table, or those of its documents: none for all owners."""
    if owner is None:
        return []
    if "owner" in table.c:
        return [table.c.owner == owner]
    return [table.c.document.in_(select(documents.c.id).where(documents.c.owner == owner))]


def _newest(
    ledger: Ledger, conditions: Sequence[ColumnElement[bool]], limit: int | None, offset: int = 0
) -> list[Document]:
    query = select(documents).where(*conditions).order_by(documents.c.created_at.desc(), documents.c.id.desc())
    return [read_document(row) for row in ledger.execute(query.limit(limit).offset(offset)).mappings()]


def list_choices(choices: Sequence[Document]) -> str:
    """Return the first of these documents in words: the beginning of the id, with name and owner."""
    names = [f"{d.id[:13]} ({d.name}, {d.owner})" for d in choices[:_MAX_CHOICES]]
    return "; ".join(names) + ("; …" if len(choices) > _MAX_CHOICES else "")


# --- what became of flow runs -----------------------------------------------------------------------------------------


def document_statuses(ledger: Ledger, ids: Collection[str]) -> dict[str, DocumentStatus]:
    """Return document id -> status, of those that exist."""
    query = select(documents.c.id, documents.c.status)
    return {row.id: DocumentStatus(row.status) for row in select_in(ledger, query, documents.c.id, ids)}
