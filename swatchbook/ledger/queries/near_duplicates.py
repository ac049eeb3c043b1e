"""Read the hash, size and visual vector of images, from which near duplicates are found."""

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import and_, select

from swatchbook.ledger.database import Ledger, select_in
from swatchbook.ledger.dirty import is_searchable
from swatchbook.ledger.tables import contents, images, vectors
from swatchbook.records import Record, Role


class HashedImage(Record):
    """A searchable image whose picture has a hash. `phash`: 64 bits; sizes are pixels."""

    id: str
    owner: str
    content_key: str
    phash: int
    width: int
    height: int


def hashed_images(ledger: Ledger, *, owner: str | None = None, ids: Collection[str] | None = None) -> list[HashedImage]:
    """Return the images of an owner, or of all owners, that have a hash; `ids`: only these. Ordered by id."""
    query = (
        select(images.c.id, images.c.owner, contents.c.key, contents.c.phash, contents.c.width, contents.c.height)
        .join_from(images, contents, contents.c.key == images.c.content_key)
        .where(is_searchable(images), contents.c.phash.is_not(None), contents.c.width > 0, contents.c.height > 0)
    )
    if owner is not None:
        query = query.where(images.c.owner == owner)
    with ledger.read() as connection:
        rows = connection.execute(query) if ids is None else select_in(connection, query, images.c.id, ids)
        found = [
            HashedImage(
                id=row.id,
                owner=row.owner,
                content_key=row.key,
                phash=int(row.phash, 16),
                width=row.width,
                height=row.height,
            )
            for row in rows
        ]
    return sorted(found, key=lambda image: image.id)


def vectors_of(ledger: Ledger, role: Role, tag: str, keys: Collection[str]) -> dict[str, NDArray[np.float32]]:
    """Return content key -> vector (dimension,) float32 of this role, of those that have one of this tag."""
    query = select(vectors.c.key, vectors.c.data).where(and_(vectors.c.role == role, vectors.c.tag == tag))
    with ledger.read() as connection:
        rows = select_in(connection, query, vectors.c.key, keys)
        return {row.key: np.frombuffer(row.data, "<f4") for row in rows}
