"""Count the images of an owner, or of all, that have vectors, by (role, tag), and what is not published yet."""

from collections import Counter, defaultdict
from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, case, func, or_, select

from swatchbook.domain.records import (
    Coverage,
    DocumentStatus,
    ImageCounts,
    ImageState,
    ItemState,
    Record,
    Role,
    RoleCoverage,
)
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.image_states import image_groups, shown_images
from swatchbook.store.ledger.page_findings import count_lost_pictures
from swatchbook.store.ledger.publishing import count_unpublished
from swatchbook.store.ledger.stored_documents import owned_by
from swatchbook.store.ledger.tables import documents


def count_documents(ledger: Ledger, owner: str | None = None) -> dict[str, int]:
    """Return status -> number of documents of an owner, or of all owners."""
    statuses = select(documents.c.status, func.count()).where(*owned_by(owner)).group_by(documents.c.status)
    return dict(ledger.execute(statuses).tuples().all())


class Reported(NamedTuple):
    """Counts of a document's last report: of its items, if it is a folder or batch, else of its images."""

    found: int
    failed: int
    lacking: int
    waiting: int
    other: bool  # anything else has failed
    doubts: bool  # a person should look at it


def completed_with_rest(ledger: Ledger, owner: str | None = None) -> list[Reported]:
    """Return the counts of each completed document of an owner, or of all, of which something waits or has failed."""
    of_items = _reported("items", "total_items") > 0
    incomplete = _reported("images_partial") + _reported("images_failed") + _reported("images_rejected")
    lacking = _reported("items", "partial_items") + _reported("items", "bare_items")
    failed = case((of_items, _reported("items", "failed_items")), else_=incomplete)
    waiting = case((of_items, _reported("items", "pending_items")), else_=_reported("images_pending"))
    others, pictures = (documents.c.report[name] for name in ("other_failures", "failed_images"))
    refused = and_(~of_items, pictures.as_string() != "[]")
    found = case((of_items, _reported("items", "total_items")), else_=_reported("images_found"))
    doubts = func.coalesce(documents.c.report["doubts"].as_string(), "[]") != "[]"
    rest = or_(failed > 0, lacking > 0, waiting > 0, others.as_string() != "[]", refused, doubts)
    query = select(found, failed, lacking, waiting, refused, doubts, others).where(
        documents.c.status == DocumentStatus.COMPLETED, *owned_by(owner), rest
    )

    return [
        Reported(total, bad, bare, left, is_refused or any(each["subject"] != "item" for each in rest or ()), doubt)
        for total, bad, bare, left, is_refused, doubt, rest in ledger.execute(query)
    ]


def _reported(*path: str) -> ColumnElement[int]:
    """Return a number of a document's last report, 0 if it has none."""
    return func.coalesce(documents.c.report[path].as_integer(), 0)


def _role_coverage(role: Role, tag: str, states: Counter[ItemState]) -> RoleCoverage:
    return RoleCoverage(
        role=role,
        tag=tag,
        wanted=states.total(),
        done=states[ItemState.DONE],
        failed=states[ItemState.FAILED],
        rejected=states[ItemState.REJECTED],
        pending=states[ItemState.PENDING] + states[ItemState.LEASED],
    )


class Counts(Record):
    """The counts of a collection. `failures`: kind -> images with an item that failed in this way."""

    images: ImageCounts
    failures: dict[str, int]
    coverage: Coverage


def count_statistics(ledger: Ledger, owner: str | None = None, roles: Collection[Role] = ()) -> Counts:
    """Return the counts of an owner's collection, or of all owners; the coverage is of these roles (none: all)."""
    with ledger.read() as connection:
        groups = image_groups(connection, shown_images(owner=owner))
    states, failures, with_vectors = Counter[str](), Counter[str](), 0
    by_role = defaultdict[tuple[Role, str], Counter[ItemState]](Counter)
    for group in groups:
        states[group.state.value] += group.images
        for kind in {item.kind for item in group.items if item.kind}:
            failures[kind] += group.images
        chosen = [item for item in group.items if not roles or item.role in roles]
        with_vectors += group.images if any(item.embedded for item in chosen) else 0
        for item in chosen:
            by_role[item.role, item.tag][item.state] += group.images
    total = states.total()
    coverage = Coverage(
        total_images=total,
        with_embeddings=with_vectors,
        without_embeddings=total - with_vectors,
        coverage_percentage=round(100 * with_vectors / total, 2) if total else 100.0,
        unpublished=count_unpublished(ledger, owner=owner),
        roles=tuple(_role_coverage(role, tag, each) for (role, tag), each in sorted(by_role.items())),
        documents=count_documents(ledger, owner),
        lost_pictures=count_lost_pictures(ledger, owner),
    )
    images = ImageCounts(found=total, **{state.value: states[state.value] for state in ImageState})
    return Counts(images=images, failures=dict(sorted(failures.items())), coverage=coverage)
