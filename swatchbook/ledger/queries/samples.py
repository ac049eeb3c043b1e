"""Samples of a collection, always the same ones: ids are hashes, so the first ones by id are as good as random."""

from sqlalchemy import exists, select

from swatchbook.ledger.database import Ledger
from swatchbook.ledger.dirty import is_searchable
from swatchbook.ledger.spaces import object_key, objects_table, of_owner
from swatchbook.ledger.tables import products, vectors
from swatchbook.records import RoleTag


def sample_names(ledger: Ledger, count: int) -> list[str]:
    """Return the names of up to `count` products, each once."""
    with ledger.read() as connection:
        names = connection.execute(select(products.c.name).order_by(products.c.id).limit(4 * count)).scalars()
        return list(dict.fromkeys(names))[:count]


def sample_objects(ledger: Ledger, pair: RoleTag, count: int, owner: str | None = None) -> list[str]:
    """Return the ids of up to `count` searchable objects with a vector of this pair, of an owner or of all owners."""
    rows = objects_table(pair.role)
    has_vector = exists().where(
        vectors.c.key == object_key(pair.role), vectors.c.role == pair.role, vectors.c.tag == pair.tag
    )
    query = select(rows.c.id).where(is_searchable(rows), has_vector, *of_owner(rows, owner)).order_by(rows.c.id)
    with ledger.read() as connection:
        return list(connection.execute(query.limit(count)).scalars())
