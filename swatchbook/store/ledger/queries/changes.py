"""What changed in documents since a time, as far as the times of the ledger tell: of whole documents.

A document counts as changed if anything was done to it since: a run, an edit of its products, a newer edition, a rename
of its owner. Products that are gone are those of documents in the trash, and those that edits since removed. What left
the trash, and what a document lost when it was ingested again, has no time.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, or_, select, union

from swatchbook.domain.records import COUNTED, LinkKind, Product, ProductDetails, ProductPicture, Record, Trashed
from swatchbook.store.ledger.database import Ledger, select_in
from swatchbook.store.ledger.edited_products import read_found
from swatchbook.store.ledger.image_states import picture_file
from swatchbook.store.ledger.tables import contents, documents, hand_edits, products
from swatchbook.store.ledger.trashed_documents import kept_rows


class ChangedDocuments(Record):
    """Documents, by id, that came since a time; older ones that changed since; of both those that were edited since."""

    new: frozenset[str]
    changed: frozenset[str]
    edited: frozenset[str]


def changed_documents(ledger: Ledger, since: float) -> ChangedDocuments:
    """Return what happened to documents of all owners since a time, in Unix seconds. A live run counts, too."""
    edits = select(hand_edits.c.document).where(or_(hand_edits.c.at >= since, hand_edits.c.undone_at >= since))
    worked_on = select(documents.c.id).where(or_(documents.c.updated_at >= since, documents.c.run.is_not(None)))
    came = select(documents.c.id).where(documents.c.created_at >= since)
    with ledger.read() as connection:
        new, edited, changed = (
            frozenset(connection.execute(query).scalars()) for query in (came, edits, union(worked_on, edits))
        )
    return ChangedDocuments(new=new, changed=changed - new, edited=edited)


def removed_by_edits(ledger: Ledger, document: str) -> list[ProductDetails]:
    """Return the products that a document had before people edited it and has no longer, without pictures."""
    here = select(products.c.id).where(products.c.document == document)
    named = select(documents.c.name, documents.c.owner).where(documents.c.id == document)
    with ledger.read() as connection:
        row = connection.execute(named).one_or_none()
        if row is None:
            return []
        kept = set(connection.execute(here).scalars())
        found = [each for each in read_found(connection, document).products if each.id not in kept]
    return [_details(each, document, row.name, row.owner) for each in found]


def trashed_products(ledger: Ledger, trashed: Trashed) -> list[ProductDetails]:
    """Return the products of a document in the trash as they were, with their pictures; none if it has left it."""
    kept: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    with ledger.read() as connection:
        for name, rows in kept_rows(connection, trashed.document):
            if name in ("images", "placements", "products", "links"):
                kept[name] += rows
        pictures = _pictures(connection, kept)
    ordered = sorted(kept["products"], key=lambda row: (row["ordinal"], row["id"]))
    found = (Product.model_validate(row["record"]) for row in ordered)
    return [
        _details(each, trashed.document, trashed.name, trashed.owner, tuple(pictures.get(each.id, ())))
        for each in found
    ]


def _details(
    product: Product, document: str, name: str, owner: str, pictures: tuple[ProductPicture, ...] = ()
) -> ProductDetails:
    return ProductDetails(**dict(product), document_id=document, document=name, owner=owner, pictures=pictures)


def _pictures(connection: Connection, kept: Mapping[str, list[dict[str, Any]]]) -> dict[str, list[ProductPicture]]:
    """Return product -> its pictures, best link first, each once, from rows in the trash."""
    images = {row["id"]: row for row in kept["images"]}
    keys = {row["content_key"] for row in images.values()}
    named = select(contents.c.key, picture_file).where(picture_file.is_not(None))
    files = {row.key: row.file for row in select_in(connection, named, contents.c.key, keys)}
    pictures: dict[str, dict[str, ProductPicture]] = {}
    for link, place in _by_score(kept):
        image = images[place["image"]]
        if file := files.get(image["content_key"]):
            size = {name: image[name] for name in ("width", "height")}
            shown = {"page": place["page"], "caption": place["caption"]}
            shown |= {"score": link["score"], "role": link["role"]}
            picture = ProductPicture(id=image["id"], file=file, **size, **shown)
            pictures.setdefault(link["target"], {}).setdefault(picture.id, picture)
    return {product: list(by_id.values()) for product, by_id in pictures.items()}


def _by_score(kept: Mapping[str, list[dict[str, Any]]]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield the links of products with the placements that they link, best first."""
    places = {row["id"]: row for row in kept["placements"] if row["state"] in COUNTED}
    linked = [row for row in kept["links"] if row["kind"] == LinkKind.IMAGE_PRODUCT and row["source"] in places]
    for link in sorted(linked, key=lambda row: (-row["score"], places[row["source"]]["ordinal"])):
        yield link, places[link["source"]]
