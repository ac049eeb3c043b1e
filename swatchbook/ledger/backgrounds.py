"""Store the similarity of an owner's objects in a space to unrelated questions, which a search has estimated."""

from collections.abc import Mapping

from sqlalchemy import select

from swatchbook.ledger.database import Ledger, upsert
from swatchbook.ledger.tables import backgrounds
from swatchbook.records import RoleTag

_ALL = ""
"""Stands for all owners: no name of an owner is empty."""


def find_background(ledger: Ledger, pair: RoleTag, owner: str | None) -> Mapping[str, float] | None:
    """Return `mean`, `deviation` and the number of `objects` of an owner or of all; None if it is not estimated."""
    query = select(backgrounds.c.mean, backgrounds.c.deviation, backgrounds.c.objects).where(
        backgrounds.c.role == pair.role, backgrounds.c.tag == pair.tag, backgrounds.c.owner == (owner or _ALL)
    )
    with ledger.read() as connection:
        row = connection.execute(query).mappings().first()
        return None if row is None else dict(row)


def keep_background(ledger: Ledger, pair: RoleTag, owner: str | None, estimated: Mapping[str, float]) -> None:
    """Keep these three for the searches to come."""
    row = {"role": pair.role, "tag": pair.tag, "owner": owner or _ALL}
    with ledger.write() as connection:
        new = upsert(connection, backgrounds).values(**row, **estimated)
        connection.execute(new.on_conflict_do_update(index_elements=list(row), set_=dict(estimated)))
