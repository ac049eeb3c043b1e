"""Derive the state of an image from its requested items (the rule of the account), and the next try of open ones.

Its items are those that the document requests, or for an owner all the owner's documents that show the image:

- any pending, leased or unpublished: pending
- all rejected: rejected
- all done: complete
- some done: partial
- else: failed

A missing item has the state of the item that it is made from; without one it is pending, since the stage that adds it
has yet to run. `queries/account.py` counts with these SQL conditions; `queries/coverage.py`
counts groups of images that are alike.
"""

from collections.abc import Collection
from functools import reduce
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    Subquery,
    Table,
    and_,
    case,
    exists,
    func,
    null,
    or_,
    select,
)
from sqlalchemy.sql.selectable import NamedFromClause

from swatchbook.domain.errors import Dismissed, TooLarge, UnreadableImage
from swatchbook.domain.records import COUNTED, TEXT_ROLES, ImageState, ItemState, LinkKind, Record, Role
from swatchbook.store.ledger.database import db_now
from swatchbook.store.ledger.tables import (
    chunks,
    contents,
    documents,
    images,
    items,
    key_for_role,
    links,
    placements,
    requested,
)

_SOURCE_REQUESTED = requested.alias("source_requested")
_SOURCE_ITEM = items.alias("source_item")

_counts = ~requested.c.beside
"""What is made for another space than the active one is no part of the account (space_registry.py)."""

shows_analysis = and_(requested.c.role.in_(sorted(TEXT_ROLES)), images.c.text_key.is_(None))
"""An image without text: items of its text have the state of the analysis, which is open or had nothing to say."""

_shows_visual = and_(requested.c.role == Role.MULTIMODAL, images.c.text_key.is_not(None), items.c.state.is_(None))
"""A missing `multimodal` item has the state of the `visual` item that it is made from, unless that is done."""

_is_dismissed = and_(
    requested.c.role.in_(sorted({Role.ANALYSIS, *TEXT_ROLES})),
    images.c.dismissed.is_not(None),
    func.coalesce(_SOURCE_ITEM.c.state, items.c.state) == ItemState.DONE,
)
"""A person has rejected the owner's image: its analysis, and what is made from it, count as rejected."""

image_item_state: ColumnElement[str] = func.coalesce(
    case(
        (_is_dismissed, ItemState.REJECTED.value),
        (shows_analysis, _SOURCE_ITEM.c.state),
        (_shows_visual, func.nullif(_SOURCE_ITEM.c.state, ItemState.DONE.value)),
        else_=items.c.state,
    ),
    ItemState.PENDING.value,
)
image_item_failure: ColumnElement[Any] = case(
    (and_(_is_dismissed, requested.c.role == Role.ANALYSIS), images.c.dismissed), else_=items.c.failure
)
chunk_item_state: ColumnElement[str] = func.coalesce(items.c.state, ItemState.PENDING.value)


_BROKEN = items.alias("broken")
_is_broken = and_(
    _BROKEN.c.key == contents.c.key,
    _BROKEN.c.state == ItemState.REJECTED,
    _BROKEN.c.failure["kind"].as_string().in_((UnreadableImage.kind, TooLarge.kind)),
)

picture_file: ColumnElement[str | None] = case(
    (exists().where(_is_broken).correlate(contents), null()), else_=contents.c.file
).label("file")
"""The stored file of a content; NULL where no picture can be read from it, so that none is shown that was rejected."""

why_no_picture: ColumnElement[str | None] = (
    select(func.min(_BROKEN.c.failure["message"].as_string()))
    .where(_is_broken)
    .correlate(contents)
    .scalar_subquery()
    .label("why_no_picture")
)
"""Why no picture can be read from a content; NULL where one can, as far as is known."""


# --- items of what is shown -------------------------------------------------------------------------------------------


