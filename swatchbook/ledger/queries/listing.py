"""Ids of all images, products or chunks that can be found, newest document first: what is browsed, and what facets
count. Images and chunks are those that are published.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Select, select

from swatchbook.index.base import Where
from swatchbook.ledger.tables import chunks, documents, images, placements, products
from swatchbook.records import COUNTED, ResultKind


def listed_ids(connection: Connection, by: ResultKind, where: Where) -> list[str]:
    """Return the ids of what the owners, documents and editions in the filters have; other filters are not applied.

    Those of one document follow each other in its order; an image counts where it is shown first.
    """
    query = _LISTED[by]
    if where.whose:
        query = query.where(documents.c.owner.in_(where.whose))
    if where.document:
        query = query.where(documents.c.id.in_(where.document))
    if where.newest_only:
        query = query.where(documents.c.superseded_by.is_(None))
    return list(dict.fromkeys(connection.execute(query).scalars()))


def _newest_first(query: Select[Any], ordinal: Any) -> Select[Any]:
    return query.order_by(documents.c.created_at.desc(), documents.c.id, ordinal)


_LISTED: Mapping[ResultKind, Select[Any]] = {
    "image": _newest_first(
        select(placements.c.image)
        .join(images, images.c.id == placements.c.image)
        .join(documents, documents.c.id == placements.c.document)
        .where(placements.c.state.in_(COUNTED), images.c.published > 0, ~images.c.gone),
        placements.c.ordinal,
    ),
    "product": _newest_first(select(products.c.id).join(documents), products.c.ordinal),
    "chunk": _newest_first(
        select(chunks.c.id).join(documents).where(chunks.c.published > 0, ~chunks.c.gone), chunks.c.ordinal
    ),
}
