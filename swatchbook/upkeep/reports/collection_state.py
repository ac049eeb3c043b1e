"""Put figures of a collection together: for `stats`, and as the coverage report, in Markdown.

Similarity is, by role, the mean cosine similarity of a sample's objects to their nearest neighbours in the index.
"""

from collections.abc import Iterable
from statistics import fmean
from typing import Final

from swatchbook.domain.records import Coverage, Record, Role, Similarity, StageWeek, Statistics
from swatchbook.domain.settings import Settings
from swatchbook.index.contract import Space, Where
from swatchbook.resources import Resources
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.owners import known_owners
from swatchbook.store.ledger.queries.coverage import count_statistics
from swatchbook.store.ledger.queries.stage_times import stage_weeks
from swatchbook.store.ledger.space_objects import sample_objects
from swatchbook.store.ledger.space_registry import active_spaces
from swatchbook.upkeep.reports.document_state import count_states
from swatchbook.upkeep.reports.markdown import table
from swatchbook.upkeep.reports.stale import StaleRole, stale_roles

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
