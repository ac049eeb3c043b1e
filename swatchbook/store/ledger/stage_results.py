"""Save the results of stages, each in one transaction that can be repeated.

A save replaces the document's rows of its tables; rows that are not in the result are deleted. Images and chunks that
no document shows any more are marked `gone` until publishing has removed them. Changes of what is published raise
`dirty`; saving an unchanged result raises nothing.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, select, update

from swatchbook.domain.errors import Policy
from swatchbook.domain.records import (
    COUNTED,
    PIXEL_ROLES,
    Chunk,
    Chunks,
    Extraction,
    ItemState,
    Picture,
    Plan,
    Reading,
    Role,
    RoleTag,
    Unreadable,
    image_id,
)
from swatchbook.store.ledger import page_findings
from swatchbook.store.ledger.bulk_rows import (
    Values,
    insert_new_rows,
    lock_document_rows,
    upsert_rows,
)
from swatchbook.store.ledger.database import Ledger, execute_in, select_in
from swatchbook.store.ledger.dirty import NEVER_SHOWN, hide_chunks, hide_images, mark_shown, reopen_documents_showing
from swatchbook.store.ledger.image_text import analyses_in_use, queue_text_items, write_texts
from swatchbook.store.ledger.item_tries import NO_LEASE, failure_outcome, record_failures
from swatchbook.store.ledger.owners import seed_of
from swatchbook.store.ledger.requested import add_pending
from swatchbook.store.ledger.runs import Run, writing
from swatchbook.store.ledger.stored_documents import change_document
from swatchbook.store.ledger.tables import chunks, contents, documents, images, items, pages, placements, requested

KEYED_BY_CONTENT = PIXEL_ROLES | {Role.ANALYSIS}
"""Roles whose items are keyed by content key."""


# --- pages ------------------------------------------------------------------------------------------------------------


def save_pages(ledger: Ledger, run: Run, reading: Reading, plan: Plan) -> None:
    """Save stages 1 and 3: each page with its kind, lost pages with their reason, and the key of the pages file.

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
            "label": page.label if page else None,
            "generation": run.generation,
            "box": reading.page_boxes.get(number, (0, 0, 0, 0)),
            "kind": page.kind if page else "skipped",
            "reason": page.reason if page else "not planned",
            "failure_kind": None,
            "pictures": [picture.model_dump(mode="json") for picture in page.pictures] if page else [],
        }
        if number in lost:
            row |= {"reason": lost[number].message, "failure_kind": lost[number].kind}
            row |= {} if number in reading.page_boxes else {"kind": "lost"}  # else it lost its printed text only
        rows.append(row)
    with writing(ledger, run) as connection:
        upsert_rows(connection, pages, rows)
        connection.execute(delete(pages).where(pages.c.document == run.document, pages.c.number > reading.page_count))
        file = {"key": reading.pages_file[:64], "file": reading.pages_file, "unused_since": None}
        upsert_rows(connection, contents, [file])  # so that it is collected once no document names it
        read = {"page_count": reading.page_count, "pages_file": reading.pages_file}
        change_document(connection, run.document, **read)


def save_sizes(ledger: Ledger, run: Run, stored: Mapping[str, str], sizes: Mapping[str, int]) -> None:
    """Save the bytes of files that stages have stored, unless they are known. `stored`: content key -> key of its file;
    `sizes`: key of a file -> bytes. Raises RunRevoked.
    """
    rows = [{"of": key, "stored": file, "bytes": sizes[file]} for key, file in stored.items() if file in sizes]
    if not rows:
        return
    # found by its content key: no index has the files, and looking through all contents for each is quadratic
    this = (contents.c.key == bindparam("of"), contents.c.file == bindparam("stored"), contents.c.size.is_(None))
    with writing(ledger, run) as connection:
        connection.execute(update(contents).where(*this).values(size=bindparam("bytes")), rows)


# --- chunks and entities ----------------------------------------------------------------------------------------------


def save_chunks(ledger: Ledger, run: Run, result: Chunks) -> None:
    """Save stage 4: chunks, their pending `text` items, and entities. Raises RunRevoked."""
    with writing(ledger, run) as connection:
        replace_chunks(connection, run, result.chunks, lock_document_rows(connection, chunks, run.document))
        of_document, by_page = pages.c.document == run.document, defaultdict[int, list[Any]](list)
        for entity in result.entities:
            by_page[entity.page].append(entity.model_dump(mode="json"))
        connection.execute(update(pages).where(of_document).values(entities=None))
        for number, found in by_page.items():
            connection.execute(update(pages).where(of_document, pages.c.number == number).values(entities=found))


