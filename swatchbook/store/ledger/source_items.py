"""Read, save, remove and count the items of a folder in the ledger.

New and changed items are saved with product, pictures and links, a portion in one transaction. For each known item it
stores how its files were found last; `ingest/scan.py` decides from this whether the item is unchanged.

An item that can be read is a product, whatever becomes of its pictures: it has all of them, some, or none.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Select, and_, case, delete, exists, false, func, select, update

from swatchbook.domain.records import (
    Extraction,
    ImageState,
    ItemCounts,
    LinkKind,
    ReadItem,
    SourceItem,
    SourcePicture,
    Stamp,
    place_of_item,
)
from swatchbook.store.ledger.bulk_rows import Values, upsert_rows
from swatchbook.store.ledger.database import Ledger, execute_in, select_in
from swatchbook.store.ledger.dirty import hide_chunks, hide_images
from swatchbook.store.ledger.edited_products import delete_links, replace_products
from swatchbook.store.ledger.image_states import shown_images, states_of_images
from swatchbook.store.ledger.product_codes import replace_codes
from swatchbook.store.ledger.runs import Run, writing
from swatchbook.store.ledger.stage_results import replace_chunks, replace_pictures
from swatchbook.store.ledger.stored_documents import FOLDER
from swatchbook.store.ledger.tables import chunks, documents, images, links, placements, products, source_items

MAX_PICTURES = 1_000
"""Pictures of one item: the places of an item in the reading order of its document begin at this times its number."""

_PORTION = 500
"""Items that are read or removed together."""

_FIELDS = [source_items.c[field.name] for field in fields(SourceItem)]


def known_items(ledger: Ledger, document: str, keys: Collection[str]) -> dict[str, SourceItem]:
    """Return key -> item, of those of a document that are known."""
    query = select(*_FIELDS).where(source_items.c.document == document)
    items = (_read(row) for row in select_in(ledger, query, source_items.c.key, keys))
    return {item.key: item for item in items}


def known_stamps(
    ledger: Ledger, document: str, generation: str, keys: Collection[str]
) -> Iterator[tuple[str, Mapping[str, int]]]:
    """Yield (key, fields of the Stamp) of those items of a document that a generation has read, each with one picture,
    and no sidecar.

    Without an object for each, as there may be 100,000.
    """
    query = select(source_items.c.key, source_items.c.pictures).where(
        source_items.c.document == document, source_items.c.generation == generation, source_items.c.kind.is_(None)
    )
    for key, pictures in select_in(ledger, query, source_items.c.key, keys):
        if len(pictures) == 1 and pictures[0]["stamp"] and not pictures[0].get("described"):
            yield key, pictures[0]["stamp"]


def count_known(ledger: Ledger, document: str, *, gone: bool) -> int:
    """Count the known items of a document that were in its source when it was read last; `gone`: the others, too."""
    known = select(func.count()).where(source_items.c.document == document)
    return ledger.execute(known if gone else known.where(~source_items.c.gone)).scalar_one()


def next_number(ledger: Ledger, document: str) -> int:
    """Return the number of the next new item of a document, from 0."""
    last = select(func.max(source_items.c.number)).where(source_items.c.document == document)
    number = ledger.execute(last).scalar_one()
    return 0 if number is None else number + 1


def mark_seen(ledger: Ledger, run: Run, keys: Collection[str], scan: str) -> None:
    """Record that a scan found these items unchanged. Raises RunRevoked."""
    if not keys:
        return
    found = update(source_items).where(source_items.c.document == run.document).values(seen=scan, gone=False)
    with writing(ledger, run) as connection:
        execute_in(connection, found, source_items.c.key, keys)


def save_items(ledger: Ledger, run: Run, read: Sequence[ReadItem], scan: str, *, review_below: float = 0.0) -> None:
    """Save new and changed items of a scan: pictures, placements, pending items, products and links.

    What the same items had before is replaced. Vectors that the source has already are taken over. Raises RunRevoked.
    """
    if not read:
        return
    keys = [each.source.key for each in read]
    with writing(ledger, run) as connection:
        before, said, old_links, sources = _parts_of(connection, run, keys)
        query = select(placements).where(placements.c.document == run.document)
        placed = {row.id: row for row in select_in(connection, query, placements.c.id, sources)}
        extractions = [each.extraction for each in read]
        replace_pictures(
            connection,
            run,
            Extraction(
                pictures=tuple(picture for part in extractions for picture in part.pictures),
                placements=tuple(placement for part in extractions for placement in part.placements),
                unreadable=tuple(unreadable for part in extractions for unreadable in part.unreadable),
            ),
            placed=placed,
            ordinals=[
                each.source.number * MAX_PICTURES + place
                for each in read
                for place in range(len(each.extraction.placements))
            ],
            review_below=review_below,
        )
        replace_chunks(connection, run, [each.chunk for each in read if each.chunk], said)
        replace_products(
            connection,
            run.document,
            run.generation,
            {each.source.number: each.product for each in read if each.product},
            [link for each in read for link in each.links],
            before=before,
            old=old_links,
        )
        rows = [_row(each.source) | {"document": run.document, "seen": scan, "gone": False} for each in read]
        upsert_rows(connection, source_items, rows)
        if given := {key: vector for each in read for key, vector in each.vectors.items()}:
            from swatchbook.store.ledger.claims import (
                take_over,  # imports numpy, which an unchanged folder does not need
            )

            take_over(connection, given)


def unseen_items(ledger: Ledger, document: str, scan: str) -> Iterator[tuple[SourceItem, ...]]:
    """Yield the known items that a scan has not found, in portions and in order. They may be removed meanwhile."""
    last = -1
    while True:
        query = (
            select(*_FIELDS)
            .where(source_items.c.document == document, source_items.c.seen != scan, source_items.c.number > last)
            .order_by(source_items.c.number)
            .limit(_PORTION)
        )
        portion = tuple(_read(row) for row in ledger.execute(query))
        if not portion:
            return
        yield portion
        last = portion[-1].number


def content_keys_seen(ledger: Ledger, document: str, scan: str, keys: Collection[str]) -> set[str]:
    """Return those of the content keys that an item shows which the scan has found."""
    query = (
        select(images.c.content_key)
        .join_from(images, placements, placements.c.image == images.c.id)
        .join(links, links.c.source == placements.c.id)
        .join(source_items, source_items.c.product == links.c.target)
        .where(placements.c.document == document, source_items.c.document == document, source_items.c.seen == scan)
        .distinct()
    )
    return {row.content_key for row in select_in(ledger, query, images.c.content_key, keys)}


def mark_gone(ledger: Ledger, run: Run, keys: Collection[str]) -> None:
    """Record that items are no longer in their source; what they have made stays. Raises RunRevoked."""
    left = update(source_items).where(source_items.c.document == run.document, ~source_items.c.gone)
    with writing(ledger, run) as connection:
        execute_in(connection, left.values(gone=True), source_items.c.key, keys)


def remove_items(ledger: Ledger, run: Run, keys: Collection[str]) -> None:
    """Remove items with their products, placements and links; publishing removes images that nothing shows any more.

    Raises RunRevoked.
    """
    with writing(ledger, run) as connection:
        removed, said, old_links, sources = _parts_of(connection, run, keys)
        query = select(placements.c.id, placements.c.image)
        shown = {row.image for row in select_in(connection, query, placements.c.id, sources)}
        delete_links(connection, run.document, old_links)
        execute_in(connection, delete(placements), placements.c.id, sources)
        execute_in(connection, delete(products), products.c.id, removed)
        replace_codes(connection, run.document, removed, {})
        of_document = delete(source_items).where(source_items.c.document == run.document)
        execute_in(connection, of_document, source_items.c.key, keys)
        hide_images(connection, shown)
        hide_chunks(connection, said)


def forget_stamps(ledger: Ledger, document: str) -> None:
    """Let the next scan read all files of a document again, because stored copies of them are lost."""
    with ledger.write() as connection:
        connection.execute(update(source_items).where(source_items.c.document == document).values(pictures=[]))


def _read(row: Row[Any]) -> SourceItem:
    item, key, number, generation, digest, product, pictures, kind, message = row
    shown = tuple(map(_read_picture, pictures))
    return SourceItem(item, key, number, generation, digest, product, shown, kind, message)


def _row(item: SourceItem) -> Values:
    return {column.name: getattr(item, column.name) for column in _FIELDS} | {"pictures": [*map(asdict, item.pictures)]}


def _read_picture(stored: Mapping[str, Any]) -> SourcePicture:
    stamp = stored["stamp"]
    described = stored.get("described", False)  # not there in rows of earlier versions
    return SourcePicture(stored["path"], Stamp(**stamp) if stamp else None, stored["content_key"], described)


class _Parts(NamedTuple):
    """What items have made. `texts`: rows, locked; `links`: (kind, source, target); `sources`: placements and texts."""

    products: dict[str, dict[str, object]]
    texts: dict[str, Row[Any]]
    links: set[tuple[str, str, str]]
    sources: set[str]


def _parts_of(connection: Connection, run: Run, keys: Collection[str]) -> _Parts:
    """Return what these items have made. The placements of an item without a product have no link."""
    query = select(source_items.c.item, source_items.c.product, source_items.c.pictures)
    items = select_in(connection, query.where(source_items.c.document == run.document), source_items.c.key, keys)
    stored = select(products.c.id, products.c.record)
    of_items = select_in(connection, stored, products.c.id, {row.product for row in items if row.product})
    records = {row.id: row.record for row in of_items}
    of_texts = select(links.c.source).where(links.c.kind == LinkKind.CHUNK_PRODUCT)
    said = {row.source for row in select_in(connection, of_texts, links.c.target, records)}
    texts = {row.id: row for row in select_in(connection, select(chunks).with_for_update(), chunks.c.id, said)}
    ends = select(links.c.kind, links.c.source, links.c.target).where(links.c.document == run.document)
    linked = {
        (row.kind, row.source, row.target) for row in select_in(connection, ends, links.c.target, {*records, *texts})
    }
    places = {place_of_item(run.document, row.item, picture["path"]) for row in items for picture in row.pictures}
    return _Parts(records, texts, linked, places | {source for _, source, _ in linked})


# --- items by state ---------------------------------------------------------------------------------------------------


MAX_INCOMPLETE_IDS = 1_000
"""Incomplete items that a report names; `incomplete_ids` returns all of them."""

_COMPLETE, _PARTIAL, _BARE, _FAILED, _PENDING = range(5)
_LACKING = (_PARTIAL, _BARE, _FAILED)


def complete_items(ledger: Ledger, document: str) -> bytes:
    """Return a byte for each item of a document, by its number: 1 if it is complete, else 0.

    Bytes, because there may be 100,000 items. The numbers of later items are beyond the end.
    """
    states = _states(document, gone=True).subquery("item_states")
    complete = select(states.c.number).where(states.c.state == _COMPLETE)
    found = bytearray(next_number(ledger, document))
    for row in ledger.execute(complete):
        found[row.number] = 1
    return bytes(found)


def count_items(ledger: Ledger, document: str, *, skipped: int | None = None, all_complete: bool = False) -> ItemCounts:
    """Count the items of a document by state. `skipped`: complete ones that needed nothing; None: none of them did.

    `all_complete`: all images of the document are known to be complete: of 100,000, looking again takes seconds.
    """
    states = (_states_without_images(document) if all_complete else _states(document)).subquery("item_states")
    gone = select(func.count()).where(source_items.c.document == document, source_items.c.gone)
    with ledger.read() as connection:
        by_state = dict(
            connection.execute(select(states.c.state, func.count()).group_by(states.c.state)).tuples().all()
        )
        left = connection.execute(gone).scalar_one()
    complete = by_state.get(_COMPLETE, 0)
    skipped = complete if skipped is None else min(skipped, complete)
    return ItemCounts(
        total_items=sum(by_state.values()),
        processed_items=complete - skipped,
        skipped_items=skipped,
        partial_items=by_state.get(_PARTIAL, 0),
        bare_items=by_state.get(_BARE, 0),
        failed_items=by_state.get(_FAILED, 0),
        pending_items=by_state.get(_PENDING, 0),
        left_items=left,
        incomplete_ids=(
            tuple(incomplete_ids(ledger, document, MAX_INCOMPLETE_IDS)) if by_state.keys() & {*_LACKING} else ()
        ),
    )


def incomplete_ids(ledger: Ledger, document: str, limit: int | None = None) -> list[str]:
    """Return the items of a document that are failed, partial or bare, in the order of the source."""
    states = _states(document).subquery("item_states")
    query = select(states.c.item).where(states.c.state.in_(_LACKING)).order_by(states.c.number).limit(limit)
    return list(ledger.execute(query).scalars())


def _states_without_images(document: str) -> Select[tuple[int]]:
    """Return the state of each item that is in its source, where every image is complete."""
    shows = exists().where(links.c.target == source_items.c.product, links.c.kind == LinkKind.IMAGE_PRODUCT)
    state = case((source_items.c.product.is_(None), _FAILED), (~shows, _BARE), else_=_COMPLETE)
    return select(state.label("state")).where(source_items.c.document == document, ~source_items.c.gone)


def _states(document: str, *, gone: bool = False) -> Select[tuple[str, int, int]]:
    """Return (item, number, state) of the items that are in their source, by the states of their images.

    `gone`: also of the others.
    """
    images = states_of_images(shown_images(document=document)).subquery("states")
    complete = func.count(case((images.c.state == ImageState.COMPLETE, 1)))
    of_folder = select(documents.c.kind == FOLDER).where(documents.c.id == document).scalar_subquery()
    is_described = func.coalesce(source_items.c.pictures[(0, "described")].as_boolean(), false())
    state = case(
        (func.max(source_items.c.product).is_(None), _FAILED),
        (func.count(case((images.c.state == ImageState.PENDING, 1))) > 0, _PENDING),
        (and_(complete == 0, of_folder, ~is_described), _FAILED),  # a broken file says nothing of a product
        (complete == 0, _BARE),
        (complete < func.count(images.c.image), _PARTIAL),
        else_=_COMPLETE,
    )
    states = (
        select(source_items.c.item, source_items.c.number, state.label("state"))
        .outerjoin(links, and_(links.c.target == source_items.c.product, links.c.kind == LinkKind.IMAGE_PRODUCT))
        .outerjoin(placements, placements.c.id == links.c.source)
        .outerjoin(images, images.c.image == placements.c.image)
        .where(source_items.c.document == document)
        .group_by(source_items.c.document, source_items.c.key)
    )
    return states if gone else states.where(~source_items.c.gone)
