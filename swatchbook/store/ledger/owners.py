"""List owners, refuse unknown ones, rename one, and compute the ids of an owner's documents and images.

Ids are made of the owner's *seed*: its name, or that under which the collection began if it was renamed. So a renamed
collection keeps its ids, and the same file is still the same document. Whoever uses the old name next gets another
seed.
"""

from collections.abc import Collection, Mapping
from difflib import SequenceMatcher
from typing import Any

from sqlalchemy import Connection, select, text, union, update
from ulid import ULID

from swatchbook.domain.errors import InvalidReference, UnknownOwner
from swatchbook.domain.records import document_id
from swatchbook.store.ledger.bulk_rows import insert_new_rows, upsert_rows
from swatchbook.store.ledger.database import Ledger, Source, db_now
from swatchbook.store.ledger.dirty import mark_documents
from swatchbook.store.ledger.tables import documents, images, inbox, owner_seeds, trash


def seed_of(source: Source, owner: str) -> str:
    """Return the name from which an owner's ids are made."""
    query = select(owner_seeds.c.seed).where(owner_seeds.c.owner == owner)
    return source.execute(query).scalar_one_or_none() or owner


def id_of_document(ledger: Ledger, owner: str, content: str) -> str:
    """Return the id that an owner's document with this content has, or would have."""
    return document_id(seed_of(ledger, owner), content)


def rename(ledger: Ledger, old: str, new: str) -> bool:
    """Give an owner's collection another name, in one transaction; what is searchable must be published again.

    Returns whether the collection has the new name now, also if it was renamed before; False if there is no such owner.
    Raises InvalidReference for a name that is in use.
    """
    with ledger.write() as connection:
        if connection.dialect.name == "postgresql":  # uploads take no turn: let those end that have read a seed
            connection.execute(text("LOCK TABLE owner_seeds"))
        renamed = select(owner_seeds.c.owner).where(owner_seeds.c.owner == old, owner_seeds.c.renamed_to == new)
        used = {*connection.execute(_USED).scalars()}
        if old not in used:
            return connection.execute(renamed).first() is not None and new in used
        if new in used:
            raise InvalidReference(
                f"There is already an owner {new!r}.", advice="Choose another name: collections cannot be merged."
            )
        seeds = ((new, seed_of(connection, old), None), (old, str(ULID()), new))
        rows = [{"owner": owner, "seed": seed, "renamed_to": renamed_to} for owner, seed, renamed_to in seeds]
        upsert_rows(connection, owner_seeds, rows)
        for table in (documents, images, trash, inbox):
            connection.execute(update(table).where(table.c.owner == old).values(owner=new))
        connection.execute(update(documents).where(documents.c.owner == new).values(updated_at=db_now()))
        mark_documents(connection, documents.c.owner == new)
    return True


def require_same_seeds(connection: Connection, seeds: Mapping[str, str]) -> None:
    """Raise InvalidReference unless collections of these owners, by owner the seed of their ids, can be merged here."""
    stored = {row.owner: row.seed for row in connection.execute(select(owner_seeds.c.owner, owner_seeds.c.seed))}
    here = {owner: stored.get(owner, owner) for owner in connection.execute(_USED).scalars()}
    owner_by_seed = {seed: owner for owner, seed in here.items()}
    for owner, seed in sorted(seeds.items()):
        if here.get(owner, seed) != seed:
            raise InvalidReference(
                f"The owner {owner!r} there and the one here are two collections: one of them was renamed.",
                advice=f"Rename the one here: `swatchbook owners rename {owner} NEW`. Then both can be here.",
            )
        if (other := owner_by_seed.get(seed, owner)) != owner:
            raise InvalidReference(
                f"The owner {owner!r} there is the same collection as {other!r} here: it was renamed.",
                advice=f"Give it the same name here: `swatchbook owners rename {other} {owner}`.",
            )


def adopt_seeds(connection: Connection, seeds: Mapping[str, str], renamed: Collection[Mapping[str, Any]]) -> None:
    """Take over the seeds of owners that have nothing here. `renamed`: rows of `owner_seeds`, also of former names.

    A former name that is free here gets the seed that it has there: with its own, it would make ids that are taken.
    Raises as `require_same_seeds`.
    """
    require_same_seeds(connection, seeds)
    used = {*connection.execute(_USED).scalars()}
    for owner, seed in seeds.items():
        if owner not in used and seed_of(connection, owner) != seed:
            upsert_rows(connection, owner_seeds, [{"owner": owner, "seed": seed, "renamed_to": None}])
    former = [dict(row) for row in renamed if row["owner"] not in used and row["owner"] not in seeds]
    insert_new_rows(connection, owner_seeds, former)


_USED = union(select(documents.c.owner), select(images.c.owner), select(trash.c.owner))


def used_owners(ledger: Ledger) -> set[str]:
    """Return the owners that have a document, also in the trash, or an image that is being removed."""
    return set(ledger.execute(_USED).scalars())


_CHOICES = 10
"""Owners that an error names at most."""


def known_owners(ledger: Ledger) -> list[str]:
    """Return the owners of documents, also of those in the trash, sorted."""
    return sorted(ledger.execute(union(select(documents.c.owner), select(trash.c.owner))).scalars())


def require_owner(ledger: Ledger, owner: str, *, others: Collection[str] = ()) -> None:
    """Raise UnknownOwner, which names the nearest known ones first, unless the owner has a document or is in `others`.

    An empty collection of a misspelt owner would look as if everything in it were done.
    """
    known = {*known_owners(ledger), *others}
    if owner in known:
        return
    nearest = sorted(known, key=lambda name: (-SequenceMatcher(None, owner.casefold(), name.casefold()).ratio(), name))
    named = ", ".join(nearest[:_CHOICES]) + (", …" if len(nearest) > _CHOICES else "")
    advice = f"Known owners: {named}." if named else "Nothing has been ingested yet."
    raise UnknownOwner(f"There is no owner {owner!r}.", advice=advice)
