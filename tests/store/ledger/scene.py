"""Made-up documents in a ledger: runs, rows laid straight into tables, what stages tell it, and a look at the rows."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, RowMapping, Table, func, insert, select, update

from swatchbook.domain.errors import Failure
from swatchbook.domain.records import (
    TEXT_ROLES,
    Analysis,
    Chunk,
    Chunks,
    DocumentStatus,
    Evidence,
    Extraction,
    FailedPage,
    ImageState,
    IngestOptions,
    Link,
    LinkKind,
    Picture,
    Placement,
    PlacementState,
    Product,
    Reading,
    Role,
    RoleTag,
    Unreadable,
    chunk_id,
    identity,
    image_id,
    placement_id,
    product_id,
    sha256,
    text_key,
)
from swatchbook.store.ledger import claims, missing_vectors, publishing, schedule, stage_results
from swatchbook.store.ledger import runs as run_moves
from swatchbook.store.ledger.claims import ClaimedItem, FailedItem, ItemResult
from swatchbook.store.ledger.database import Ledger, db_now
from swatchbook.store.ledger.document_commands import delete_rows, finish_delete, mark_deleting
from swatchbook.store.ledger.image_states import shown_images, states_of_images
from swatchbook.store.ledger.missing_vectors import ToFill
from swatchbook.store.ledger.publishing import DirtyRow
from swatchbook.store.ledger.requested import add_pending
from swatchbook.store.ledger.runs import Busy, Run
from swatchbook.store.ledger.stored_documents import Document, queue
from swatchbook.store.ledger.tables import chunks, documents, images, items, metadata, placements, runs

VISUAL, COLOR = RoleTag(role=Role.VISUAL, tag="eye@1/a"), RoleTag(role=Role.COLOR, tag="eye@1/a")
ANALYSIS = RoleTag(role=Role.ANALYSIS, tag="analyst@1/a")
UNDERSTANDING, TEXT = RoleTag(role=Role.UNDERSTANDING, tag="words@1/a"), RoleTag(role=Role.TEXT, tag="words@1/a")
MULTIMODAL = RoleTag(role=Role.MULTIMODAL, tag="both@1/a")
EVERYTHING = (VISUAL, COLOR, ANALYSIS, UNDERSTANDING, TEXT)


def keys(count: int, of: str = "picture") -> list[str]:
    return [sha256(f"{of} {number}".encode()) for number in range(count)]


def key(name: str) -> str:
    """The content key of a picture known by this name."""
    return sha256(name.encode())


def image(name: str, owner: str = "anna") -> str:
    """The owner's image of the picture known by this name."""
    return image_id(owner, key(name))


def queued(ledger: Ledger, *, owner: str = "anna", content: str = "catalogue", **given: Any) -> Document:
    """Queue a document as an upload does."""
    key = sha256(content.encode())
    known = {"kind": "pdf", "name": f"{content}.pdf", "file": f"{key}.pdf", "size": 1, "options": IngestOptions()}
    return queue(ledger, owner=owner, content=key, **{**known, **given})


def begin(
    ledger: Ledger,
    *,
    owner: str = "anna",
    content: str = "catalogue",
    requested: Sequence[RoleTag] = EVERYTHING,
    fingerprint: str = "f",
    force: bool = False,
) -> Run:
    """Queue a document and begin a run at it."""
    options = IngestOptions(force=force)
    document = queued(ledger, owner=owner, content=content, options=options)
    run = run_moves.begin(ledger, document.id, options=options, fingerprint=fingerprint, requested=requested)
    assert not isinstance(run, Busy)
    return run


def begun(
    ledger: Ledger,
    *,
    owner: str = "anna",
    requested: Sequence[RoleTag] = (VISUAL,),
    pictures: Iterable[str] = (),
    texts: Iterable[str] = (),
    **given: Any,
) -> Run:
    """A live run as by `begin`, at a document that shows these pictures and chunks; all their items are pending."""
    run = begin(ledger, owner=owner, requested=requested, **given)
    show(ledger, run.document, owner, pictures, texts, requested)
    return run


