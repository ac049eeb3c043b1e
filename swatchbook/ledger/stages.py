"""What the stages write: pages, chunks, pictures, products. One transaction each, in bulk, and idempotent.

A save replaces the document's rows of its table: rows that the stage no longer names go. Images and chunks that nothing
shows any more are marked `gone`, and publishing removes them; whoever shows them again clears the mark. What changes in
what is published raises `dirty`; an unchanged save raises nothing.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Table, delete, select, update

from swatchbook.errors import Policy
from swatchbook.ledger.bulk_rows import Values, delete_rows_by_key, insert_new_rows, lock_rows, upsert_rows
from swatchbook.ledger.database import Ledger, portions
from swatchbook.ledger.image_text import queue_text_items, write_texts
from swatchbook.ledger.requested import add_pending
from swatchbook.ledger.reviews import Analysed, in_use
from swatchbook.ledger.runs import Run, require_live
from swatchbook.ledger.tables import (
    analyses,
    chunks,
    contents,
    documents,
    entities,
    images,
    items,
    links,
    pages,
    placements,
    products,
    requested,
)
from swatchbook.ledger.visibility import hide_chunks, hide_images, mark_changed, mark_shown, reopen_documents_showing
from swatchbook.records import (
    PIXEL_ROLES,
    Analysis,
    Chunk,
    Chunks,
    Extraction,
    ItemState,
    Link,
    LinkKind,
    Picture,
    Placement,
    PlacementState,
    Plan,
    Product,
    Reading,
    Role,
    RoleTag,
    Unreadable,
    image_id,
)

_OF_PICTURES = PIXEL_ROLES | {Role.ANALYSIS}
"""Roles whose items are keyed by content key."""


# --- pages ------------------------------------------------------------------------------------------------------------


def save_pages(ledger: Ledger, run: Run, reading: Reading, plan: Plan) -> None:
    """Stages 1 and 3: every page with its kind, lost ones with the reason; and the file that says all of them.

    Raises RunRevoked.
    """
    planned = {p.number: p for p in plan.pages}
    lost = {p.page: p for p in reading.lost}
    rows = list[Values]()
    for number in range(1, reading.page_count + 1):
        page = planned.get(number)
        row: Values = {
            "document": run.document,
            "number": number,
            "generation": run.generation,
            "box": reading.page_boxes.get(number, (0, 0, 0, 0)),
            "kind": page.kind if page else "skipped",
            "reason": page.reason if page else "not planned",
            "failure_kind": None,
        }
        if number in lost:
            row |= {"kind": "lost", "reason": lost[number].message, "failure_kind": lost[number].kind}
        rows.append(row)
    with ledger.write() as connection:
        require_live(connection, run)
        upsert_rows(connection, pages, rows)
        connection.execute(delete(pages).where(pages.c.document == run.document, pages.c.number > reading.page_count))
        file = {"key": reading.pages_file[:64], "file": reading.pages_file, "unused_since": None}
        upsert_rows(connection, contents, [file])  # like a picture's: collected once no document names it any more
        read = {"page_count": reading.page_count, "pages_file": reading.pages_file}
        connection.execute(update(documents).where(documents.c.id == run.document).values(read))


# --- chunks and entities ----------------------------------------------------------------------------------------------


def save_chunks(ledger: Ledger, run: Run, found: Chunks) -> None:
    """Stage 4: chunks, their pending `text` items, and entities. Raises RunRevoked."""
    texts = {c.text_key: c.text for c in found.chunks if c.embed}
    with ledger.write() as connection:
        require_live(connection, run)
        upsert_rows(
            connection, contents, [{"key": key, "text": text, "unused_since": None} for key, text in texts.items()]
        )
        tags = [want.tag for want in _wants(connection, run) if want.role is Role.TEXT]
        add_pending(connection, [(key, Role.TEXT, tag) for key in texts for tag in tags])
        done = _done(connection, texts, {Role.TEXT})
        before = _rows(connection, chunks, run)
        rows = {chunk.id: _chunk_row(run, chunk) for chunk in found.chunks}
        upsert_rows(connection, chunks, list(rows.values()), new={"dirty": 0})
        embedded = {chunk.id: chunk.text_key for chunk in found.chunks if chunk.embed}
        anew = {i for i in embedded if i not in before or before[i].gone or not before[i].dirty}
        changed = {i for i in embedded if i in before and _says(before[i].record) != _says(rows[i]["record"])}
        mark_shown(connection, chunks, anew | changed, made={i for i in anew if embedded[i] in done})
        hide_chunks(connection, before.keys() - rows.keys())
        _replace(connection, entities, run, {e.id: {"record": e.model_dump(mode="json")} for e in found.entities})


def _chunk_row(run: Run, chunk: Chunk) -> Values:
    return {
        "id": chunk.id,
        "document": run.document,
        "generation": run.generation,
        "ordinal": chunk.ordinal,
        "text_key": chunk.text_key,
        "embed": chunk.embed,
        "record": chunk.model_dump(mode="json"),
    }


def _says(record: Mapping[str, Any]) -> tuple[Any, ...]:
    """What of a chunk is published and may change under its id."""
    return record["headings"], record["pages"]


# --- pictures ---------------------------------------------------------------------------------------------------------


def save_extraction(ledger: Ledger, run: Run, extraction: Extraction, *, review_below: float = 0.0) -> None:
    """Stage 5: contents, images, placements in reading order, and pending items; before any of them is made.

    An unreadable picture has an image whose items are rejected. One that is analysed already needs a review where its
    score is below `review_below` and none has settled it. Raises RunRevoked.
    """
    shown = {p.content_key for p in extraction.placements if p.state is PlacementState.SHOWN}
    unreadable = [u for u in extraction.unreadable if u.content_key in shown]
    readable = shown - {u.content_key for u in unreadable}
    with ledger.write() as connection:
        require_live(connection, run)
        asked = _wants(connection, run)
        of_pictures = [want for want in asked if want.role in _OF_PICTURES]
        upsert_rows(connection, contents, [_content_row(picture) for picture in extraction.pictures])
        insert_new_rows(connection, contents, [{"key": u.content_key} for u in unreadable])  # their items end with them
        add_pending(connection, [(key, w.role, w.tag) for key in sorted(readable) for w in of_pictures])
        _reject(connection, unreadable, of_pictures)
        _save_placements(connection, run, extraction, asked, review_below)
        _save_losses(connection, run, extraction)


def _save_placements(
    connection: Connection, run: Run, extraction: Extraction, asked: Sequence[RoleTag], review_below: float
) -> None:
    """Images and placements, and what they change for publishing."""
    owner = connection.execute(select(documents.c.owner).where(documents.c.id == run.document)).scalar_one()
    keys = {image_id(owner, p.content_key): p.content_key for p in extraction.placements}
    rows = {
        p.id: _placement_row(run, n, image_id(owner, p.content_key), p) for n, p in enumerate(extraction.placements)
    }
    shown = {row["image"] for row in rows.values() if row["state"] == PlacementState.SHOWN}
    insert_new_rows(connection, images, _image_rows(owner, keys, extraction.pictures))
    before = lock_rows(connection, images, keys)
    placed = _rows(connection, placements, run)
    upsert_rows(connection, placements, list(rows.values()))
    delete_rows_by_key(connection, placements, placed.keys() - rows.keys())

    # A rerun of a generation keeps the text in use: a newer analysis or a correction may have set it since.
    seen = {row.image for row in placed.values() if row.generation == run.generation}
    new = [before[i] for i in shown if i not in seen or not before[i].text_key]
    described = _describe(connection, new, asked, review_below)
    anew = described | {i for i in shown if before[i].gone or not before[i].dirty}
    done = _done(connection, {keys[i] for i in anew}, _OF_PICTURES)
    touched = _touched(placed, rows)
    mark_shown(connection, images, anew | (touched & shown), made={i for i in anew if keys[i] in done})
    dropped = {row.image for row in placed.values()} - keys.keys()
    hide_images(connection, (touched | dropped) - shown)
    queue_text_items(connection, images.c.id, shown)
    reopen_documents_showing(connection, described)


def _describe(
    connection: Connection, shown: Sequence[Row[Any]], asked: Sequence[RoleTag], review_below: float
) -> set[str]:
    """Let images that were analysed already say what the wanted analysis, or a review of it, has said.

    Returns those with another text now.
    """
    tags = [want.tag for want in asked if want.role is Role.ANALYSIS]
    analysed = {
        row.key: Analysed(row.tag, Analysis.model_validate(row.record), row.text_key)
        for portion in portions(sorted({image.content_key for image in shown}))
        for row in connection.execute(select(analyses).where(analyses.c.key.in_(portion), analyses.c.tag.in_(tags)))
    }
    used = in_use(connection, analysed, review_below)
    known = [(image, used[image.content_key]) for image in shown if image.content_key in used]
    write_texts(connection, images.c.id, {image.id: (image.content_key, said) for image, said in known})
    return {image.id for image, said in known if image.text_key != said.text_key}


def _image_rows(owner: str, keys: Mapping[str, str], pictures: Iterable[Picture]) -> list[Values]:
    """Images as they are before anything shows them; one that cannot be read has no size."""
    sizes = {p.content_key: {"width": p.width, "height": p.height} for p in pictures}
    unknown = {"width": None, "height": None}
    return [
        {"id": image, "owner": owner, "content_key": key, "dirty": 0} | sizes.get(key, unknown)
        for image, key in keys.items()
    ]


def _touched(placed: Mapping[str, Row[Any]], rows: Mapping[str, Values]) -> set[str]:
    """Images that are published otherwise than before, because of the placements that show them."""

    def shown(image: str, state: str, page: int, caption: str | None, nearby: str | None) -> tuple[Any, ...] | None:
        return (image, page, caption, nearby) if state == PlacementState.SHOWN else None

    old = {r.id: shown(r.image, r.state, r.page, r.caption, r.nearby_text) for r in placed.values()}
    new = {i: shown(r["image"], r["state"], r["page"], r["caption"], r["nearby_text"]) for i, r in rows.items()}
    changed = [(old.get(i), new.get(i)) for i in old.keys() | new.keys() if old.get(i) != new.get(i)]
    return {payload[0] for pair in changed for payload in pair if payload}


def _content_row(picture: Picture) -> Values:
    row = picture.model_dump(include={"file", "width", "height", "mode", "phash"})
    return {"key": picture.content_key, **row, "unused_since": None}


def _placement_row(run: Run, ordinal: int, image: str, placement: Placement) -> Values:
    row = placement.model_dump(mode="json", exclude={"content_key"})
    return row | {"document": run.document, "generation": run.generation, "image": image, "ordinal": ordinal}


def _reject(connection: Connection, unreadable: Iterable[Unreadable], asked: Sequence[RoleTag]) -> None:
    """Their items are settled before anything was tried: there are no pixels."""
    rows = [
        {
            "key": u.content_key,
            "role": want.role,
            "tag": want.tag,
            "state": ItemState.REJECTED,
            "failure": {"kind": u.kind, "policy": Policy.NEVER.value, "message": u.message},
        }
        for u in unreadable
        for want in asked
    ]
    upsert_rows(connection, items, rows)


def _save_losses(connection: Connection, run: Run, extraction: Extraction) -> None:
    """Pages whose pictures were lost keep their kind and say why."""
    for lost in extraction.lost:
        connection.execute(
            update(pages)
            .where(pages.c.document == run.document, pages.c.number == lost.page)
            .values(reason=lost.message, failure_kind=lost.kind)
        )


# --- products and links -----------------------------------------------------------------------------------------------


def save_assembly(ledger: Ledger, run: Run, found: Sequence[Product], linked: Sequence[Link]) -> None:
    """Stage 7: products and links; what they change is published again. Raises RunRevoked."""
    with ledger.write() as connection:
        require_live(connection, run)
        before = {i: row.record for i, row in _rows(connection, products, run).items()}
        records = {p.id: p.model_dump(mode="json") for p in found}
        said = ("name", "category", "metadata")
        changed = {
            i
            for i in before.keys() | records.keys()
            if i not in before or i not in records or any(before[i][part] != records[i][part] for part in said)
        }
        old = {(r.kind, r.source, r.target) for r in connection.execute(_links_of(run))}
        new = {(link.kind.value, link.source, link.target): link for link in linked}
        moved = old ^ new.keys() | {link for link in old | new.keys() if link[2] in changed}
        _replace(connection, products, run, {i: {"name": r["name"], "record": r} for i, r in records.items()})
        upsert_rows(connection, links, [_link_row(run, link) for link in new.values()])
        delete_rows_by_key(connection, links, [(run.document, *link) for link in old - new.keys()])

        sources = {kind: {source for k, source, _ in moved if k == kind} for kind in LinkKind}
        mark_changed(connection, images, _images_of(connection, run, sources[LinkKind.IMAGE_PRODUCT]))
        mark_changed(connection, chunks, sources[LinkKind.CHUNK_PRODUCT])


def _links_of(run: Run) -> Any:
    return select(links.c.kind, links.c.source, links.c.target).where(links.c.document == run.document)


def _link_row(run: Run, link: Link) -> Values:
    return {"document": run.document, "generation": run.generation, **link.model_dump(mode="json")}


def _images_of(connection: Connection, run: Run, sources: Collection[str]) -> set[str]:
    """Images of the document's placements with these ids."""
    if not sources:
        return set()
    found = connection.execute(select(placements.c.id, placements.c.image).where(placements.c.document == run.document))
    return {row.image for row in found if row.id in sources}


