"""Endpoints for a collection as a whole: what it holds, its near-duplicates, its state, and a retry of what failed.

They are `GET /stats`, `/near-duplicates`, `/coverage`, `/coverage/documents`, and `POST /coverage/retry`.
"""

import asyncio
import os
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from swatchbook.domain.records import (
    CollectionState,
    ImageState,
    ModelVectors,
    NearDuplicates,
    Owner,
    OwnerState,
    StaleVectors,
    Statistics,
)
from swatchbook.doors.replies import AcceptedDocuments, ListedStates, Parts, ShownCoverage
from swatchbook.resources import Resources
from swatchbook.search.near_duplicates import describe_near_duplicates
from swatchbook.store.ledger.document_commands import retry
from swatchbook.store.ledger.picture_reviews import count_images_to_review
from swatchbook.store.ledger.queries.account import count_left_out, count_shown, document_states, owner_accounts
from swatchbook.store.ledger.queries.coverage import count_statistics
from swatchbook.store.ledger.queries.stage_times import stage_weeks
from swatchbook.store.ledger.schedule import last_rounds
from swatchbook.store.ledger.space_objects import count_vectors
from swatchbook.store.ledger.space_registry import active_spaces
from swatchbook.store.ledger.stored_documents import list_documents
from swatchbook.upkeep.reports.collection_state import collect_statistics
from swatchbook.upkeep.reports.document_state import count_states, describe_account
from swatchbook.upkeep.reports.stale import chosen_tags, stale_roles
from swatchbook_service.activity import (
    daily_costs,
    daily_failures,
    daily_work,
    documents_failing,
    failing_kinds,
    failing_others,
    provider_states,
    recent_runs,
)
from swatchbook_service.auth import Caller, TheCaller, choose_known
from swatchbook_service.documents import POSITION
from swatchbook_service.health import TheWatch
from swatchbook_service.parameters import (
    OwnerOfDocuments,
    Paging,
    RequestModel,
    SearchText,
    Tools,
    cut_page,
    read_cursor,
)
from swatchbook_service.problems import documented

router = APIRouter(responses=documented(404))


class StatisticsQuery(RequestModel):
    """Whose collection."""

    owner: Owner | None = Field(
        default=None, description="Owner of the collection; required only for a key with several owners."
    )


@router.get("/stats", summary="Statistics of a collection", tags=["search"])
def stats(resources: Tools, caller: TheCaller, query: Annotated[StatisticsQuery, Query()]) -> Statistics:
    """Counts images by state, role, model tag and kind of failure; says by role how alike a sample of them is."""
    return collect_statistics(resources, choose_known(resources, caller, query.owner))


class NearDuplicatesQuery(StatisticsQuery):
    """Whose images, and how many groups."""

    limit: int = Field(default=100, ge=1, le=1_000, description="Groups to list, the largest first.")


@router.get("/near-duplicates", summary="Images that show nearly the same picture", tags=["search"])
def near_duplicates(
    resources: Tools, caller: TheCaller, query: Annotated[NearDuplicatesQuery, Query()]
) -> NearDuplicates:
    """Groups images that show one picture in another size or compression, across documents of an owner."""
    return describe_near_duplicates(resources, choose_known(resources, caller, query.owner), query.limit)


MOST_RETRIED = 500
"""Documents that are queued at once."""


class StatesQuery(Paging):
    """Whose documents, and which page of the list."""

    owner: OwnerOfDocuments = None


async def get_parts(watch: TheWatch, caller: TheCaller) -> Parts:
    """Return which parts respond; only callers who may see all owners get Prefect's troubles."""
    (database, index, _), (prefect, troubles) = await asyncio.gather(watch.parts(), watch.prefect_troubles())
    return Parts(database=database, index=index, prefect=prefect, troubles=tuple(troubles) if caller.sees_all else ())


TheParts = Annotated[Parts, Depends(get_parts)]


@router.get("/coverage", tags=["health"], summary="Show the state of a collection and of the work on it")
def show_coverage(
    resources: Tools, caller: TheCaller, parts: TheParts, query: Annotated[StatisticsQuery, Query()]
) -> ShownCoverage:
    """The account, failures, models, runs, throughput and costs: all that the pages of coverage show.

    Figures by day are those of the last 14 days; runs are the last 50.
    """
    return shown_coverage(resources, caller, parts, choose_known(resources, caller, query.owner))


