"""The state of images and chunks as SQL: the one place where the rule of the account stands.

An image's state in a document comes from the items of that document's wants; for an owner, of all his documents that
show it. Any pending, leased or made-but-unpublished → pending; all rejected → rejected; all done → complete; some
done → partial; else failed. A missing item counts as pending: the stage that adds it has yet to run.
"""

from sqlalchemy import ColumnElement, FromClause, Select, Subquery, Table, and_, case, func, literal_column, or_, select
from sqlalchemy.sql.selectable import NamedFromClause

from swatchbook.ledger.database import db_now
from swatchbook.ledger.tables import chunks, documents, images, items, placements, wants
from swatchbook.records import ImageState, ItemState, PlacementState, Role

_ANALYSES_WANTED = wants.alias("analyses_wanted")
_ANALYSES_MADE = items.alias("analyses_made")

shows_analysis = and_(wants.c.role == Role.UNDERSTANDING, images.c.text_key.is_(None))
"""Understanding without a text: it shows the state of the analysis that will give one, or that had nothing to say."""

image_item_state: ColumnElement[str] = func.coalesce(
    case((shows_analysis, _ANALYSES_MADE.c.state), else_=items.c.state), ItemState.PENDING.value
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
    key = case((wants.c.role == Role.UNDERSTANDING, images.c.text_key), else_=images.c.content_key)
    return (
        shown.join(images, images.c.id == shown.c.image)
        .outerjoin(wants, and_(wants.c.document == shown.c.document, wants.c.role != Role.TEXT))
        .outerjoin(items, and_(items.c.key == key, items.c.role == wants.c.role, items.c.tag == wants.c.tag))
        .outerjoin(
            _ANALYSES_WANTED,
            and_(shows_analysis, _ANALYSES_WANTED.c.document == wants.c.document, _of_analysis(_ANALYSES_WANTED)),
        )
        .outerjoin(
            _ANALYSES_MADE,
            and_(
                _ANALYSES_MADE.c.key == images.c.content_key,
                _of_analysis(_ANALYSES_MADE),
                _ANALYSES_MADE.c.tag == _ANALYSES_WANTED.c.tag,
            ),
        )
    )


def chunk_items(*, document: str) -> FromClause:
    """FROM: the document's chunks to embed × wants × items."""
    kept = and_(chunks.c.document == document, chunks.c.embed, ~chunks.c.gone)
    return chunks.join(wants, and_(kept, wants.c.document == chunks.c.document, wants.c.role == Role.TEXT)).outerjoin(
        items, and_(items.c.key == chunks.c.text_key, items.c.role == wants.c.role, items.c.tag == wants.c.tag)
    )


def _of_analysis(table: NamedFromClause) -> ColumnElement[bool]:
    return table.c.role == Role.ANALYSIS


# --- what the items come to -------------------------------------------------------------------------------------------


def states_of_images(shown: Subquery) -> Select[tuple[str, str]]:
    """(image, state), one row a shown image."""
    asked = func.count(wants.c.role)
    made = func.count(case((image_item_state == ItemState.DONE, 1)))
    still_open = func.count(case((and_(wants.c.role.is_not(None), is_open(image_item_state)), 1)))
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
    case((shows_analysis, _next_try(_ANALYSES_MADE)), else_=_next_try(items)), db_now()
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
