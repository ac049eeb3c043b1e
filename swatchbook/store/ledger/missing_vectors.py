"""Find the documents and objects that a fill (`upkeep/fill_missing.py`) must complete, and add up its costs.

An object is a candidate if its document asks for the role, it has no vector of the pair (no analysis at all), and its
item has not failed for good and may be claimed now.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, and_, case, exists, func, null, or_, select, update

from swatchbook.domain.records import (
    COUNTED,
    FROM_PICTURES,
    TEXT_ROLES,
    DocumentStatus,
    ItemState,
    Record,
    Role,
    RoleTag,
)
from swatchbook.store.ledger.database import Ledger, portions, select_in
from swatchbook.store.ledger.image_text import queue_text_items
from swatchbook.store.ledger.item_tries import ItemId
from swatchbook.store.ledger.requested import add_pending
from swatchbook.store.ledger.runs import Run, writing
from swatchbook.store.ledger.space_objects import (
    Lack,
    is_item_of,
    is_waiting,
    lacking,
    next_try,
    object_key,
    objects_table,
    settled,
    waits,
)
from swatchbook.store.ledger.space_registry import active_tags, set_beside
from swatchbook.store.ledger.stored_documents import owned_by
from swatchbook.store.ledger.tables import (
    analyses,
    calls,
    chunks,
    contents,
    documents,
    images,
    items,
    placements,
    requested,
    vectors,
)

_DOCUMENTS, _PAGE = 500, 1_000
"""Documents whose requests are read together, and candidates."""

_DOCUMENTS_BY_AGE = select(documents.c.id, documents.c.options).order_by(documents.c.created_at, documents.c.id)


class ToFill(Record):
    """A document, and the pairs of a fill that it asks for and may lack."""

    document: str
    pairs: tuple[RoleTag, ...]


class Candidate(Record):
    """An image or chunk with what a fill is to make of it. `file`: key of its picture in the file store."""

    id: str
    key: str  # content key of an image, text key of a chunk: its key in batches
    file: str | None
    lacks: tuple[RoleTag, ...]


def queue_candidates(ledger: Ledger, run: Run, candidates: Sequence[Candidate]) -> None:
    """Queue what the candidates lack. Raises RunRevoked."""
    made_from_key: set[ItemId] = {
        (each.key, pair.role, pair.tag)
        for each in candidates
        for pair in each.lacks
        if pair.role in FROM_PICTURES or pair.role is Role.TEXT
    }
    with writing(ledger, run) as connection:
        add_pending(connection, made_from_key)
        queue_text_items(connection, images.c.id, [each.id for each in candidates])


def count_made(ledger: Ledger, run: Run) -> None:
    """Let the account count what a fill run has made for the spaces that searches read, if nothing of it is left.

    Before, a document that is completed would have images that wait, though nobody works on them. Raises RunRevoked.
    """
    with writing(ledger, run) as connection:
        active = active_tags(connection)
        searched = [pair for pair in run.pairs if pair.role is Role.ANALYSIS or active.get(pair.role) == pair.tag]
        if any(_is_unmade(connection, run.document, pair) for pair in searched):
            return
        for pair in searched:
            this = (requested.c.document == run.document, requested.c.role == pair.role, requested.c.tag == pair.tag)
            connection.execute(update(requested).where(*this).values(beside=False))
        set_beside(connection, requested.c.document == run.document)


def _is_unmade(connection: Connection, document: str, pair: RoleTag) -> bool:
    """Return whether an object of the document has no settled item of this pair, though it has the key for it."""
    rows, key = objects_table(pair.role), object_key(pair.role)
    over = (ItemState.DONE, ItemState.FAILED, ItemState.REJECTED)
    item = exists().where(is_item_of(pair), items.c.state.in_(over))
    of_document = _places(rows).c.document == document
    query = _shown(rows).where(of_document, key.is_not(None), ~item).limit(1)
    return connection.execute(query).first() is not None


def _shown(rows: Table) -> Select[Any]:
    """Return id and ordinal of what documents show: images once for each place, or chunks with vectors."""
    places = _places(rows)
    shown = select(rows.c.id, places.c.ordinal)
    if rows is chunks:
        return shown.where(chunks.c.embed, ~chunks.c.gone)
    shown = shown.join_from(placements, images, images.c.id == placements.c.image)
    return shown.where(placements.c.state.in_(COUNTED))


def _places(rows: Table) -> Table:
    """Return the table that has the document and ordinal of objects: `chunks` itself, or the placements of images."""
    return chunks if rows is chunks else placements


# --- documents and candidates -----------------------------------------------------------------------------------------


def documents_lacking(ledger: Ledger, pairs: Collection[RoleTag]) -> Iterator[ToFill]:
    """Yield the documents with objects that one of these spaces lacks and that can be made, oldest first.

    Objects of which the last try failed for good are left out; `swatchbook fill failed` queues them again.
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
                shown = placements.c.state.in_(COUNTED)
                query = select(placements.c.document).where(placements.c.image.in_(open_rows), shown)
            found |= set(connection.execute(query.distinct()).scalars())
        kept = _DOCUMENTS_BY_AGE.where(documents.c.status != DocumentStatus.DELETING)
        lacking_documents = [row for row in connection.execute(kept) if row.id in found]
    for row in lacking_documents:
        if asked := _asked_for(row.options, pairs):
            yield ToFill(document=row.id, pairs=asked)


