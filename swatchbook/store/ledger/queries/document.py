"""Read all that `show --json` prints of a document: products, images, placements, chunks, entities and links."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection, Row, select

from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.records import Product, Role
from swatchbook.store.ledger.database import Ledger, Source, select_in
from swatchbook.store.ledger.image_states import items_of_images, picture_file, shown_images, states_of_images
from swatchbook.store.ledger.image_text import analyses_in_use
from swatchbook.store.ledger.page_findings import (
    list_look_at,
    list_lost_pictures,
    read_entities,
    read_unassigned,
    skipped_pages,
)
from swatchbook.store.ledger.picture_reviews import reviews_of
from swatchbook.store.ledger.tables import (
    chunks,
    contents,
    documents,
    images,
    links,
    pages,
    placements,
    products,
    requested,
)


def read_products(ledger: Ledger, document: str) -> list[Product]:
    """Return the document's products, in order."""
    return list(map(Product.model_validate, _records(ledger, products, document)))


_OF_PRODUCT = (
    "id", "name", "category", "code", "variants", "first_page", "last_page", "pages", "metadata",
    "confidence", "evidence", "family", "occurrences",
)  # fmt: skip
_OF_PLACEMENT = ("id", "page", "bbox", "kind", "state", "reason", "xref", "path", "caption")


_NOT_SHOWN = ("report", "run", "deaths", "readings")  # columns of `documents`


def show_document(ledger: Ledger, document: str) -> dict[str, Any]:
    """Return all that the ledger has of a document. Raises InvalidReference for an unstored id.

    An image's `status` is its state in the account; one that no placement shows is `hidden` or `decorative`, and not
    counted.
    """
    with ledger.read() as connection:
        stored = connection.execute(select(documents).where(documents.c.id == document)).mappings().one_or_none()
        if stored is None:
            raise InvalidReference(f"There is no document {document}.")
        boxes = select(pages.c.number, pages.c.box).where(pages.c.document == document).order_by(pages.c.number)
        items_of = _items(connection, document)
        return {
            "document": {name: value for name, value in stored.items() if name not in _NOT_SHOWN},
            "page_boxes": {str(n): box for n, box in connection.execute(boxes) if box[2] > box[0]},  # of readable ones
            "skipped_pages": [page.model_dump(mode="json") for page in skipped_pages(connection, document)],
            "lost_pictures": [lost.model_dump(mode="json") for lost in list_lost_pictures(connection, document)],
            "unassigned": [left.model_dump(mode="json") for left in read_unassigned(connection, document)],
            "sure": (stored["report"] or {}).get("sure"),
            "look_at": [each.model_dump(mode="json") for each in list_look_at(connection, document)],
            "products": [
                {part: record.get(part) for part in _OF_PRODUCT} for record in _records(connection, products, document)
            ],
            "images": [row | {"items": items_of.get(row["id"], [])} for row in image_rows(connection, document)],
            "chunks": _records(connection, chunks, document),
            "entities": read_entities(connection, document),
            "links": [
                {name: r[name] for name in ("kind", "source", "target", "score", "evidence", "role", "shared")}
                for r in connection.execute(
                    select(links)
                    .where(links.c.document == document)
                    .order_by(links.c.kind, links.c.source, links.c.score.desc(), links.c.target)
                ).mappings()
            ],
        }


def _records(source: Source, table: Any, document: str) -> list[dict[str, Any]]:
    query = select(table.c.record).where(table.c.document == document).order_by(table.c.ordinal)
    if "gone" in table.c:
        query = query.where(~table.c.gone)
    return list(source.execute(query).scalars())


def image_rows(connection: Connection, document: str, only: Collection[str] | None = None) -> list[dict[str, Any]]:
    """Return every image that the document places, in reading order; of these only those in `only`, if given.

    One that cannot be read has no size.
    """
    placed = defaultdict[str, list[Row[Any]]](list)
    query = select(placements).where(placements.c.document == document).order_by(placements.c.ordinal)
    for row in connection.execute(query) if only is None else select_in(connection, query, placements.c.image, only):
        placed[row.image].append(row)
    shown = states_of_images(shown_images(document=document, only=only))
    states = dict(connection.execute(shown).tuples().all())
    rows = {row.id: row for row in select_in(connection, select(images), images.c.id, placed)}
    keys = {row.content_key for row in rows.values()}
    unreadable = select(contents.c.key).where(picture_file.is_(None))
    broken = {row.key for row in select_in(connection, unreadable, contents.c.key, keys)}
    requested_tags = select(requested.c.tag).where(requested.c.document == document, requested.c.role == Role.ANALYSIS)
    tags = set(connection.execute(requested_tags).scalars())
    reviewed = {image: review for (image, tag), review in reviews_of(connection, rows).items() if tag in tags}
    analyses = {used.image: used.record for used in analyses_in_use(connection, rows, tags) if not used.dismissed}
    return [
        {
            "id": image,
            "content_key": rows[image].content_key,
            "width": None if rows[image].content_key in broken else rows[image].width,
            "height": None if rows[image].content_key in broken else rows[image].height,
            "status": states.get(image, places[0].state),
            "quality": rows[image].quality,
            "needs_review": rows[image].needs_review,
            "analysis": analyses.get(image),
            "review": reviewed[image].model_dump(mode="json") if image in reviewed else None,
            "placements": [{part: getattr(place, part) for part in _OF_PLACEMENT} for place in places],
        }
        for image, places in placed.items()
    ]


def _items(connection: Connection, document: str) -> Mapping[str, list[dict[str, Any]]]:
    """Return image -> its requested items."""
    by_image = defaultdict[str, list[dict[str, Any]]](list)
    for row in connection.execute(items_of_images(shown_images(document=document))).mappings():
        by_image[row["id"]].append({name: value for name, value in row.items() if name != "id"})
    return by_image