def try_begin(ledger: Ledger, known: Document | Run, *, fingerprint: str = "f", force: bool = False) -> Run | Busy:
    """Begin a run at a document that is known."""
    document, options = known.id if isinstance(known, Document) else known.document, IngestOptions(force=force)
    return run_moves.begin(ledger, document, options=options, fingerprint=fingerprint, requested=(VISUAL,))


def begin_again(ledger: Ledger, known: Document | Run, *, fingerprint: str = "f", force: bool = False) -> Run:
    """The same, where nothing keeps it from beginning."""
    run = try_begin(ledger, known, fingerprint=fingerprint, force=force)
    assert isinstance(run, Run)
    return run


def end(ledger: Ledger, run: Run) -> DocumentStatus:
    """Close the account, as stage 8 does."""
    from swatchbook.store.ledger.queries.account import next_status

    status, due_at = next_status(ledger, run.document)
    return run_moves.end(ledger, run, status, due_at=due_at)


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


def put(ledger: Ledger, table: Table, **values: Any) -> None:
    """Add a row."""
    put_all(ledger, table, [values])


def put_all(ledger: Ledger, table: Table, rows: Iterable[Mapping[str, Any]]) -> None:
    """Add rows, with something in each column that must have a value."""
    made_up = {
        c.name: getattr(c.type, "impl", c.type).python_type()
        for c in table.columns
        if not (c.nullable or c.server_default)
    }
    with ledger.write() as connection:
        for given in rows:
            connection.execute(insert(table).values(**{**made_up, **given}))


def due_ids(ledger: Ledger) -> list[str]:
    """The documents to work on now, those that wait longest first."""
    return [document.id for document in schedule.due_documents(ledger)]


def change(ledger: Ledger, table: Table, *where: ColumnElement[bool], **values: Any) -> None:
    """Set these columns of rows."""
    with ledger.write() as connection:
        connection.execute(update(table).where(*where).values(**values))


def set_document(ledger: Ledger, document: str, **values: Any) -> None:
    change(ledger, documents, documents.c.id == document, **values)


def reading(*lost: FailedPage, count: int = 4, pages_file: str = f"{'0' * 64}.jsonl") -> Reading:
    """Stage 1's result: A4 pages, of which some are lost."""
    boxes = {n: (0.0, 0.0, 595.0, 842.0) for n in range(1, count + 1) if n not in {page.page for page in lost}}
    return Reading(
        content=key("file"),
        page_count=count,
        title=None,
        outline=(),
        page_boxes=boxes,
        pages_file=pages_file,
        lost=lost,
    )


def placed(run: Run, name: str, page: int = 1, **given: Any) -> Placement:
    """A picture standing on a page; one of a name and page, unless `xref` tells several apart."""
    xref = given.pop("xref", 1)
    return Placement(
        id=placement_id(run.document, page, "embedded", f"{name}{xref}", (0, 0, 100, 50)),
        page=page,
        kind="embedded",
        bbox=(0, 0, 100, 50),
        xref=xref,
        state=given.pop("state", PlacementState.SHOWN),
        content_key=key(name),
        **given,
    )


def extraction(*placements: Placement, unreadable: Iterable[str] = ()) -> Extraction:
    """Stage 5's result: pictures for what is placed, but for those that cannot be read (by name)."""
    broken = {key(name) for name in unreadable}
    keys = dict.fromkeys(p.content_key for p in placements if p.content_key not in broken)
    return Extraction(
        pictures=tuple(
            Picture(content_key=k, file=f"{k}.png", width=100, height=50, mode="RGB", passed_through=False)
            for k in keys
        ),
        placements=placements,
        unreadable=tuple(
            Unreadable(content_key=k, kind="unreadable_image", message="Its stream is cut off.") for k in sorted(broken)
        ),
    )


def chunked(run: Run, *texts: str, pages: tuple[int, ...] = (1,), headings: tuple[str, ...] = ()) -> Chunks:
    """One section that is not embedded, and a chunk for each text."""
    return Chunks(
        chunks=tuple(
            Chunk(
                id=chunk_id(run.document, text_key(text), 0 if ordinal else 1),
                parent=None,
                ordinal=ordinal,
                kind="text" if ordinal else "section",
                text=text,
                text_key=text_key(text),
                headings=headings,
                pages=pages,
                embed=ordinal > 0,
            )
            for ordinal, text in enumerate(("\n".join(texts) or "empty", *texts))
        )
    )


