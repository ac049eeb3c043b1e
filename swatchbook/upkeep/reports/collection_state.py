"""Put the state of a collection together: for the coverage page and `GET /coverage`, for `stats`, and as the coverage
report, in Markdown. Figures over time are those of the last 14 days.

Similarity is, by role, the mean cosine similarity of a sample's objects to their nearest neighbours in the index.
"""

from collections.abc import Iterable
from statistics import fmean
from typing import Final

from swatchbook.domain.records import (
    CollectionState,
    Coverage,
    ImageState,
    ModelVectors,
    OwnerState,
    Record,
    Role,
    Similarity,
    StageWeek,
    StaleVectors,
    Statistics,
)
from swatchbook.domain.settings import Settings
from swatchbook.index.contract import Space, Where
from swatchbook.resources import Resources
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.owners import known_owners
from swatchbook.store.ledger.picture_reviews import count_images_to_review
from swatchbook.store.ledger.queries.account import count_left_out, count_shown, owner_accounts
from swatchbook.store.ledger.queries.activity import (
    daily_costs,
    daily_failures,
    daily_work,
    failing_kinds,
    failing_others,
    provider_states,
    recent_runs,
    stage_weeks,
)
from swatchbook.store.ledger.queries.coverage import count_statistics
from swatchbook.store.ledger.schedule import last_rounds
from swatchbook.store.ledger.space_objects import count_vectors, sample_objects
from swatchbook.store.ledger.space_registry import active_spaces
from swatchbook.upkeep.reports.document_state import count_states
from swatchbook.upkeep.reports.markdown import table
from swatchbook.upkeep.reports.stale import StaleRole, chosen_tags, stale_roles

DAYS: Final = 14
_SECONDS = DAYS * 86_400.0
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


SAMPLE: Final = 25
"""Objects of a role that are compared: each is a search, and the mean of more differs little."""


def collect_statistics(resources: Resources, owner: str | None = None) -> Statistics:
    """Return the statistics of an owner, or of all owners. Raises what searches raise."""
    counts = count_statistics(resources.ledger, owner)
    active = active_spaces(resources.ledger)
    return Statistics(
        owner=owner,
        images=counts.images,
        failures=counts.failures,
        coverage=by_shown_state(resources.ledger, counts.coverage, owner),
        similarity=tuple(_similarity(resources, active[role].space, owner) for role in Role if role in active),
    )


def _similarity(resources: Resources, space: Space, owner: str | None) -> Similarity:
    """Compare a sample of the owner's objects, always the same one, with their neighbours of the same owner."""
    ids = sample_objects(resources.ledger, space.pair, SAMPLE, owner)
    published = resources.index.fetch(space, ids)
    where = Where(owner=owner, editions="all")
    nearest = list[float]()
    for each in (published[id] for id in ids if id in published):
        others = [m for m in resources.index.search(space, each.vector, 2, where) if m.id != each.id]
        nearest += [1 - match.distance for match in others[:1] if match.distance is not None]
    mean = round(fmean(nearest), 4) if nearest else None
    return Similarity(role=space.role, tag=space.tag, sample=len(published), mean=mean)


def by_shown_state(ledger: Ledger, coverage: Coverage, owner: str | None = None) -> Coverage:
    """Return the coverage of an owner, or of all, with its documents counted by the words that people are shown."""
    return coverage.model_copy(update={"documents": count_states(ledger, owner)})


class CoverageReport(Record):
    """Coverage of the whole collection, the number of its owners, stale vectors, and times of stages."""

    whole: Coverage
    owners: int
    stale: tuple[StaleRole, ...] = ()
    stages: tuple[StageWeek, ...] = ()


def coverage_report(ledger: Ledger, settings: Settings) -> CoverageReport:
    """Read the current coverage from the ledger. `settings`: they name the models that vectors should be of."""
    return CoverageReport(
        whole=by_shown_state(ledger, count_statistics(ledger).coverage),
        owners=len(known_owners(ledger)),
        stale=stale_roles(ledger, settings),
        stages=tuple(stage_weeks(ledger)),
    )


def as_markdown(report: CoverageReport) -> str:
    """Return the coverage of the whole collection as Markdown."""
    whole = report.whole
    documents = " · ".join(f"{count} {status}" for status, count in whole.documents.items()) or "none yet"
    rows = [
        ("documents", documents),
        ("owners", report.owners),
        ("images with vectors", whole.share),
        ("not yet searchable", whole.unpublished),
    ]
    parts = ["# Coverage", table(("", ""), rows)]
    if whole.roles:
        counts = [(r.role, f"`{r.tag}`", r.wanted, r.done, r.pending, r.failed, r.rejected) for r in whole.roles]
        header = ("role", "tag", "requested", "done", "pending", "failed", "rejected")
        parts += ["## Roles", table(header, counts)]
    if report.stale:
        parts += ["## Stale", "\n".join(f"- {each.line}" for each in report.stale)]
    if report.stages:
        slower = "\n".join(f"- **Slower**: {each.line}" for each in report.stages if each.is_slower)
        parts += ["## Stage times", *filter(None, [slower]), table(STAGE_HEADER, stage_rows(report.stages))]
    return "\n\n".join(parts)


STAGE_HEADER = ("stage", "runs", "seconds for a page or image", "week before", "change")


def stage_rows(stages: Iterable[StageWeek]) -> list[tuple[str, ...]]:
    """Return table rows of stage times, in the order of STAGE_HEADER."""
    return [
        (
            each.stage.value,
            str(each.now.runs),
            f"{each.now.unit_seconds:.3g}",
            f"{each.before.unit_seconds:.3g} (runs: {each.before.runs})" if each.before else "–",
            "–" if each.change is None else f"{each.change:+.0%}",
        )
        for each in stages
    ]
