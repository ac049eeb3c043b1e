"""Read one image for people: its placements, its text and the state of each item; and the ids of an owner's images."""

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, Subquery, select

from swatchbook.domain.records import COUNTED, ImageDetails, ImagePlace, RoleState
from swatchbook.store.ledger.database import Ledger, select_in
from swatchbook.store.ledger.image_states import items_of_images, picture_file, shown_images, states_of_images
from swatchbook.store.ledger.tables import contents, documents, images, placements

_MAX_PLACES = 1_000


def image_details(ledger: Ledger, image: str) -> ImageDetails | None:
    """Return the image, or None where no document shows it."""
    shown = placements.c.image == image, placements.c.state.in_(COUNTED)
    pairs = select(placements.c.document, placements.c.image).where(*shown).distinct().subquery("shown")
    texts = contents.alias("texts")
    with ledger.read() as connection:
        stored = connection.execute(
            select(images, picture_file, texts.c.text)
            .outerjoin(contents, contents.c.key == images.c.content_key)
            .outerjoin(texts, texts.c.key == images.c.text_key)
            .where(images.c.id == image)
        ).one_or_none()
        state = connection.execute(states_of_images(pairs)).one_or_none()
        if stored is None or state is None:
            return None
        return ImageDetails(
            id=stored.id,
            owner=stored.owner,
            content_key=stored.content_key,
            file=stored.file,
            width=stored.width,
            height=stored.height,
            text=stored.text,
            state=state.state,
            published=stored.published >= stored.made > 0,
            places=_places(connection, image),
            roles=_roles(connection, pairs),
        )


def _places(connection: Connection, image: str) -> tuple[ImagePlace, ...]:
    """Return where an image is shown, in the order of documents and their pages."""
    query = (
        select(
            placements.c.document.label("document_id"),
            documents.c.name.label("document"),
            placements.c.page,
            placements.c.path,
            placements.c.caption,
        )
        .join_from(placements, documents, documents.c.id == placements.c.document)
        .where(placements.c.image == image, placements.c.state.in_(COUNTED))
        .order_by(documents.c.created_at, placements.c.document, placements.c.ordinal)
        .limit(_MAX_PLACES)
    )
    return tuple(ImagePlace.model_validate(dict(row)) for row in connection.execute(query).mappings())


def _roles(connection: Connection, pairs: Subquery) -> tuple[RoleState, ...]:
    """Return the state of each item that is requested of an image, once for each role and tag."""
    states = {
        (row.role, row.tag): RoleState(
            role=row.role,
            tag=row.tag,
            state=row.state,
            kind=(row.failure or {}).get("kind"),
            error=(row.failure or {}).get("message"),
            attempts=row.attempts,
            next_retry_at=row.next_retry_at,
        )
        for row in connection.execute(items_of_images(pairs))
    }
    return tuple(states.values())


def image_ids(ledger: Ledger, owner: str | None = None) -> list[str]:
    """Return the ids of the images that documents of an owner, or of all owners, show; sorted."""
    shown = shown_images(owner=owner)
    return list(ledger.execute(select(shown.c.image).distinct().order_by(shown.c.image)).scalars())


def owned_images(ledger: Ledger, ids: Sequence[str], owners: Collection[str]) -> set[str]:
    """Return those of the ids that are shown images of one of the owners; without any, of any owner."""
    shown = (
        select(images.c.id)
        .join(placements, placements.c.image == images.c.id)
        .where(placements.c.state.in_(COUNTED), *([images.c.owner.in_(owners)] if owners else []))
    )
    return {row.id for row in select_in(ledger, shown, images.c.id, ids)}