# --- shared -----------------------------------------------------------------------------------------------------------


def _wants(connection: Connection, run: Run) -> list[RoleTag]:
    asked = select(requested.c.role, requested.c.tag).where(requested.c.document == run.document)
    return [RoleTag(role=Role(row.role), tag=row.tag) for row in connection.execute(asked)]


def _rows(connection: Connection, table: Table, run: Run) -> dict[str, Row[Any]]:
    """The document's rows by id, locked against other writers."""
    found = select(table).where(table.c.document == run.document).with_for_update()
    return {row.id: row for row in connection.execute(found)}


def _replace(connection: Connection, table: Table, run: Run, rows: Mapping[str, Values]) -> None:
    """The document's rows of a table, in order; others of it go."""
    before = connection.execute(select(table.c.id).where(table.c.document == run.document)).scalars().all()
    common = {"document": run.document, "generation": run.generation}
    upsert_rows(
        connection, table, [{"id": i, **common, "ordinal": n, **row} for n, (i, row) in enumerate(rows.items())]
    )
    delete_rows_by_key(connection, table, set(before) - rows.keys())


def _done(connection: Connection, keys: Collection[str], roles: Collection[Role]) -> set[str]:
    """Those of the keys of which something is made already: it waits to be published for whoever shows them now."""
    return {
        key
        for portion in portions(sorted(keys))
        for key in connection.execute(
            select(items.c.key)
            .where(items.c.key.in_(portion), items.c.role.in_(roles), items.c.state == ItemState.DONE)
            .distinct()
        ).scalars()
    }