def replace_chunks(connection: Connection, run: Run, new: Sequence[Chunk], before: Mapping[str, Row[Any]]) -> None:
    """Save chunks instead of those that there were `before` (by id), and queue their items."""
    texts = {c.text_key: c.text for c in new if c.embed}
    upsert_rows(connection, contents, [{"key": key, "text": text, "unused_since": None} for key, text in texts.items()])
    tags = [pair.tag for pair in _requested_pairs(connection, run) if pair.role is Role.TEXT]
    add_pending(connection, [(key, Role.TEXT, tag) for key in texts for tag in tags])
    done = with_done_item(connection, texts, {Role.TEXT})
    rows = {chunk.id: _chunk_row(run, chunk) for chunk in new}
    upsert_rows(connection, chunks, list(rows.values()), new=NEVER_SHOWN)
    embedded = {chunk.id: chunk.text_key for chunk in new if chunk.embed}
    added = {i for i in embedded if i not in before or before[i].gone or not before[i].dirty}
    changed = {i for i in embedded if i in before and _payload(before[i].record) != _payload(rows[i]["record"])}
    mark_shown(connection, chunks, added | changed, made={i for i in added if embedded[i] in done})
    hide_chunks(connection, before.keys() - rows.keys())


def _chunk_row(run: Run, chunk: Chunk) -> Values:
    of = {"document": run.document, "generation": run.generation, "record": chunk.model_dump(mode="json")}
    return of | {name: getattr(chunk, name) for name in ("id", "ordinal", "text_key", "embed")}