@router.get("/coverage/documents", tags=["health"], summary="List documents with the account of each")
def list_states(resources: Tools, caller: TheCaller, query: Annotated[StatesQuery, Query()]) -> ListedStates:
    """Newest first: how many images of each document are complete, partial, failed, rejected or pending."""
    rows = list_documents(
        resources.ledger,
        owner=choose_known(resources, caller, query.owner),
        after=read_cursor(query.cursor, POSITION),
        limit=query.limit + 1,
    )
    page, cursor = cut_page([((row.created_at, row.id), row) for row in rows], query.limit)
    now, states = resources.ledger.now(), document_states(resources.ledger, page)
    shown = (
        each.model_copy(update={"shown": describe_account(document, each, now=now)})
        for document, each in zip(page, states, strict=True)
    )
    return ListedStates(documents=tuple(shown), next=cursor)


class RetryKind(RequestModel):
    """Which failures to try again, and whose."""

    kind: SearchText = Field(description="Kind of failure, as `failing` of `GET /coverage` names it.")
    owner: OwnerOfDocuments = None


@router.post(
    "/coverage/retry",
    tags=["health"],
    status_code=202,
    summary="Try again now what failed in one way",
    responses=documented(400, 408, 413),
)
def retry_kind(resources: Tools, caller: TheCaller, failed: RetryKind) -> AcceptedDocuments:
    """Queues the documents, at most 500, that failed with this kind or show images that did, without waiting for their
    next try. Rejected images are left out."""
    whose = choose_known(resources, caller, failed.owner)
    found = documents_failing(resources.ledger, failed.kind, MOST_RETRIED, whose)
    return AcceptedDocuments(documents=tuple(each for each in found if retry(resources.ledger, each)))


def shown_coverage(resources: Resources, caller: Caller, parts: Parts, owner: str | None) -> ShownCoverage:
    """Return the state of an owner's collection, or of all, as this caller may see it."""
    state = collect_state(resources, owner, None if caller.sees_all else caller.owners)
    api = os.environ.get("PREFECT_API_URL")
    prefect_ui = api and (os.environ.get("PREFECT_UI_URL") or api.rstrip("/").removesuffix("/api"))
    return ShownCoverage(**dict(state), parts=parts, prefect_ui=prefect_ui)


_TWO_WEEKS = 14 * 86_400.0  # seconds
_RUNS, _ROUNDS = 50, 20


def collect_state(resources: Resources, owner: str | None, owners: frozenset[str] | None = None) -> CollectionState:
    """Return the state of an owner's collection, or of all. `owners`: those that the caller may see; None: all."""
    ledger = resources.ledger
    counts, shown, states = count_statistics(ledger, owner), count_shown(ledger, owner), count_states(ledger, owner)
    if owner is None:
        listed = owner_accounts(ledger)
    else:
        listed = [OwnerState(owner=owner, documents=sum(states.values()), **dict(counts.images))]
    return CollectionState(
        owner=owner,
        images=counts.images,
        counted=shown,
        **count_left_out(ledger, owner=owner),
        closes=sum(getattr(counts.images, state.value) for state in ImageState) == shown,
        coverage_percentage=counts.coverage.coverage_percentage,
        unpublished=counts.coverage.unpublished,
        lost_pictures=counts.coverage.lost_pictures,
        to_review=count_images_to_review(ledger, owner=owner),
        documents=states,
        owners=tuple(each for each in listed if owners is None or each.owner in owners),
        roles=counts.coverage.roles,
        failing=tuple(failing_kinds(ledger, owner)),
        failing_others=tuple(failing_others(ledger, owner)),
        failures=tuple(daily_failures(ledger, _TWO_WEEKS, owner)),
        work=tuple(daily_work(ledger, _TWO_WEEKS, owner)),
        stages=tuple(stage_weeks(ledger, owner)),
        costs=tuple(daily_costs(ledger, _TWO_WEEKS, owner)),
        providers=tuple(provider_states(ledger, owner)),
        vectors=tuple(_vectors(resources, owner)),
        stale=tuple(
            StaleVectors(role=each.role, stale=each.stale, unserved=each.unserved)
            for each in stale_roles(ledger, resources.settings, owner)
        ),
        runs=tuple(recent_runs(ledger, _RUNS, owner)),
        rounds=tuple(last_rounds(ledger, _ROUNDS)) if owner is None and owners is None else (),
    )


def _vectors(resources: Resources, owner: str | None) -> list[ModelVectors]:
    chosen, searched = chosen_tags(resources.settings), active_spaces(resources.ledger)
    return [
        ModelVectors(
            role=each.role,
            tag=each.tag,
            objects=each.objects,
            searched=each.role in searched and searched[each.role].space.tag == each.tag,
            chosen=chosen.get(each.role) == each.tag,
        )
        for each in count_vectors(resources.ledger, owner)
    ]