def shown_images(
    *, document: str | None = None, owner: str | None = None, only: Collection[str] | None = None
) -> Subquery:
    """Return (document, image), distinct, of the shown placements of a document, an owner or all owners.

    `only`: no other images than these, few enough for one IN list.
    """
    shown = select(placements.c.document, placements.c.image).where(placements.c.state.in_(COUNTED))
    of_document: ColumnElement[str] = placements.c.document
    if only is not None:
        shown = shown.where(placements.c.image.in_(only))
        of_document = of_document.concat("")  # an expression: SQLite would go through all placements of the document
    if document is not None:
        shown = shown.where(of_document == document)
    if owner is not None:
        shown = shown.join(documents, documents.c.id == placements.c.document).where(documents.c.owner == owner)
    return shown.distinct().subquery("shown")


def linked_images(*columns: Any) -> Select[Any]:
    """Return a query of the links of products to shown placements, with their images."""
    return (
        select(*columns)
        .join_from(links, placements, placements.c.id == links.c.source)
        .join(images, images.c.id == placements.c.image)
        .where(links.c.kind == LinkKind.IMAGE_PRODUCT, placements.c.state.in_(COUNTED))
    )


def first_placements(document: str) -> Subquery:
    """Return (document, image, ordinal of its first shown placement, index from 0) of shown images in reading order."""
    first = func.min(placements.c.ordinal)
    return (
        select(
            placements.c.document,
            placements.c.image,
            first.label("ordinal"),
            (func.row_number().over(order_by=first) - 1).label("index"),
        )
        .where(placements.c.document == document, placements.c.state.in_(COUNTED))
        .group_by(placements.c.document, placements.c.image)
        .subquery("shown")
    )


def image_items(shown: Subquery) -> FromClause:
    """Return a FROM of shown images (`document`, `image`) × requested pairs × items.

    An image of a document that requests nothing has one row without a role.
    """
    source = case((shows_analysis, Role.ANALYSIS.value), (_shows_visual, Role.VISUAL.value))
    return (
        shown.join(images, images.c.id == shown.c.image)
        .outerjoin(requested, and_(requested.c.document == shown.c.document, requested.c.role != Role.TEXT, _counts))
        .outerjoin(items, and_(_is_requested_item(items, requested), items.c.key == key_for_role(requested.c.role)))
        .outerjoin(
            _SOURCE_REQUESTED,
            and_(
                _SOURCE_REQUESTED.c.document == requested.c.document,
                _SOURCE_REQUESTED.c.role == source,
                ~_SOURCE_REQUESTED.c.beside,
            ),
        )
        .outerjoin(
            _SOURCE_ITEM,
            and_(_is_requested_item(_SOURCE_ITEM, _SOURCE_REQUESTED), _SOURCE_ITEM.c.key == images.c.content_key),
        )
    )


def items_of_images(shown: Subquery) -> Select[Any]:
    """Return the requested items of shown images, with the image's id, in order."""
    return (
        select(
            images.c.id,
            requested.c.role,
            requested.c.tag,
            image_item_state.label("state"),
            func.coalesce(items.c.attempts, 0).label("attempts"),
            image_item_failure.label("failure"),
            items.c.next_retry_at,
        )
        .select_from(image_items(shown))
        .where(requested.c.role.is_not(None))
        .order_by(images.c.id, requested.c.role, requested.c.tag)
    )


def chunk_items(*, document: str | None = None) -> FromClause:
    """Return a FROM of the chunks with vectors of a document, or of all, × requested pairs × items."""
    kept = and_(chunks.c.embed, ~chunks.c.gone, *([] if document is None else [chunks.c.document == document]))
    return chunks.join(
        requested, and_(kept, requested.c.document == chunks.c.document, requested.c.role == Role.TEXT, _counts)
    ).outerjoin(
        items, and_(items.c.key == chunks.c.text_key, items.c.role == requested.c.role, items.c.tag == requested.c.tag)
    )


def _is_requested_item(item: NamedFromClause, pair: NamedFromClause) -> ColumnElement[bool]:
    return and_(item.c.role == pair.c.role, item.c.tag == pair.c.tag)


# --- states -----------------------------------------------------------------------------------------------------------


