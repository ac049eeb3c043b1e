"""A fake ingest: made-up results of stages, models that always answer, and an index that takes everything."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import RowMapping, Table, select

from swatchbook.errors import Failure
from swatchbook.ledger import items, publishing, runs, stages
from swatchbook.ledger.database import Ledger
from swatchbook.ledger.document_commands import delete_rows, finish_delete, mark_deleting
from swatchbook.ledger.documents import queue
from swatchbook.ledger.items import ClaimedItem, FailedItem
from swatchbook.ledger.publishing import DirtyRow
from swatchbook.ledger.runs import Busy, Run
from swatchbook.ledger.states import shown_images, states_of_images
from swatchbook.ledger.tables import chunks as chunk_rows
from swatchbook.ledger.tables import images, placements
from swatchbook.records import (
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
    RoleTag,
    Unreadable,
    chunk_id,
    image_id,
    placement_id,
    product_id,
    sha256,
    text_key,
)
from tests.ledger.scene import EVERYTHING, make


def key(name: str) -> str:
    """The content key of a picture known by this name."""
    return sha256(name.encode())


def image(name: str, owner: str = "anna") -> str:
    """The owner's image of the picture known by this name."""
    return image_id(owner, key(name))


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


def begin(
    ledger: Ledger,
    *,
    owner: str = "anna",
    content: str = "catalogue",
    requested: Sequence[RoleTag] = EVERYTHING,
    fingerprint: str = "f",
    force: bool = False,
) -> Run:
    """A live run at a document."""
    options = IngestOptions(force=force)
    file = f"{sha256(content.encode())}.pdf"
    known = queue(
        ledger,
        owner=owner,
        content=sha256(content.encode()),
        kind="pdf",
        name=f"{content}.pdf",
        file=file,
        size=1,
        options=options,
    )
    run = runs.begin(ledger, known.id, options=options, fingerprint=fingerprint, requested=requested)
    assert not isinstance(run, Busy)
    return run


def placed(run: Run, name: str, page: int = 1, **given: Any) -> Placement:
    """Return a placement of a picture on a page; `xref` tells several of one name and page apart."""
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
    section = _chunk(run, 0, "\n".join(texts) or "empty", pages, headings, embed=False)
    return Chunks(
        chunks=(section, *(_chunk(run, n + 1, text, pages, headings, embed=True) for n, text in enumerate(texts)))
    )


def _chunk(
    run: Run, ordinal: int, text: str, pages: tuple[int, ...], headings: tuple[str, ...], *, embed: bool
) -> Chunk:
    return Chunk(
        id=chunk_id(run.document, text_key(text), 0 if embed else 1),
        parent=None,
        ordinal=ordinal,
        kind="text" if embed else "section",
        text=text,
        text_key=text_key(text),
        headings=headings,
        pages=pages,
        embed=embed,
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


# --- working it off ---------------------------------------------------------------------------------------------------


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
    for batch in items.cut_batches(ledger, run, 20):
        for _ in range(2):  # understanding comes with the analysis
            lease = items.claim(ledger, run, batch.members)
            lost = {claimed: failure for claimed in lease.items if (failure := failing(claimed))}
            items.commit(
                ledger,
                lease,
                [make(claimed, text=text) for claimed in lease.items if claimed not in lost],
                [FailedItem(key=c.key, role=c.role, tag=c.tag, failure=failure) for c, failure in lost.items()],
                last_try=last_try,
                review_below=review_below,
            )
            items.release(ledger, lease)


def settle(
    ledger: Ledger, name: str, rows: Sequence[DirtyRow], *, refused: Mapping[str, Failure] | None = None
) -> None:
    """An index took all of these but the refused ones."""
    given = refused or {}
    publishing.record_publication(
        ledger,
        name,
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
    stages.save_chunks(ledger, run, text or Chunks(chunks=()))
    stages.save_extraction(ledger, run, found, review_below=review_below)
    make_all(ledger, run, review_below=review_below)
    publish_all(ledger)
    end(ledger, run)


def end(ledger: Ledger, run: Run) -> DocumentStatus:
    """Close the account, as stage 8 does."""
    from swatchbook.ledger.queries.account import next_status

    status, due_at = next_status(ledger, run.document)
    return runs.end(ledger, run, status, due_at=due_at)


def complete(ledger: Ledger, *names: str, owner: str = "anna", content: str = "catalogue") -> Run:
    """Return the run of a completed document with these pictures and one chunk."""
    run = begin(ledger, owner=owner, content=content)
    ingest(ledger, run, extraction(*(placed(run, name) for name in names)), chunked(run, f"About {content}."))
    return run


def delete(ledger: Ledger, document: str) -> bool:
    """Delete a document with all its steps; return whether its row is gone."""
    mark_deleting(ledger, document)
    delete_rows(ledger, document)
    publish_all(ledger)
    return finish_delete(ledger, document)


# --- looking ----------------------------------------------------------------------------------------------------------


def rows_of(ledger: Ledger, table: Table) -> dict[str, RowMapping]:
    """id -> row."""
    with ledger.read() as connection:
        return {row["id"]: row for row in connection.execute(select(table)).mappings()}


def dirt(ledger: Ledger, table: Table) -> dict[str, int]:
    """id -> dirty."""
    return {i: row["dirty"] for i, row in rows_of(ledger, table).items()}


def states(ledger: Ledger, document: str) -> dict[str, ImageState]:
    """image id -> its state in the document."""
    with ledger.read() as connection:
        rows = connection.execute(states_of_images(shown_images(document=document)))
        return {image: ImageState(state) for image, state in rows}


def next_publish(ledger: Ledger, document: str) -> float | None:
    """When the first of a document's unpublished rows may be published; None where none waits."""
    with ledger.read() as connection:
        placed = set(connection.execute(select(placements.c.image).where(placements.c.document == document)).scalars())
    now = ledger.now()
    of_images = [row for i, row in rows_of(ledger, images).items() if i in placed]
    of_chunks = [row for row in rows_of(ledger, chunk_rows).values() if row["document"] == document and row["embed"]]
    times = [
        max(row["publish_until"] or 0.0, row["publish_next"] or 0.0, now)
        for row in of_images + of_chunks
        if row["gone"] or (row["dirty"] > row["published"] and row["made"] > 0)
    ]
    return min(times, default=None)
