"""Put the state of a collection together: what the coverage page shows and `GET /coverage` answers. Figures over time
are those of the last 14 days.
"""

from typing import Final

from swatchbook.ledger.loop_rounds import last_rounds
from swatchbook.ledger.queries.account import count_left_out, count_shown
from swatchbook.ledger.queries.activity import (
    daily_costs,
    daily_failures,
    daily_work,
    failing_kinds,
    provider_states,
    recent_runs,
)
from swatchbook.ledger.queries.owners import owner_accounts
from swatchbook.ledger.queries.reviews import count_images_to_review
from swatchbook.ledger.queries.statistics import count_statistics
from swatchbook.ledger.queries.timings import stage_weeks
from swatchbook.ledger.spaces import active_spaces, count_vectors
from swatchbook.records import CollectionState, ImageState, ModelVectors, OwnerState, StaleVectors
from swatchbook.reports.stale import chosen_tags, stale_roles
from swatchbook.resources import Resources

DAYS: Final = 14
_SECONDS = DAYS * 86_400.0
_RUNS, _ROUNDS = 50, 20


def collect_state(resources: Resources, owner: str | None, owners: frozenset[str] | None = None) -> CollectionState:
    """Return the state of an owner's collection, or of all. `owners`: those that the caller may see; None: all."""
    ledger = resources.ledger
    counts, shown = count_statistics(ledger, owner), count_shown(ledger, owner)
    if owner is None:
        listed = [OwnerState(**each.model_dump()) for each in owner_accounts(ledger)]
    else:
        listed = [OwnerState(owner=owner, documents=sum(counts.coverage.documents.values()), **dict(counts.images))]
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
        documents=counts.coverage.documents,
        owners=tuple(each for each in listed if owners is None or each.owner in owners),
        roles=counts.coverage.roles,
        failing=tuple(failing_kinds(ledger, owner)),
        failures=tuple(daily_failures(ledger, _SECONDS, owner)),
        work=tuple(daily_work(ledger, _SECONDS, owner)),
        stages=tuple(stage_weeks(ledger, owner)),
        costs=tuple(daily_costs(ledger, _SECONDS, owner)),
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
