"""Figures of `/metrics` for Prometheus: requests, images, due work, live runs, and work and costs of the last hour.

Every label has few values, whatever callers send: owners beyond the 100 with most images are one.

What comes from the ledger are gauges of the last hour instead of counters: rows go with their document, and a counter
that falls looks to Prometheus like a restart.
"""

import shutil
from collections import Counter as Tally
from collections.abc import Iterable, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.types import Scope

from swatchbook.domain.records import DocumentStatus, ImageState, OwnerState, RoleCoverage, Stage
from swatchbook.doors.replies import EmbeddingStats, Stats
from swatchbook.resources import Resources
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.picture_reviews import count_images_to_review
from swatchbook.store.ledger.queries.stage_times import stage_weeks
from swatchbook.store.ledger.run_queries import live_runs
from swatchbook_service.activity import daily_costs, daily_failures, daily_work, failing_kinds, total_costs

HOUR = 3_600.0  # seconds

_OWNERS = 100
"""Owners that are labelled by name; the others share one label."""

OTHERS = "(others)"
"""The label of all other owners; no owner can have this name."""

METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})


class Requests:
    """Request metrics of this process, by route and status code."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ("method", "route", "code")
        self._count = Counter("swatchbook_requests", "Finished requests.", labels, registry=self.registry)
        self._seconds = Histogram(
            "swatchbook_request_seconds", "Response time.", ("method", "route"), registry=self.registry
        )

    def count(self, scope: Scope, status: int, seconds: float) -> None:
        """Count a finished request; `status` is 0 when no response was sent."""
        method = scope["method"] if scope["method"] in METHODS else "other"
        route = getattr(scope.get("route"), "path", "unknown")
        self._count.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)


def describe(
    resources: Resources,
    stats: Stats,
    embeddings: EmbeddingStats,
    owners: Sequence[OwnerState],
    roles: Iterable[RoleCoverage],
    dead_events: int,
) -> CollectorRegistry:
    """Return the ledger's counts as gauges, including states with 0. Raises LedgerDown."""
    registry, ledger = CollectorRegistry(), resources.ledger

    def gauge(name: str, meaning: str, labels: tuple[str, ...] = ()) -> Gauge:
        return Gauge(f"swatchbook_{name}", meaning, labels, registry=registry)

    documents = gauge("documents", "Documents by status.", ("status",))
    for status in DocumentStatus:
        documents.labels(status.value).set(stats.documents.get(status.value, 0))
    images = gauge("images", "Images by state.", ("state",))
    for state in ImageState:
        images.labels(state.value).set(stats.images[state.value])
    dead = gauge("events_dead_last_day", "Events of buckets that became dead: their objects are not ingested.")
    dead.set(dead_events)
    gauge("unpublished", "Images and chunks not yet published.").set(stats.unpublished)
    gauge("items_due", "Items that are due.").set(stats.items_due)
    gauge("documents_due", "Due documents without a live run.").set(stats.documents_due)
    gauge("oldest_due_seconds", "Seconds since the longest waiting item was due.").set(stats.oldest_due_seconds)
    gauge("coverage_ratio", "Share of the images that have vectors.").set(embeddings.coverage_percentage / 100)
    stale = gauge("stale_vectors", "Vectors by another model than the chosen one, or not searchable.", ("role",))
    for role, count in embeddings.stale.items():
        stale.labels(role).set(count)
    most = sorted(owners, key=lambda each: (-each.found, each.owner))[:_OWNERS]
    named = {each.owner: each.owner for each in most}
    of_owners = gauge("owner_images", "Images by owner and state.", ("owner", "state"))
    for owner in owners:
        for state in ImageState:
            of_owners.labels(named.get(owner.owner, OTHERS), state.value).inc(getattr(owner, state.value))
    items = gauge("role_items", "Requested items of shown images by role and state.", ("role", "state"))
    for each in roles:
        for name in ("done", "failed", "rejected", "pending"):
            items.labels(each.role.value, name).inc(getattr(each, name))
    failing = gauge("images_failing", "Images with a failure that is not made good yet, by kind.", ("kind",))
    for kind in failing_kinds(ledger):
        failing.labels(kind.kind).set(kind.images)
    tries = gauge("failed_tries_last_hour", "Failed tries by owner, role and kind.", ("owner", "role", "kind"))
    for failed in daily_failures(ledger, HOUR):
        tries.labels(named.get(failed.owner, OTHERS), failed.role or "run", failed.kind).inc(failed.count)
    runs = gauge("stage_runs_last_hour", "Runs that worked on a stage.", ("stage",))
    units = gauge("stage_units_last_hour", "Pages or images that were worked on in a stage.", ("stage",))
    seconds = gauge("stage_seconds_last_hour", "Seconds that runs spent in a stage.", ("stage",))
    work = daily_work(ledger, HOUR)
    for stage in Stage:
        for of_stage, field in ((runs, "runs"), (units, "units"), (seconds, "seconds")):
            total = sum(getattr(done, field) for done in work if done.stage is stage)
            of_stage.labels(stage.value).set(total)
    week = gauge("stage_unit_seconds", "Median seconds of a page or image in a week of seven days.", ("stage", "week"))
    for times in stage_weeks(ledger):
        week.labels(times.stage.value, "now").set(times.now.unit_seconds)
        if times.before:
            week.labels(times.stage.value, "before").set(times.before.unit_seconds)
    _describe_costs(registry, ledger)
    live = live_runs(ledger)
    gauge("live_runs", "Live runs.").set(len(live))
    silent = max((run.progress_age for run in live), default=0.0)
    gauge("run_silent_seconds", "Seconds since the live run that is silent for longest made progress.").set(silent)
    gauge("images_to_review", "Images whose analysis needs a review.").set(count_images_to_review(ledger))
    disk = shutil.disk_usage(resources.settings.home)
    gauge("disk_bytes", "Size of the file system of the home folder.").set(disk.total)
    gauge("disk_free_bytes", "Free space of the file system of the home folder.").set(disk.free)
    return registry


def _describe_costs(registry: CollectorRegistry, ledger: Ledger) -> None:
    labels = ("provider", "outcome")
    calls = Gauge("swatchbook_calls_last_hour", "Calls to providers by outcome.", labels, registry=registry)
    cost = Gauge("swatchbook_cost_usd_last_hour", "Known costs of calls.", labels[:1], registry=registry)
    totals = Tally[tuple[str, str]]()
    for each in daily_costs(ledger, HOUR):
        totals[each.provider, "failed"] += each.failed
        totals[each.provider, "other"] += each.calls - each.failed
        cost.labels(each.provider).inc(each.cost_usd)
    for (provider, outcome), count in totals.items():
        calls.labels(provider, outcome).set(count)
    spent = Counter("swatchbook_cost_usd", "Known costs of all calls ever made.", labels[:1], registry=registry)
    for provider, usd in total_costs(ledger).items():
        spent.labels(provider).inc(usd)
