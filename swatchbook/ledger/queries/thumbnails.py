"""Choose the pictures that represent a document.

In a report these are the best linked pictures of its first products, else its first pictures; in a list, its first one.
"""

from collections.abc import Collection
from itertools import groupby

from sqlalchemy import and_, func, select

from swatchbook.ledger.database import Ledger, select_in
from swatchbook.ledger.tables import contents, documents, images, links, placements, products
from swatchbook.records import COUNTED, LinkKind, Record


class ProductImages(Record):
    """A product and its images, best link first: keys of the file store. Product None: the document's first images."""

    product: str | None
    files: tuple[str, ...]


def thumbnails(ledger: Ledger, document: str, *, most: int, each: int) -> list[ProductImages]:
    """Return the first `most` products with images, with at most `each` images; without any, the first images."""
    shown = (
        placements.join(images, images.c.id == placements.c.image)
        .join(contents, and_(contents.c.key == images.c.content_key, contents.c.file.is_not(None)))
    )  # fmt: skip
    standing = placements.c.document == document, placements.c.state.in_(COUNTED)
    linked = (
        select(products.c.ordinal, products.c.name, contents.c.file, func.max(links.c.score).label("score"))
        .select_from(
            shown.join(links, and_(links.c.source == placements.c.id, links.c.kind == LinkKind.IMAGE_PRODUCT)).join(
                products, products.c.id == links.c.target
            )
        )
        .where(*standing, links.c.document == document)
        .group_by(products.c.ordinal, products.c.name, contents.c.file)
        .subquery()
    )
    best = func.row_number().over(partition_by=linked.c.ordinal, order_by=(linked.c.score.desc(), linked.c.file))
    place = func.dense_rank().over(order_by=linked.c.ordinal)
    ranked = select(linked, best.label("best"), place.label("place")).subquery()
    by_product = (
        select(ranked.c.ordinal, ranked.c.name, ranked.c.file)
        .where(ranked.c.best <= each, ranked.c.place <= most)
        .order_by(ranked.c.ordinal, ranked.c.best)
    )
    first = func.min(placements.c.ordinal).label("first")
    loose = select(contents.c.file, first).select_from(shown).where(*standing).group_by(contents.c.file)
    with ledger.read() as connection:
        if rows := connection.execute(by_product).all():
            groups = groupby(rows, key=lambda row: (row.ordinal, row.name))
            return [ProductImages(product=name, files=tuple(row.file for row in own)) for (_, name), own in groups]
        files = connection.execute(loose.order_by(first).limit(each * most)).scalars().all()
    return [ProductImages(product=None, files=tuple(files))] if files else []


def first_pictures(ledger: Ledger, ids: Collection[str]) -> dict[str, str]:
    """Return document -> the first image that it shows and that has a file; one query, and no image is counted."""
    first = (
        select(placements.c.image)
        .join_from(placements, images, images.c.id == placements.c.image)
        .join(contents, and_(contents.c.key == images.c.content_key, contents.c.file.is_not(None)))
        .where(placements.c.document == documents.c.id, placements.c.state.in_(COUNTED))
        .order_by(placements.c.ordinal)
        .limit(1)
        .scalar_subquery()
    )
    with ledger.read() as connection:
        found = select_in(connection, select(documents.c.id, first.label("image")), documents.c.id, ids)
        return {row.id: row.image for row in found if row.image}
