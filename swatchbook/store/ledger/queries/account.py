"""Count the account (images found, by state) of a document, an owner or all owners, and what each owner has.

Also decides whether a document is completed, or waits and until when. `store/ledger/image_states.py` has the rules of
states.

images found = complete + partial + failed + rejected + pending, for any document, owner or all owners.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Subquery, func, select

from swatchbook.domain.records import (
    DocumentState,
    DocumentStatus,
    ImageCounts,
    ImageState,
    OwnerState,
    PlacementState,
    Record,
)
from swatchbook.store.ledger.database import Ledger, Source
from swatchbook.store.ledger.image_states import (
    chunk_item_state,
    chunk_items,
    chunk_next_try,
    image_item_state,
    image_items,
    image_next_try,
    is_open,
    next_publish_of,
    shown_images,
    states_of_images,
    waits_for_publishing,
)
from swatchbook.store.ledger.space_objects import count_vectors
from swatchbook.store.ledger.stored_documents import Document, owned_by
from swatchbook.store.ledger.tables import chunks, contents, documents, images, pages, placements, products, requested


class Account(ImageCounts):
    """Counts of images: found = complete + partial + failed + rejected + pending."""

    placements_hidden: int = 0
    placements_decorative: int = 0
    pages_skipped: int = 0


def account(ledger: Ledger, *, document: str | None = None, owner: str | None = None) -> Account:
    """Return the account of a document, of an owner or of all owners. An image counts once."""
    states = states_of_images(shown_images(document=document, owner=owner)).subquery("states")
    counted = dict(ledger.execute(select(states.c.state, func.count()).group_by(states.c.state)).tuples().all())
    return Account(**_by_state(counted), **count_left_out(ledger, document=document, owner=owner))


def count_left_out(ledger: Ledger, *, document: str | None = None, owner: str | None = None) -> dict[str, int]:
    """Return what the account leaves out, by the names of its fields: hidden placements, skipped pages and so on."""
    with ledger.read() as connection:
        hidden = _counts(connection, placements, placements.c.state, document, owner)
        by_kind = _counts(connection, pages, pages.c.kind, document, owner)
    return {
        "placements_hidden": hidden.get(PlacementState.HIDDEN.value, 0),
        "placements_decorative": hidden.get(PlacementState.DECORATIVE.value, 0),
        "pages_skipped": by_kind.get("skipped", 0),
    }


def count_shown(ledger: Ledger, owner: str | None = None) -> int:
    """Count the images that documents show, of an owner or of all, whatever their states: the account adds up to it."""
    shown = shown_images(owner=owner)
    return ledger.execute(select(func.count(shown.c.image.distinct()))).scalar_one()


def document_states(ledger: Ledger, listed: Sequence[Document]) -> list[DocumentState]:
    """Return the account of each of these documents, in their order."""
    shown = shown_images()
    shown = select(shown).where(shown.c.document.in_([each.id for each in listed])).subquery("of_documents")
    counted = _count_states(ledger, shown, shown.c.document)
    return [
        DocumentState(
            id=each.id,
            name=each.name,
            owner=each.owner,
            status=each.status,
            due_at=each.due_at,
            message=each.message,
            **_by_state(counted[each.id]),
        )
        for each in listed
    ]


def _count_states(source: Source, shown: Subquery, of: ColumnElement[str]) -> Mapping[str, Counter[str]]:
    """Return the number of shown images by state, for each value of a column: their document or their owner."""
    states = states_of_images(shown).add_columns(of.label("of")).group_by(of).subquery("states")
    query = select(states.c.of, states.c.state, func.count()).group_by(states.c.of, states.c.state)
    counted = defaultdict[str, Counter[str]](Counter)
    for value, state, count in source.execute(query):
        counted[value][state] = count
    return counted


def _by_state(counted: Mapping[str, int]) -> dict[str, Any]:
    """Return the fields of `ImageCounts` from the numbers of images by state."""
    return {"found": sum(counted.values())} | {state.value: counted.get(state.value, 0) for state in ImageState}


def _counts(
    connection: Connection, table: Any, column: ColumnElement[str], document: str | None, owner: str | None
) -> dict[str, int]:
    query = select(column, func.count()).where(*owned_by(owner, table)).group_by(column)
    if document is not None:
        query = query.where(table.c.document == document)
    return dict(connection.execute(query).tuples().all())


def next_status(ledger: Ledger, document: str) -> tuple[DocumentStatus, float | None]:
    """Return `completed` if every item is settled and published, else `waiting` and the time of its next try."""
    of_images, of_chunks = image_items(shown_images(document=document)), chunk_items(document=document)
    is_requested = requested.c.role.is_not(None)
    next_tries = [
        select(func.min(image_next_try)).select_from(of_images).where(is_requested, is_open(image_item_state)),
        select(func.min(next_publish_of(images)))
        .select_from(of_images)
        .where(is_requested, waits_for_publishing(images, image_item_state)),
        select(func.min(chunk_next_try)).select_from(of_chunks).where(is_open(chunk_item_state)),
        select(func.min(next_publish_of(chunks)))
        .select_from(of_chunks)
        .where(waits_for_publishing(chunks, chunk_item_state)),
    ]
    with ledger.read() as connection:
        times = [time for query in next_tries if (time := connection.execute(query).scalar_one()) is not None]
    return (DocumentStatus.WAITING, min(times)) if times else (DocumentStatus.COMPLETED, None)


# --- owners -----------------------------------------------------------------------------------------------------------


class OwnerCounts(Record):
    """Counts of an owner. `bytes`: of its files and pictures; a file shared with another owner counts for both."""

    owner: str
    documents: dict[str, int]  # by status
    products: int
    images: int
    vectors: int
    bytes: int


def count_owners(ledger: Ledger) -> list[OwnerCounts]:
    """Return what every owner of a document has, by name."""
    statuses = select(documents.c.owner, documents.c.status, func.count(), func.sum(documents.c.size)).group_by(
        documents.c.owner, documents.c.status
    )
    found = select(documents.c.owner, func.count()).join_from(products, documents).group_by(documents.c.owner)
    pictures = (
        select(images.c.owner, func.count(), func.sum(contents.c.size))
        .join_from(images, contents, contents.c.key == images.c.content_key, isouter=True)
        .where(images.c.id.in_(select(shown_images().c.image)))
        .group_by(images.c.owner)
    )
    by_status, image_counts, sizes = defaultdict[str, dict[str, int]](dict), Counter[str](), Counter[str]()
    with ledger.read() as connection:
        for owner, status, count, size in connection.execute(statuses):
            by_status[owner][status] = count
            sizes[owner] += size
        for owner, count, size in connection.execute(pictures):
            image_counts[owner] = count
            sizes[owner] += size or 0
        product_counts = Counter(dict(connection.execute(found).tuples().all()))
    return [
        OwnerCounts(
            owner=owner,
            documents=by_status[owner],
            products=product_counts[owner],
            images=image_counts[owner],
            vectors=sum(each.objects for each in count_vectors(ledger, owner)),
            bytes=sizes[owner],
        )
        for owner in sorted(by_status)
    ]


def owner_accounts(ledger: Ledger) -> list[OwnerState]:
    """Return the account of every owner with a document, most missing images first."""
    by_owner = select(documents.c.owner, func.count()).group_by(documents.c.owner)
    with ledger.read() as connection:
        numbers = connection.execute(by_owner).tuples().all()
        counted = _count_states(connection, shown_images(), images.c.owner)
    accounts = [OwnerState(owner=owner, documents=number, **_by_state(counted[owner])) for owner, number in numbers]
    return sorted(accounts, key=lambda account: (account.complete - account.found, account.owner))