def states_of_images(shown: Subquery) -> Select[tuple[str, str]]:
    """Return (image, state), one row for each shown image."""
    pairs = func.count(requested.c.role)
    done = func.count(case((image_item_state == ItemState.DONE, 1)))
    still_open = func.count(case((and_(requested.c.role.is_not(None), is_open(image_item_state)), 1)))
    rejected = func.count(case((image_item_state == ItemState.REJECTED, 1)))
    state = case(
        (still_open > 0, ImageState.PENDING.value),
        (and_(done > 0, images.c.published < images.c.made), ImageState.PENDING.value),
        (and_(pairs > 0, rejected == pairs), ImageState.REJECTED.value),
        (done == pairs, ImageState.COMPLETE.value),
        (done > 0, ImageState.PARTIAL.value),
        else_=ImageState.FAILED.value,
    )
    return (
        select(images.c.id.label("image"), state.label("state")).select_from(image_items(shown)).group_by(images.c.id)
    )


_FIELD, _ITEM = "\t", "\n"
"""Between the fields of an item and between items, in one text for each image: no role, tag, state or kind has them."""


class ImageItem(Record):
    """An item that is requested of an image. `kind`: of its failure, if any; `embedded`: it is a stored vector."""

    role: Role
    tag: str
    state: ItemState
    kind: str | None
    embedded: bool


class ImageGroup(Record):
    """Images with the same state, of which the same items are requested, in the same states: there are few groups."""

    state: ImageState
    items: frozenset[ImageItem]
    images: int


def image_groups(connection: Connection, shown: Subquery) -> list[ImageGroup]:
    """Return the shown images in groups, from one pass over their items."""
    own, of_source = (item.c.failure["kind"].as_string() for item in (items, _SOURCE_ITEM))
    failure = case((_is_dismissed, Dismissed.kind), (shows_analysis, of_source), else_=own)
    no_vector = or_(shows_analysis, requested.c.role == Role.ANALYSIS)
    fields: tuple[ColumnElement[str], ...] = (
        requested.c.role,
        requested.c.tag,
        image_item_state,
        case((or_(no_vector, image_item_state != ItemState.DONE), ""), else_="embedded"),
        case((image_item_state == ItemState.DONE, ""), else_=func.coalesce(failure, "")),
    )
    written = reduce(lambda before, field: before.concat(_FIELD).concat(field), fields)
    each = states_of_images(shown).add_columns(func.aggregate_strings(written, _ITEM).label("items")).subquery("each")
    query = select(each.c.state, each.c["items"], func.count()).group_by(each.c.state, each.c["items"])
    return [
        ImageGroup(state=ImageState(state), items=_read_items(text or ""), images=count)
        for state, text, count in connection.execute(query)
    ]


def _read_items(text: str) -> frozenset[ImageItem]:
    lines = (line.split(_FIELD) for line in text.split(_ITEM) if line)
    return frozenset(
        ImageItem(role=Role(role), tag=tag, state=ItemState(state), embedded=bool(embedded), kind=kind or None)
        for role, tag, state, embedded, kind in lines
    )


def is_open(state: ColumnElement[str]) -> ColumnElement[bool]:
    """Return the condition that an item is still to be made."""
    return state.in_((ItemState.PENDING, ItemState.LEASED))


def next_try_of(item: NamedFromClause) -> ColumnElement[float]:
    """Return when an item that no run may claim now can be claimed, in Unix seconds."""
    return case((item.c.state == ItemState.LEASED, item.c.lease_until), else_=item.c.next_retry_at)


chunk_next_try: ColumnElement[float] = func.coalesce(next_try_of(items), db_now())
"""When an open item can be claimed next, Unix seconds: when its lease or pause ends, else now."""

image_next_try: ColumnElement[float] = func.coalesce(
    case((or_(shows_analysis, _shows_visual), next_try_of(_SOURCE_ITEM)), else_=next_try_of(items)), db_now()
)


def waits_for_publishing(table: Table, state: ColumnElement[str]) -> ColumnElement[bool]:
    """Return the condition that a done item is not searchable yet; a changed payload alone does not count."""
    return and_(state == ItemState.DONE, table.c.published < table.c.made)


def next_publish_of(table: Table) -> ColumnElement[float]:
    """Return when an unpublished row may be published: when a publisher's lease or its pause ends, else now."""
    leased = case((table.c.publish_until > db_now(), table.c.publish_until))
    return func.coalesce(leased, table.c.publish_next, db_now())
