"""The state of images and chunks as SQL: the one place where the rule of the account stands.

An image's state in a document comes from the items of that document's wants; for an owner, of all his documents that
show it. Any pending, leased or made-but-unpublished → pending; all rejected → rejected; all done → complete; some
done → partial; else failed. A missing item shows what it waits for, or counts as pending: the stage that adds it has
yet to run.
"""

from sqlalchemy import ColumnElement, FromClause, Select, Subquery, Table, and_, case, func, literal_column, or_, select
from sqlalchemy.sql.selectable import NamedFromClause

from swatchbook.ledger.database import db_now
from swatchbook.ledger.tables import chunks, documents, images, items, key_for_role, placements, requested
from swatchbook.records import TEXT_ROLES, ImageState, ItemState, PlacementState, Role

_SOURCE_WANTED = requested.alias("source_wanted")
_SOURCE_MADE = items.alias("source_made")

shows_analysis = and_(requested.c.role.in_(sorted(TEXT_ROLES)), images.c.text_key.is_(None))
"""Nothing is said of it: it shows the state of the analysis that will say something, or that had nothing to say."""

_shows_visual = and_(requested.c.role == Role.MULTIMODAL, images.c.text_key.is_not(None), items.c.state.is_(None))
"""Without the vector that it is made of, too: it shows the state of that one, unless it was made just now."""

image_item_state: ColumnElement[str] = func.coalesce(
    case(
        (shows_analysis, _SOURCE_MADE.c.state),
        (_shows_visual, func.nullif(_SOURCE_MADE.c.state, ItemState.DONE.value)),
        else_=items.c.state,
    ),
    ItemState.PENDING.value,
)
chunk_item_state: ColumnElement[str] = func.coalesce(items.c.state, ItemState.PENDING.value)


# --- items of what is shown -------------------------------------------------------------------------------------------


def shown_images(*, document: str | None = None, owner: str | None = None) -> Subquery:
    """(document, image), distinct, of the shown placements in scope."""
    shown = select(placements.c.document, placements.c.image).where(placements.c.state == PlacementState.SHOWN)
    if document is not None:
        shown = shown.where(placements.c.document == document)
    if owner is not None:
        shown = shown.join(documents, documents.c.id == placements.c.document).where(documents.c.owner == owner)
    return shown.distinct().subquery("shown")


def first_placements(document: str) -> Subquery:
    """(document, image, ordinal of its first shown placement, index): shown images in reading order, from 0."""
    first = func.min(placements.c.ordinal)
    return (
        select(
            placements.c.document,
            placements.c.image,
            first.label("ordinal"),
            (func.row_number().over(order_by=first) - 1).label("index"),
        )
        .where(placements.c.document == document, placements.c.state == PlacementState.SHOWN)
        .group_by(placements.c.document, placements.c.image)
        .subquery("shown")
    )


def image_items(shown: Subquery) -> FromClause:
    """FROM: shown images (`document`, `image`) × wants × items; without wants an image has one row without a role."""
    source = case((shows_analysis, Role.ANALYSIS.value), (_shows_visual, Role.VISUAL.value))
    return (
        shown.join(images, images.c.id == shown.c.image)
        .outerjoin(requested, and_(requested.c.document == shown.c.document, requested.c.role != Role.TEXT))
        .outerjoin(items, and_(_is_wanted_item(items, requested), items.c.key == key_for_role(requested.c.role)))
        .outerjoin(
            _SOURCE_WANTED, and_(_SOURCE_WANTED.c.document == requested.c.document, _SOURCE_WANTED.c.role == source)
        )
        .outerjoin(
            _SOURCE_MADE,
            and_(_is_wanted_item(_SOURCE_MADE, _SOURCE_WANTED), _SOURCE_MADE.c.key == images.c.content_key),
        )
    )


def chunk_items(*, document: str) -> FromClause:
    """FROM: the document's chunks to embed × wants × items."""
    kept = and_(chunks.c.document == document, chunks.c.embed, ~chunks.c.gone)
    return chunks.join(
        requested, and_(kept, requested.c.document == chunks.c.document, requested.c.role == Role.TEXT)
    ).outerjoin(
        items, and_(items.c.key == chunks.c.text_key, items.c.role == requested.c.role, items.c.tag == requested.c.tag)
    )


def _is_wanted_item(item: NamedFromClause, want: NamedFromClause) -> ColumnElement[bool]:
    return and_(item.c.role == want.c.role, item.c.tag == want.c.tag)


# --- what the items come to -------------------------------------------------------------------------------------------


def states_of_images(shown: Subquery) -> Select[tuple[str, str]]:
    """(image, state), one row a shown image."""
    asked = func.count(requested.c.role)
    made = func.count(case((image_item_state == ItemState.DONE, 1)))
    still_open = func.count(case((and_(requested.c.role.is_not(None), is_open(image_item_state)), 1)))
    rejected = func.count(case((image_item_state == ItemState.REJECTED, 1)))
    state = case(
        (still_open > 0, ImageState.PENDING.value),
        (and_(made > 0, images.c.published < images.c.made), ImageState.PENDING.value),
        (and_(asked > 0, rejected == asked), ImageState.REJECTED.value),
        (made == asked, ImageState.COMPLETE.value),
        (made > 0, ImageState.PARTIAL.value),
        else_=ImageState.FAILED.value,
    )
    return (
        select(images.c.id.label("image"), state.label("state")).select_from(image_items(shown)).group_by(images.c.id)
    )


def is_open(state: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether an item is still to be made."""
    return state.in_((ItemState.PENDING, ItemState.LEASED))


def _next_try(item: NamedFromClause) -> ColumnElement[float]:
    return case((item.c.state == ItemState.LEASED, item.c.lease_until), else_=item.c.next_retry_at)


chunk_next_try: ColumnElement[float] = func.coalesce(_next_try(items), db_now())
"""When an open item's next move comes, Unix seconds; now where nothing says later."""

image_next_try: ColumnElement[float] = func.coalesce(
    case((or_(shows_analysis, _shows_visual), _next_try(_SOURCE_MADE)), else_=_next_try(items)), db_now()
)


# --- publishing -------------------------------------------------------------------------------------------------------


def unpublished_rows(table: Table) -> ColumnElement[bool]:
    """The condition of the partial index of images or chunks, word for word: else SQLite does not use it."""
    return or_(table.c.dirty > table.c.published, literal_column(f"{table.name}.gone"))


def publishable(table: Table) -> ColumnElement[bool]:
    """Rows of images or chunks that publishing has to do with: changed since and with something made, or gone."""
    made = and_(chunks.c.made > 0, chunks.c.embed) if table is chunks else table.c.made > 0
    return and_(unpublished_rows(table), or_(made, table.c.gone))


def waits_for_publishing(table: Table, state: ColumnElement[str]) -> ColumnElement[bool]:
    """Made and not yet searchable. A changed payload alone does not undo "published"."""
    return and_(state == ItemState.DONE, table.c.published < table.c.made)


def next_publish_of(table: Table) -> ColumnElement[float]:
    """When an unpublished row may be published: after its pause, when another publisher's lease ends, or now."""
    leased = case((table.c.publish_until > db_now(), table.c.publish_until))
    return func.coalesce(leased, table.c.publish_next, db_now())