def completed_documents(ledger: Ledger, pairs: Sequence[RoleTag], owner: str | None) -> Iterator[ToFill]:
    """Yield the completed documents of an owner, or of all owners, that may have candidates; oldest first.

    A completed document whose account counts a pair has it made, or failed for good: nothing of that is looked at.
    """
    completed = _DOCUMENTS_BY_AGE.where(documents.c.status == DocumentStatus.COMPLETED, *owned_by(owner))
    counted = select(requested.c.document, requested.c.role, requested.c.tag).where(
        ~requested.c.beside, requested.c.role.in_(sorted({pair.role for pair in pairs}))
    )
    found = ledger.execute(completed).all()
    for some in portions(found, _DOCUMENTS):
        ids = [row.id for row in some]
        have = {tuple(row) for row in select_in(ledger, counted, requested.c.document, ids)}
        for row in some:
            lacked = [pair for pair in pairs if (row.id, pair.role, pair.tag) not in have]
            if asked := _asked_for(row.options, lacked):
                yield ToFill(document=row.id, pairs=asked)


def _asked_for(options: Mapping[str, Any], pairs: Collection[RoleTag]) -> tuple[RoleTag, ...]:
    """Return those of the pairs that a document with these options asks for, and what they are made from."""
    needed = set(map(Role, options.get("roles", ())))  # none: all
    if needed & TEXT_ROLES:
        needed.add(Role.ANALYSIS)
    if Role.MULTIMODAL in needed:
        needed.add(Role.VISUAL)
    return tuple(pair for pair in pairs if not needed or pair.role in needed)


def candidates(ledger: Ledger, document: ToFill, *, limit: int | None = None) -> Iterator[list[Candidate]]:
    """Yield the candidates of a document, images before chunks, in reading order, at most 1,000 at a time.

    `limit`: how many in all. What is made meanwhile is yielded no more.
    """
    for rows in (images, chunks):
        pairs = [pair for pair in document.pairs if objects_table(pair.role) is rows]
        after = -1
        while pairs and limit != 0:
            page = ledger.execute(
                _candidates(document.document, rows, pairs, after).limit(min(limit or _PAGE, _PAGE))
            ).all()
            if not page:
                break
            after = page[-1].ordinal
            limit = None if limit is None else limit - len(page)
            yield [
                Candidate(
                    id=row.id, key=row.key, file=row.file,
                    lacks=tuple(pair for pair, lacks in zip(pairs, row[4:], strict=True) if lacks),
                )
                for row in page
            ]  # fmt: skip