def _payload(record: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what is published of a chunk and may change while its id stays."""
    return record["headings"], record["pages"]


# --- pictures ---------------------------------------------------------------------------------------------------------


def save_extraction(ledger: Ledger, run: Run, extraction: Extraction, *, review_below: float = 0.0) -> None:
    """Save the first half of stage 5: contents, images, placements in reading order, pending items, lost pictures.

    The items of unreadable pictures are rejected. A picture that is analysed already needs a review where its score is
    below `review_below` and no review has settled it. Raises RunRevoked.
    """
    with writing(ledger, run) as connection:
        placed = lock_document_rows(connection, placements, run.document)
        replace_pictures(
            connection, run, extraction, placed=placed, ordinals=range(len(extraction.placements)),
            review_below=review_below,
        )  # fmt: skip
        page_findings.write_page_failures(connection, run.document, extraction.lost)
        page_findings.save_lost_pictures(connection, run.document, extraction.lost_pictures)


def replace_pictures(
    connection: Connection,
    run: Run,
    extraction: Extraction,
    *,
    placed: Mapping[str, Row[Any]],
    ordinals: Sequence[int],
    review_below: float,
) -> None:
    """Save pictures with their placements instead of those that were `placed` before, and queue their items.

    `ordinals`: place of each placement in the reading order of the document. A picture of which there is only a
    placement is known already.
    """
    shown = {p.content_key for p in extraction.placements if p.state in COUNTED}
    unreadable = [u for u in extraction.unreadable if u.content_key in shown]
    readable = shown - {u.content_key for u in unreadable}
    pairs = _requested_pairs(connection, run)
    of_pictures = [pair for pair in pairs if pair.role in KEYED_BY_CONTENT]
    for has_hash in (True, False):  # without one, the hash that embedding has stored stays
        pictures = [picture for picture in extraction.pictures if bool(picture.phash) is has_hash]
        upsert_rows(connection, contents, [_content_row(picture) for picture in pictures])
    insert_new_rows(connection, contents, [{"key": u.content_key} for u in unreadable])  # collected like others
    add_pending(connection, [(key, p.role, p.tag) for key in sorted(readable) for p in of_pictures])
    _reject(connection, [u for u in unreadable if not u.passes], of_pictures)
    _let_wait(connection, run, [u for u in unreadable if u.passes], of_pictures)
    _save_placements(connection, run, extraction, placed, ordinals, pairs, review_below)


def _save_placements(
    connection: Connection,
    run: Run,
    extraction: Extraction,
    placed: Mapping[str, Row[Any]],
    ordinals: Sequence[int],
    pairs: Sequence[RoleTag],
    review_below: float,
) -> None:
    """Save images and placements, and mark what they change for publishing."""
    owner = connection.execute(select(documents.c.owner).where(documents.c.id == run.document)).scalar_one()
    seed = seed_of(connection, owner)
    ids = {p.content_key: image_id(seed, p.content_key) for p in extraction.placements}
    keys = {image: key for key, image in ids.items()}
    of = {"document": run.document, "generation": run.generation}
    rows: dict[str, Values] = {
        p.id: p.model_dump(mode="json", exclude={"content_key"}) | of | {"image": ids[p.content_key], "ordinal": n}
        for n, p in zip(ordinals, extraction.placements, strict=True)
    }
    shown = {row["image"] for row in rows.values() if row["state"] in COUNTED}
    insert_new_rows(connection, images, _image_rows(owner, keys, extraction.pictures))
    before = {row.id: row for row in select_in(connection, select(images).with_for_update(), images.c.id, keys)}
    upsert_rows(connection, placements, list(rows.values()))
    execute_in(connection, delete(placements), placements.c.id, placed.keys() - rows.keys())

    # A rerun of a generation keeps the text in use: a newer analysis or a correction may have set it meanwhile.
    shown_before = {row.image for row in placed.values() if row.generation == run.generation}
    new = [before[i] for i in shown if i not in shown_before or not before[i].text_key]
    tags = [pair.tag for pair in pairs if pair.role is Role.ANALYSIS]
    in_use = {used.image: used for used in analyses_in_use(connection, [image.id for image in new], tags)}
    write_texts(connection, in_use.values(), review_below)
    described = {image.id for image in new if image.id in in_use and image.text_key != in_use[image.id].text_key}
    added = described | {i for i in shown if before[i].gone or not before[i].dirty}
    done = with_done_item(connection, {keys[i] for i in added}, KEYED_BY_CONTENT)
    changed = _images_with_changed_placements(placed, rows)
    mark_shown(connection, images, added | (changed & shown), made={i for i in added if keys[i] in done})
    dropped = {row.image for row in placed.values()} - keys.keys()
    hide_images(connection, (changed | dropped) - shown)
    queue_text_items(connection, images.c.id, shown)
    reopen_documents_showing(connection, described)


def _image_rows(owner: str, keys: Mapping[str, str], pictures: Iterable[Picture]) -> list[Values]:
    """Return rows of images that were never shown; an unreadable one has no size."""
    sizes = {p.content_key: {"width": p.width, "height": p.height} for p in pictures}
    unknown = {"width": None, "height": None}
    return [
        {"id": image, "owner": owner, "content_key": key, **NEVER_SHOWN} | sizes.get(key, unknown)
        for image, key in keys.items()
    ]


def _images_with_changed_placements(placed: Mapping[str, Row[Any]], rows: Mapping[str, Values]) -> set[str]:
    """Return the images whose payload changes with the placements that show them."""

    def shown(image: str, state: str, page: int, caption: str | None, nearby: str | None) -> tuple[Any, ...] | None:
        return (image, page, caption, nearby) if state in COUNTED else None

    old = {r.id: shown(r.image, r.state, r.page, r.caption, r.nearby_text) for r in placed.values()}
    new = {i: shown(r["image"], r["state"], r["page"], r["caption"], r["nearby_text"]) for i, r in rows.items()}
    changed = [(old.get(i), new.get(i)) for i in old.keys() | new.keys() if old.get(i) != new.get(i)]
    return {payload[0] for pair in changed for payload in pair if payload}


def _content_row(picture: Picture) -> Values:
    row = picture.model_dump(include={"file", "width", "height", "mode"})
    return {"key": picture.content_key, "unused_since": None, **row, **({"phash": h} if (h := picture.phash) else {})}


def _reject(connection: Connection, unreadable: Iterable[Unreadable], pairs: Sequence[RoleTag]) -> None:
    """Set the items of unreadable pictures rejected, whatever they were: there is nothing to try again."""
    rows = [
        {
            "key": u.content_key, "role": pair.role, "tag": pair.tag, "state": ItemState.REJECTED, "attempts": 0,
            "failure": {"kind": u.kind, "policy": Policy.NEVER.value, "message": u.message}, "next_retry_at": None,
            **dict.fromkeys(NO_LEASE),
        }
        for u in unreadable
        for pair in pairs
    ]  # fmt: skip
    upsert_rows(connection, items, rows)


def _let_wait(connection: Connection, run: Run, unreadable: Sequence[Unreadable], pairs: Sequence[RoleTag]) -> None:
    """Count a failed try of pictures that may be read later, so that they are due again after a pause."""
    tried = [(u, (u.content_key, pair.role.value, pair.tag)) for u in unreadable for pair in pairs]
    add_pending(connection, [item for _, item in tried])
    query = select(items.c.key, items.c.role, items.c.tag, items.c.runs)
    rows = select_in(connection, query, items.c.key, {u.content_key for u in unreadable})
    runs = {(key, role, tag): count for key, role, tag, count in rows}
    outcomes = [
        failure_outcome(
            item, {"kind": u.kind, "policy": Policy.BACKOFF.value, "message": u.message}, runs=runs[item], last_try=True
        )
        | {"to_refund": -1}  # no claim has counted the attempt
        for u, item in tried
    ]
    record_failures(connection, outcomes, document=run.document, run=run.token)


# --- shared -----------------------------------------------------------------------------------------------------------


def _requested_pairs(connection: Connection, run: Run) -> list[RoleTag]:
    query = select(requested.c.role, requested.c.tag).where(requested.c.document == run.document)
    return [RoleTag(role=Role(row.role), tag=row.tag) for row in connection.execute(query)]


def with_done_item(connection: Connection, keys: Iterable[str], roles: Collection[Role]) -> set[str]:
    """Return those of the keys that have a done item of these roles: what has it can be published at once."""
    done = select(items.c.key).where(items.c.role.in_(roles), items.c.state == ItemState.DONE).distinct()
    return {row.key for row in select_in(connection, done, items.c.key, keys)}
