"""List the owners with the account of each, or with what each has; refuse an unknown owner with the nearest names."""

from collections import Counter, defaultdict
from collections.abc import Collection
from difflib import SequenceMatcher

from sqlalchemy import func, select, union

from swatchbook.errors import UnknownOwner
from swatchbook.ledger.database import Ledger
from swatchbook.ledger.image_states import shown_images, states_of_images
from swatchbook.ledger.spaces import count_vectors
from swatchbook.ledger.tables import contents, documents, images, products, trash
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


class OwnerCounts(Record):
    """Counts of an owner. `bytes`: of its files and pictures; a file shared with another owner counts for both."""

    owner: str
    documents: dict[str, int]  # by status
    products: int
    images: int
    vectors: int
    bytes: int


def known_owners(ledger: Ledger) -> list[str]:
    """Return the owners of documents, also of those in the trash, sorted."""
    with ledger.read() as connection:
        return sorted(connection.execute(union(select(documents.c.owner), select(trash.c.owner))).scalars())


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


def count_owners(ledger: Ledger) -> list[OwnerCounts]:
    """Return what every owner of a document has, by name."""
    statuses = select(documents.c.owner, documents.c.status, func.count(), func.sum(documents.c.size)).group_by(
        documents.c.owner, documents.c.status
    )
    found = select(documents.c.owner, func.count()).join_from(products, documents).group_by(documents.c.owner)
    pictures = (
        select(images.c.owner, func.count(), func.sum(contents.c.size))
        .join_from(images, contents, contents.c.key == images.c.content_key, isouter=True)
        .where(images.c.id.in_(select(shown_images().c.image)))
        .group_by(images.c.owner)
    )
    by_status, image_counts, sizes = defaultdict[str, dict[str, int]](dict), Counter[str](), Counter[str]()
    with ledger.read() as connection:
        for owner, status, count, size in connection.execute(statuses):
            by_status[owner][status] = count
            sizes[owner] += size
        for owner, count, size in connection.execute(pictures):
            image_counts[owner] = count
            sizes[owner] += size or 0
        product_counts = Counter(dict(connection.execute(found).tuples().all()))
    return [
        OwnerCounts(
            owner=owner,
            documents=by_status[owner],
            products=product_counts[owner],
            images=image_counts[owner],
            vectors=sum(each.objects for each in count_vectors(ledger, owner)),
            bytes=sizes[owner],
        )
        for owner in sorted(by_status)
    ]


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