def product(run: Run, name: str, **given: Any) -> Product:
    return Product(
        id=product_id(run.document, given.get("category"), name),
        name=name,
        category=given.pop("category", None),
        code=None,
        variants=(),
        first_page=1,
        last_page=1,
        pages=(1,),
        metadata=given.pop("metadata", {}),
        confidence=0.9,
        evidence=(Evidence(rule="outline", page=1, text=name),),
        **given,
    )


def link(source: str, target: Product | str, kind: LinkKind = LinkKind.IMAGE_PRODUCT, score: float = 0.8) -> Link:
    return Link(kind=kind, source=source, target=target if isinstance(target, str) else target.id, score=score)


def begin_fill(ledger: Ledger, document: str, *pairs: RoleTag) -> Run:
    """The fill run of these pairs of a document, with all that it lacks queued."""
    run = run_moves.begin_fill(ledger, document, pairs, fill="F" * 26)
    for some in missing_vectors.candidates(ledger, ToFill(document=document, pairs=pairs)):
        missing_vectors.queue_candidates(ledger, run, some)
    return run


def make(claimed: ClaimedItem, *, text: str | None = "Material: oak.") -> ItemResult:
    """What a model would make of an item: always the same of the same key."""
    of: dict[str, Any] = {"key": claimed.key, "role": claimed.role, "tag": claimed.tag}
    if claimed.role is Role.ANALYSIS:
        return ItemResult(**of, analysis=Analysis(confidence=0.5, quality=0.75), text=text)
    return ItemResult(**of, vector=np.frombuffer(bytes.fromhex(claimed.key), np.uint8).astype(np.float32) + 1)


def make_all(
    ledger: Ledger,
    run: Run,
    *,
    failing: Callable[[ClaimedItem], Failure | None] = lambda item: None,
    last_try: bool = True,
    text: str | None = "Material: oak.",
    review_below: float = 0.0,
) -> None:
    """Every item that is due, but for those that `failing` names: those fail, as on a batch's last try."""
    for batch in claims.cut_batches(ledger, run, 20):
        for _ in range(2):  # understanding comes with the analysis
            lease = claims.claim(ledger, run, batch.members)
            lost = {claimed: failure for claimed in lease.items if (failure := failing(claimed))}
            claims.commit(
                ledger,
                lease,
                [make(claimed, text=text) for claimed in lease.items if claimed not in lost],
                [FailedItem(key=c.key, role=c.role, tag=c.tag, failure=failure) for c, failure in lost.items()],
                last_try=last_try,
                review_below=review_below,
            )
            claims.release(ledger, lease)


def fail(ledger: Ledger, run: Run, keys: Sequence[str], failure: Failure, *, last_try: bool = True) -> None:
    """All items of these keys that are due fail."""
    lease = claims.claim(ledger, run, keys)
    failed = [FailedItem(key=c.key, role=c.role, tag=c.tag, failure=failure) for c in lease.items]
    claims.commit(ledger, lease, [], failed, last_try=last_try)


def settle(
    ledger: Ledger, name: str, rows: Sequence[DirtyRow], *, refused: Mapping[str, Failure] | None = None
) -> None:
    """An index took all of these but the refused ones."""
    given = refused or {}
    publishing.record_publication(
        ledger,
        name,
        rows,
        published=[row for row in rows if not row.gone and row.id not in given],
        refused=given,
        removed=[row for row in rows if row.gone],
    )


def publish_all(ledger: Ledger) -> list[publishing.Publication]:
    """Publish whatever is due to an index that takes everything; returns what it was given."""
    told = list[publishing.Publication]()
    for number in range(1_000):
        rows = publishing.lease_dirty(ledger, f"publisher {number}")
        if not rows:
            return told
        told += publishing.publications(ledger, [row for row in rows if not row.gone])
        settle(ledger, f"publisher {number}", rows)
    raise AssertionError("publishing never ends")