def left_to_make(ledger: Ledger, left: Iterable[ToFill]) -> list[Lack]:
    """Return what these documents lack, by pair: what can be made now or later, and what has failed for good.

    An object counts once for each document that shows it.
    """
    lacked, failed, waiting = Counter[RoleTag](), Counter[RoleTag](), Counter[RoleTag]()
    next_tries = dict[RoleTag, float]()
    for some in portions(list(left), _DOCUMENTS):
        lacking_pair = defaultdict[RoleTag, list[str]](list)
        for each in some:
            for pair in each.pairs:
                lacking_pair[pair].append(each.document)
        with ledger.read() as connection:
            for pair, ids in lacking_pair.items():
                counted = connection.execute(_count_lacking(pair, ids)).one()
                lacked[pair] += counted.lacked
                failed[pair] += counted.failed
                waiting[pair] += counted.waiting
                if counted.waiting:
                    next_tries[pair] = min(counted.next_try, next_tries.get(pair, counted.next_try))
    return [
        Lack(
            role=pair.role, tag=pair.tag, open=lacked[pair] - failed[pair], failed=failed[pair], waiting=waiting[pair],
            next_try=next_tries.get(pair),
        )
        for pair in lacked
        if lacked[pair]
    ]  # fmt: skip


def _count_lacking(pair: RoleTag, ids: Sequence[str]) -> Select[Any]:
    """Return how many objects of these documents lack a pair, how many of them have failed for good or wait, and the
    first next try.
    """
    rows = objects_table(pair.role)
    document, later = _places(rows).c.document, select(next_try).where(is_item_of(pair), is_waiting).scalar_subquery()
    found = (
        _shown(rows)
        .with_only_columns(document, rows.c.id, settled(pair).label("failed"), later.label("next_try"))
        .where(document.in_(ids), _lacks(pair))
        .distinct()
        .subquery()
    )
    return select(
        func.count().label("lacked"),
        func.count(case((found.c.failed, 1))).label("failed"),
        func.count(found.c.next_try).label("waiting"),
        func.min(found.c.next_try).label("next_try"),
    ).select_from(found)


def _candidates(document: str, rows: Table, pairs: Sequence[RoleTag], after: int) -> Select[Any]:
    """Return id, ordinal, key and file of candidates, and for each pair whether it lacks; in reading order."""
    conditions = [and_(_lacks(pair), ~settled(pair), ~waits(pair)) for pair in pairs]
    places = _places(rows)
    if rows is chunks:
        key = chunks.c.text_key
        query = _shown(rows).add_columns(key.label("key"), null().label("file"))
    else:
        key, earlier = images.c.content_key, placements.alias("earlier")
        again = exists().where(
            earlier.c.image == images.c.id,
            earlier.c.document == document,
            earlier.c.state.in_(COUNTED),
            earlier.c.ordinal < placements.c.ordinal,
        )
        file = select(contents.c.file).where(contents.c.key == images.c.content_key).scalar_subquery()
        query = _shown(rows).add_columns(key.label("key"), file.label("file")).where(~again)
    in_order = query.where(places.c.document == document, places.c.ordinal > after).order_by(places.c.ordinal)
    return in_order.add_columns(*conditions).where(or_(*conditions))


def _lacks(pair: RoleTag) -> ColumnElement[bool]:
    """Return the condition that an object has the key of this pair's item, and nothing was made of it."""
    key = object_key(pair.role)
    if pair.role is Role.ANALYSIS:
        return ~exists().where(analyses.c.key == key)
    made = exists().where(vectors.c.key == key, vectors.c.role == pair.role, vectors.c.tag == pair.tag)
    if pair.role is not Role.MULTIMODAL:
        return and_(key.is_not(None), ~made)
    visual = exists().where(vectors.c.key == images.c.content_key, vectors.c.role == Role.VISUAL)
    return and_(key.is_not(None), ~made, visual)


def spent(ledger: Ledger, fill: str) -> float | None:
    """Return the US dollars that the calls of a fill have cost; None if the price of one is not known."""
    unpriced = (calls.c.state == "answered") & calls.c.cost_usd.is_(None)
    known = func.coalesce(func.sum(calls.c.cost_usd), 0.0)
    query = select(known, func.count().filter(unpriced)).where(calls.c.generation == fill)
    cost, unknown = ledger.execute(query).one()
    return None if unknown else float(cost)


def text_keys(ledger: Ledger, pair: RoleTag, ids: Sequence[str]) -> set[str]:
    """Return the keys of the texts of these images or chunks."""
    rows = objects_table(pair.role)
    found = select_in(ledger, select(rows.c.text_key), rows.c.id, ids)
    return {row.text_key for row in found if row.text_key is not None}
