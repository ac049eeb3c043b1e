"""Read where the pictures of a document are, with what tells its looks, and how many products have a picture."""

from typing import NamedTuple

from sqlalchemy import func, select

from swatchbook.domain.records import LinkKind, Placement
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.tables import contents, images, links, placements

_FIELDS = tuple(name for name in Placement.model_fields if name != "content_key")


class PlacedPicture(NamedTuple):
    """A placement with its image; perceptual hash and pixels of the picture, if it could be read."""

    placement: Placement
    image: str
    phash: str | None
    width: int | None
    height: int | None


def read_placed(ledger: Ledger, document: str, page: int | None = None) -> list[PlacedPicture]:
    """Return the placements of a document, or of one of its pages, in reading order."""
    on_page = [] if page is None else [placements.c.page == page]
    query = (
        select(
            *(placements.c[name] for name in _FIELDS),
            placements.c.image,
            images.c.content_key,
            contents.c.phash,
            contents.c.width,
            contents.c.height,
        )
        .join(images, images.c.id == placements.c.image)
        .outerjoin(contents, contents.c.key == images.c.content_key)
        .where(placements.c.document == document, *on_page)
        .order_by(placements.c.ordinal)
    )
    rows = [dict(row) for row in ledger.execute(query).mappings()]
    return [
        PlacedPicture(
            Placement(**{name: row[name] for name in Placement.model_fields}),
            row["image"],
            row["phash"],
            row["width"],
            row["height"],
        )
        for row in rows
    ]


def count_pictured(ledger: Ledger, document: str) -> int:
    """Return how many products of a document have a picture."""
    query = select(func.count(links.c.target.distinct())).where(
        links.c.document == document, links.c.kind == LinkKind.IMAGE_PRODUCT
    )
    return ledger.execute(query).scalar_one()