def ingest(
    ledger: Ledger, run: Run, found: Extraction, text: Chunks | None = None, *, review_below: float = 0.0
) -> None:
    """Stages 4 to 8 with models that always answer and an index that takes everything."""
    stage_results.save_chunks(ledger, run, text or Chunks(chunks=()))
    stage_results.save_extraction(ledger, run, found, review_below=review_below)
    make_all(ledger, run, review_below=review_below)
    publish_all(ledger)
    end(ledger, run)


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
    change(ledger, runs, runs.c.token == run.token, host="elsewhere", lease_until=db_now() - 1)


def revoke(ledger: Ledger, document: str, *how: Any) -> list[str]:
    with ledger.write() as connection:
        return run_moves.revoke(connection, document, *how)


def end_process_of_holds(ledger: Ledger) -> None:
    """Let the process of each hold have ended: no process has the id that it had."""
    change(ledger, runs, runs.c.kind == "hold", pid_started=1.0)


def item(ledger: Ledger, key: str, want: RoleTag = VISUAL) -> RowMapping:
    return one(ledger, items, key=key, role=want.role, tag=want.tag)


def document(ledger: Ledger, run: Run) -> RowMapping:
    return one(ledger, documents, id=run.document)


def one(ledger: Ledger, table: Table, **where: Any) -> RowMapping:
    conditions = [table.c[name] == value for name, value in where.items()]
    return ledger.execute(select(table).where(*conditions)).mappings().one()


def count(ledger: Ledger, table: Table, **where: Any) -> int:
    conditions = [table.c[name] == value for name, value in where.items()]
    return ledger.execute(select(func.count()).select_from(table).where(*conditions)).scalar_one()


def rows_of(ledger: Ledger, table: Table) -> dict[str, RowMapping]:
    """id -> row."""
    return {row["id"]: row for row in ledger.execute(select(table)).mappings()}


def dirt(ledger: Ledger, table: Table) -> dict[str, int]:
    """id -> dirty."""
    return {i: row["dirty"] for i, row in rows_of(ledger, table).items()}


def states(ledger: Ledger, document: str) -> dict[str, ImageState]:
    """image id -> its state in the document."""
    rows = ledger.execute(states_of_images(shown_images(document=document)))
    return {image: ImageState(state) for image, state in rows}


def next_publish(ledger: Ledger, document: str) -> float | None:
    """When the first of a document's unpublished rows may be published; None where none waits."""
    placed = set(ledger.execute(select(placements.c.image).where(placements.c.document == document)).scalars())
    now = ledger.now()
    of_images = [row for i, row in rows_of(ledger, images).items() if i in placed]
    of_chunks = [row for row in rows_of(ledger, chunks).values() if row["document"] == document and row["embed"]]
    times = [
        max(row["publish_until"] or 0.0, row["publish_next"] or 0.0, now)
        for row in of_images + of_chunks
        if row["gone"] or (row["dirty"] > row["published"] and row["made"] > 0)
    ]
    return min(times, default=None)


def extracted(ledger: Ledger, *names: str, unreadable: Iterable[str] = (), **given: Any) -> Run:
    """Return the run of a document that shows these pictures, with all their items pending."""
    run = begin(ledger, **given)
    shown = extraction(*(placed(run, name) for name in names), unreadable=unreadable)
    stage_results.save_extraction(ledger, run, shown)
    return run


def complete(
    ledger: Ledger, *names: str, owner: str = "anna", content: str = "catalogue", hidden: Iterable[str] = ()
) -> Run:
    """Return the run of a completed document with these pictures, some unseen, and one chunk."""
    run = begin(ledger, owner=owner, content=content)
    unseen = (placed(run, name, 2, state=PlacementState.HIDDEN) for name in hidden)
    shown = extraction(*(placed(run, name) for name in names), *unseen)
    ingest(ledger, run, shown, chunked(run, f"About {content}."))
    return run


def delete(ledger: Ledger, document: str) -> bool:
    """Delete a document with all its steps; return whether its row is gone."""
    mark_deleting(ledger, document)
    delete_rows(ledger, document)
    publish_all(ledger)
    return finish_delete(ledger, document)
