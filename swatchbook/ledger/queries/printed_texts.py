"""Read the texts of images, products and chunks, so that a search can check a result for the words of a question.

These are captions, the text around pictures, analyses and chunks.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, select

from swatchbook.ledger.database import Ledger, select_in
from swatchbook.ledger.queries.search_results import chunks_of_images, products_of_images
from swatchbook.ledger.read_cache import ReadCache
from swatchbook.ledger.tables import chunks, contents, images, links, placements
from swatchbook.records import COUNTED, LinkKind, ResultKind


def texts_of(known: ReadCache, by: ResultKind, ids: Sequence[str]) -> dict[str, list[str]]:
    """Return image, product or chunk -> its texts, for the ids that exist; some texts may occur twice.

    A product has the texts of its chunks and images; an image those of the chunks and products that it is linked to.
    """
    if by == "product":
        return known.each(_texts_of_products, ids)
    linked = known.each(chunks_of_images, ids) if by == "image" else {}
    products = known.each(products_of_images, ids) if by == "image" else {}
    of_products = known.each(_texts_of_products, [p for i in ids for p in products.get(i, ())])
    own = known.each(_own_texts, [each for i in ids for each in (i, *linked.get(i, ()))])
    return {
        i: [
            *(own[each] for each in (i, *linked.get(i, ())) if each in own),
            *(text for p in products.get(i, ()) for text in of_products.get(p, ())),
        ]
        for i in ids
    }


def _texts_of_products(ledger: Ledger, ids: Sequence[str]) -> dict[str, list[str]]:
    """Return product -> the texts of its chunks and images, each once, because many images share a text."""
    sources = defaultdict[str, dict[str, None]](dict)
    with ledger.read() as connection:
        for query in (_CHUNKS_OF_PRODUCTS, _IMAGES_OF_PRODUCTS):
            for source, product in select_in(connection, query, links.c.target, ids):
                sources[product][source] = None
    said = _own_texts(ledger, [source for of in sources.values() for source in of])
    return {product: list(dict.fromkeys(said[each] for each in of if each in said)) for product, of in sources.items()}


def _own_texts(ledger: Ledger, ids: Sequence[str]) -> dict[str, str]:
    """Return chunk or image -> its own texts, for the ids that exist."""
    with ledger.read() as connection:
        return _texts(connection, _CHUNKS, chunks.c.id, ids) | _texts(connection, _IMAGES, images.c.id, ids)


def _texts(connection: Connection, query: Any, column: Any, ids: Collection[str]) -> dict[str, str]:
    """Return id -> all texts of its rows, each once."""
    texts = defaultdict[str, dict[str, None]](dict)
    for source, *parts in select_in(connection, query, column, ids):
        for part in parts:
            for text in part if isinstance(part, list) else [part]:
                texts[source][text or ""] = None
    return {source: "\n".join(each) for source, each in texts.items()}


_CHUNKS = select(chunks.c.id, chunks.c.record["headings"], chunks.c.record["text"].as_string())
_IMAGES = (
    select(images.c.id, placements.c.caption, placements.c.nearby_text, contents.c.text)
    .join(placements, placements.c.image == images.c.id)
    .outerjoin(contents, contents.c.key == images.c.text_key)
    .where(placements.c.state.in_(COUNTED))
)
_CHUNKS_OF_PRODUCTS = select(links.c.source, links.c.target).where(links.c.kind == LinkKind.CHUNK_PRODUCT)
_IMAGES_OF_PRODUCTS = (
    select(placements.c.image, links.c.target)
    .join(links, links.c.source == placements.c.id)
    .where(links.c.kind == LinkKind.IMAGE_PRODUCT, placements.c.state.in_(COUNTED))
)
