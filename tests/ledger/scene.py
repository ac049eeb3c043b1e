"""Documents with images and chunks inserted straight into the tables; reading rows; moving the clock."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from sqlalchemy import RowMapping, Table, func, insert, select, update

from swatchbook.ledger.database import Ledger, db_now
from swatchbook.ledger.documents import Document, queue
from swatchbook.ledger.items import ClaimedItem, ItemResult
from swatchbook.ledger.requested import add_pending
from swatchbook.ledger.runs import Busy, Run, begin
from swatchbook.ledger.tables import chunks, documents, images, items, metadata, placements, runs
from swatchbook.records import TEXT_ROLES, Analysis, IngestOptions, Role, RoleTag, chunk_id, identity, image_id, sha256

VISUAL, COLOR = RoleTag(role=Role.VISUAL, tag="eye@1/a"), RoleTag(role=Role.COLOR, tag="eye@1/a")
ANALYSIS = RoleTag(role=Role.ANALYSIS, tag="analyst@1/a")
UNDERSTANDING, TEXT = RoleTag(role=Role.UNDERSTANDING, tag="words@1/a"), RoleTag(role=Role.TEXT, tag="words@1/a")
MULTIMODAL = RoleTag(role=Role.MULTIMODAL, tag="both@1/a")
EVERYTHING = (VISUAL, COLOR, ANALYSIS, UNDERSTANDING, TEXT)


def keys(count: int, of: str = "picture") -> list[str]:
    return [sha256(f"{of} {number}".encode()) for number in range(count)]


def begun(
    ledger: Ledger,
    *,
    owner: str = "anna",
    content: str = "catalogue",
    requested: Sequence[RoleTag] = (VISUAL,),
    pictures: Iterable[str] = (),
    texts: Iterable[str] = (),
    fingerprint: str = "f",
    force: bool = False,
) -> Run:
    """A live run at a document that shows these pictures and chunks of these text keys, all items pending."""
    options = IngestOptions(force=force)
    document = queue(
        ledger, owner=owner, content=content, kind="pdf", name=f"{content}.pdf", file=None, size=1, options=options
    )
    run = begin(ledger, document.id, options=options, fingerprint=fingerprint, requested=requested)
    assert not isinstance(run, Busy)
    show(ledger, document.id, owner, pictures, texts, requested)
    return run


def try_begin(ledger: Ledger, known: Document | Run, *, fingerprint: str = "f", force: bool = False) -> Run | Busy:
    """Begin a run at a document that is known."""
    identity = known.id if isinstance(known, Document) else known.document
    return begin(ledger, identity, options=IngestOptions(force=force), fingerprint=fingerprint, requested=(VISUAL,))


def begin_again(ledger: Ledger, known: Document | Run, *, fingerprint: str = "f", force: bool = False) -> Run:
    """The same, where nothing keeps it from beginning."""
    run = try_begin(ledger, known, fingerprint=fingerprint, force=force)
    assert isinstance(run, Run)
    return run


def set_document(ledger: Ledger, document: str, **values: Any) -> None:
    with ledger.write() as connection:
        connection.execute(update(documents).where(documents.c.id == document).values(**values))


def show(
    ledger: Ledger, document: str, owner: str, pictures: Iterable[str], texts: Iterable[str], asked: Sequence[RoleTag]
) -> None:
    """What stages 4 and 5 leave: contents, images, placements, chunks, pending items."""
    with ledger.write() as connection:
        for number, key in enumerate(pictures):
            image = image_id(owner, key)
            if not connection.execute(select(images.c.id).where(images.c.id == image)).first():
                connection.execute(insert(images).values(id=image, owner=owner, content_key=key, dirty=1))
            connection.execute(
                insert(placements).values(
                    id=identity(document, number), document=document, generation="G", image=image, ordinal=number,
                    page=1, kind="embedded", bbox=[0, 0, 1, 1], state="shown",
                )
            )  # fmt: skip
            pixel_wants = [want for want in asked if want.role not in TEXT_ROLES | {Role.TEXT}]
            add_pending(connection, [(key, want.role, want.tag) for want in pixel_wants])
        for number, key in enumerate(texts):
            connection.execute(
                insert(chunks).values(
                    id=chunk_id(document, key), document=document, generation="G", ordinal=number, text_key=key,
                    embed=True, record={}, dirty=1,
                )
            )  # fmt: skip
            add_pending(connection, [(key, want.role, want.tag) for want in asked if want.role is Role.TEXT])


def make(claimed: ClaimedItem, *, text: str | None = "Material: oak.") -> ItemResult:
    """What a model would make of an item: always the same of the same key."""
    of: dict[str, Any] = {"key": claimed.key, "role": claimed.role, "tag": claimed.tag}
    if claimed.role is Role.ANALYSIS:
        return ItemResult(**of, analysis=Analysis(confidence=0.5, quality=0.75), text=text)
    return ItemResult(**of, vector=np.frombuffer(bytes.fromhex(claimed.key), np.uint8).astype(np.float32) + 1)


def item(ledger: Ledger, key: str, want: RoleTag = VISUAL) -> RowMapping:
    return one(ledger, items, key=key, role=want.role, tag=want.tag)


def document(ledger: Ledger, run: Run) -> RowMapping:
    return one(ledger, documents, id=run.document)


def one(ledger: Ledger, table: Table, **where: Any) -> RowMapping:
    with ledger.read() as connection:
        conditions = [table.c[name] == value for name, value in where.items()]
        return connection.execute(select(table).where(*conditions)).mappings().one()


def count(ledger: Ledger, table: Table, **where: Any) -> int:
    with ledger.read() as connection:
        conditions = [table.c[name] == value for name, value in where.items()]
        return connection.execute(select(func.count()).select_from(table).where(*conditions)).scalar_one()


def pass_time(ledger: Ledger, seconds: float) -> None:
    """Let all that is stored have happened this much earlier."""
    with ledger.write() as connection:
        for table in metadata.sorted_tables:
            times = [
                c for c in table.columns if c.name.endswith(("_at", "_until", "_next", "_since")) or c.name == "at"
            ]
            if times:
                connection.execute(update(table).values({c: c - seconds for c in times}))


def lapse(ledger: Ledger, run: Run) -> None:
    """Let the run's last heartbeat be longer ago than its lease, as on a host that nobody can look into."""
    with ledger.write() as connection:
        elsewhere = {"host": "elsewhere", "lease_until": db_now() - 1}
        connection.execute(update(runs).where(runs.c.token == run.token).values(**elsewhere))
