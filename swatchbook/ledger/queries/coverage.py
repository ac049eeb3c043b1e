"""Count the coverage: how many images have vectors, by (role, tag), and how much is not published yet; for an owner
or all.
"""

from collections.abc import Collection

from sqlalchemy import and_, func, select

from swatchbook.ledger.database import Ledger
from swatchbook.ledger.documents import owned_by
from swatchbook.ledger.image_states import image_item_state, image_items, shown_images, shows_analysis
from swatchbook.ledger.publishing import count_unpublished
from swatchbook.ledger.tables import documents, images, requested
from swatchbook.records import ItemState, Record, Role


class RoleCoverage(Record):
    """Counts of the items of a (role, tag), in images that request it."""

    role: Role
    tag: str
    wanted: int
    done: int
    failed: int
    rejected: int
    pending: int


class Coverage(Record):
    """How much of a collection has vectors; an image with at least one counts."""

    total_images: int
    with_embeddings: int
    without_embeddings: int
    coverage_percentage: float
    unpublished: int
    roles: tuple[RoleCoverage, ...]
    documents: dict[str, int]  # by status


def count_coverage(ledger: Ledger, owner: str | None = None, roles: Collection[Role] = ()) -> Coverage:
    """Return how much of the collection of an owner, or of all owners, has vectors, by (role, tag).

    `roles`: only vectors of these count; none means all.
    """
    shown = image_items(shown_images(owner=owner))
    embedded = and_(image_item_state == ItemState.DONE, requested.c.role != Role.ANALYSIS, ~shows_analysis)
    chosen = requested.c.role.in_(roles) if roles else requested.c.role.is_not(None)
    with ledger.read() as connection:
        total = connection.execute(select(func.count(images.c.id.distinct())).select_from(shown)).scalar_one()
        with_vectors = connection.execute(
            select(func.count(images.c.id.distinct())).select_from(shown).where(embedded, chosen)
        ).scalar_one()
        by_role = dict[tuple[str, str], dict[str, int]]()
        for role, tag, state, count in connection.execute(
            select(requested.c.role, requested.c.tag, image_item_state, func.count(images.c.id.distinct()))
            .select_from(shown)
            .where(chosen)
            .group_by(requested.c.role, requested.c.tag, image_item_state)
            .order_by(requested.c.role, requested.c.tag)
        ):
            by_role.setdefault((role, tag), {})[state] = count
    return Coverage(
        total_images=total,
        with_embeddings=with_vectors,
        without_embeddings=total - with_vectors,
        coverage_percentage=round(100 * with_vectors / total, 2) if total else 100.0,
        unpublished=count_unpublished(ledger, owner=owner),
        roles=tuple(_role_coverage(role, tag, states) for (role, tag), states in by_role.items()),
        documents=count_documents(ledger, owner),
    )


def count_documents(ledger: Ledger, owner: str | None = None) -> dict[str, int]:
    """Return status -> number of documents of an owner, or of all owners."""
    statuses = select(documents.c.status, func.count()).where(*owned_by(owner)).group_by(documents.c.status)
    with ledger.read() as connection:
        return dict(connection.execute(statuses).tuples().all())


def _role_coverage(role: str, tag: str, states: dict[str, int]) -> RoleCoverage:
    still_open = states.get(ItemState.PENDING.value, 0) + states.get(ItemState.LEASED.value, 0)
    settled = {
        state.value: states.get(state.value, 0) for state in (ItemState.DONE, ItemState.FAILED, ItemState.REJECTED)
    }
    return RoleCoverage(role=Role(role), tag=tag, wanted=sum(states.values()), **settled, pending=still_open)
