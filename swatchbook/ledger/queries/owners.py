"""List the owners with the account of each; refuse an unknown owner with the names nearest to it."""

from collections.abc import Collection
from difflib import SequenceMatcher

from sqlalchemy import func, select

from swatchbook.errors import UnknownOwner
from swatchbook.ledger.database import Ledger
from swatchbook.ledger.image_states import shown_images, states_of_images
from swatchbook.ledger.tables import documents, images
from swatchbook.records import ImageState, Record

_CHOICES = 10
"""Owners that an error names at most."""


class OwnerAccount(Record):
    """One owner's images: found = complete + partial + failed + rejected + pending."""

    owner: str
    documents: int
    found: int = 0
    complete: int = 0
    partial: int = 0
    failed: int = 0
    rejected: int = 0
    pending: int = 0

    @property
    def missing(self) -> int:
        """Images that are not complete."""
        return self.found - self.complete


def known_owners(ledger: Ledger) -> list[str]:
    """Return the owners of documents, sorted."""
    with ledger.read() as connection:
        return sorted(connection.execute(select(documents.c.owner).distinct()).scalars())


def require_owner(ledger: Ledger, owner: str, *, others: Collection[str] = ()) -> None:
    """Raise UnknownOwner, which names the nearest known ones first, unless the owner has a document or is in `others`.

    An empty collection of a misspelt owner would look as if everything in it were done.
    """
    known = {*known_owners(ledger), *others}
    if owner in known:
        return
    nearest = sorted(known, key=lambda name: (-_likeness(owner, name), name))
    named = ", ".join(nearest[:_CHOICES]) + (", …" if len(nearest) > _CHOICES else "")
    advice = f"Known owners: {named}." if named else "Nothing has been ingested yet."
    raise UnknownOwner(f"There is no owner {owner!r}.", advice=advice)


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, one.casefold(), other.casefold()).ratio()


def owner_accounts(ledger: Ledger) -> list[OwnerAccount]:
    """Return the account of every owner with a document, most missing images first."""
    states = states_of_images(shown_images()).subquery("states")
    counted = (
        select(images.c.owner, states.c.state, func.count())
        .join_from(states, images, images.c.id == states.c.image)
        .group_by(images.c.owner, states.c.state)
    )
    by_owner = dict[str, dict[str, int]]()
    with ledger.read() as connection:
        document_counts = (
            connection.execute(select(documents.c.owner, func.count()).group_by(documents.c.owner)).tuples().all()
        )
        for owner, state, count in connection.execute(counted):
            by_owner.setdefault(owner, {})[state] = count
    accounts = [
        OwnerAccount(
            owner=owner,
            documents=count,
            found=sum(by_owner.get(owner, {}).values()),
            **{state.value: by_owner.get(owner, {}).get(state.value, 0) for state in ImageState},
        )
        for owner, count in document_counts
    ]
    return sorted(accounts, key=lambda account: (-account.missing, account.owner))
