"""The ledger's side of filling a space: which documents have objects that it lacks, the run that makes them beside a
document's own run, and what that run has cost.
"""

from collections.abc import Collection, Sequence

from sqlalchemy import and_, func, select
from ulid import ULID

from swatchbook.errors import RunRevoked
from swatchbook.ledger.database import Ledger, select_in
from swatchbook.ledger.dead_runs import mark_dead
from swatchbook.ledger.image_text import queue_text_items
from swatchbook.ledger.requested import add_pending
from swatchbook.ledger.runs import Run, insert_run, require_live
from swatchbook.ledger.spaces import active_tags, lacking, objects_table, request_beside, settled
from swatchbook.ledger.tables import calls, chunks, contents, documents, images, placements, runs
from swatchbook.records import PIXEL_ROLES, DocumentStatus, PlacementState, Role, RoleTag


def documents_to_fill(ledger: Ledger, pairs: Collection[RoleTag]) -> list[str]:
    """Return the ids of the documents with objects that one of these spaces lacks and that can be made; oldest first.

    Objects of which the last try failed for good are left out; `swatchbook retry` queues them again.
    """
    found = set[str]()
    with ledger.read() as connection:
        active = active_tags(connection)
        for pair in pairs:
            rows = objects_table(pair.role)
            open_rows = select(rows.c.id).where(lacking(pair, active), ~settled(pair))
            if rows is chunks:
                query = select(chunks.c.document).where(chunks.c.id.in_(open_rows))
            else:
                shown = placements.c.state == PlacementState.SHOWN
                query = select(placements.c.document).where(placements.c.image.in_(open_rows), shown)
            found |= set(connection.execute(query.distinct()).scalars())
        deleting = documents.c.status == DocumentStatus.DELETING
        ordered = select(documents.c.id).where(~deleting).order_by(documents.c.created_at, documents.c.id)
        return [document for document in connection.execute(ordered).scalars() if document in found]


def begin_fill(
    ledger: Ledger,
    document: str,
    pairs: Sequence[RoleTag],
    *,
    fill: str,
    max_usd: float | None = None,
    flow_run: str | None = None,
) -> Run:
    """Begin a document's one fill run, and queue the items of these pairs that it lacks.

    `fill` names the whole fill, whose calls together may cost `max_usd`. The document's status, account and own run are
    not affected; `shard_runs.end` ends this one. Raises RunRevoked for a document that is being deleted, and while
    another process fills it.
    """
    mark_dead(ledger, document)
    others = select(runs.c.token).where(runs.c.document == document, runs.c.kind == "fill", runs.c.state == "live")
    kept = select(documents.c.id).where(documents.c.id == document, documents.c.status != DocumentStatus.DELETING)
    run = Run(token=str(ULID()), document=document, generation=fill, pairs=tuple(pairs), max_usd=max_usd)
    with ledger.write() as connection:
        if connection.execute(kept.with_for_update(read=True)).first() is None:
            raise RunRevoked(f"Document {document} was deleted.")
        if connection.execute(others).first() is not None:
            raise RunRevoked(f"Another process fills document {document} already.")
        insert_run(connection, run, flow_run, kind="fill")
    with ledger.write() as connection:
        require_live(connection, run)
        request_beside(connection, document, fill, pairs)
        shown = (placements.c.document == document, placements.c.state == PlacementState.SHOWN)
        of_images = select(images.c.id, images.c.content_key).join_from(placements, images).where(*shown).distinct()
        shown_images = {row.id: row.content_key for row in connection.execute(of_images)}
        stored = select(contents.c.key).where(contents.c.file.is_not(None))  # what could not be read has no file
        pictures = {row.key for row in select_in(connection, stored, contents.c.key, shown_images.values())}
        kept_chunks = and_(chunks.c.document == document, chunks.c.embed, ~chunks.c.gone)
        texts = set(connection.execute(select(chunks.c.text_key).where(kept_chunks)).scalars())
        add_pending(
            connection,
            [
                (key, pair.role, pair.tag)
                for pair in pairs
                for key in (pictures if pair.role in PIXEL_ROLES else texts if pair.role is Role.TEXT else ())
            ],
        )
        queue_text_items(connection, images.c.id, shown_images.keys())
    return run


def spent(ledger: Ledger, fill: str) -> float | None:
    """Return the US dollars that the calls of a fill have cost; None if the price of one is not known."""
    unpriced = (calls.c.state == "answered") & calls.c.cost_usd.is_(None)
    known = func.coalesce(func.sum(calls.c.cost_usd), 0.0)
    query = select(known, func.count().filter(unpriced)).where(calls.c.generation == fill)
    with ledger.read() as connection:
        cost, unknown = connection.execute(query).one()
    return None if unknown else float(cost)


def texts_to_make(ledger: Ledger, pair: RoleTag) -> list[str]:
    """Return the texts, each once, of the objects that a space of a text role lacks."""
    rows = objects_table(pair.role)
    key = chunks.c.text_key if rows is chunks else images.c.text_key
    with ledger.read() as connection:
        wanted = select(key).where(lacking(pair, active_tags(connection)), ~settled(pair))
        query = select(contents.c.text).where(contents.c.key.in_(wanted), contents.c.text.is_not(None))
        return list(connection.execute(query).scalars())
