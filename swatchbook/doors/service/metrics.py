"""Endpoint `/metrics` for Prometheus: requests, images, due work, live runs, and work and costs of the last hour.

Every label has few values, whatever callers send: owners beyond the 100 with most images are one.

What comes from the ledger are gauges of the last hour instead of counters: rows go with their document, and a counter
that falls looks to Prometheus like a restart.
"""

import asyncio
from collections import Counter as Tally
from collections.abc import Callable, Collection
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import Scope

from swatchbook.domain.records import DocumentStatus, ImageState, Stage
from swatchbook.doors.service.auth import oversee
from swatchbook.doors.service.health import Activity, Counted, TheWatch, result_or_none, state_of
from swatchbook.doors.service.parameters import of_process
from swatchbook.doors.service.problems import documented

_OWNERS = 100
"""Owners that are labelled by name; the others share one label."""

OTHERS = "(others)"
"""The label of all other owners; no owner can have this name."""

METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})

router = APIRouter(tags=["health"])


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


@router.get(
    "/metrics",
    summary="Prometheus metrics",
    dependencies=[Depends(oversee)],
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **documented(401, 403)},
)
async def metrics(watch: TheWatch, requests: Annotated[Requests, of_process("requests")]) -> Response:
    """Ledger metrics are as old as the counts of /health; while it is down there is only `swatchbook_ledger_up 0`."""
    counted, index = await asyncio.gather(result_or_none(watch.counted.get()), state_of(watch.index.get()))
    registry = describe(counted)
    Gauge("swatchbook_index_up", "1 if the index responds, else 0.", registry=registry).set(index == "ok")
    content = generate_latest(requests.registry) + generate_latest(registry)
    return Response(content, media_type=CONTENT_TYPE_LATEST)


def describe(counted: Counted | None) -> CollectorRegistry:
    """Return the ledger's counts as gauges, including states with 0."""
    registry = CollectorRegistry()

    def gauge(name: str, meaning: str, labels: tuple[str, ...] = ()) -> Gauge:
        return Gauge(f"swatchbook_{name}", meaning, labels, registry=registry)

    gauge("ledger_up", "1 if the ledger could be counted, else 0.").set(counted is not None)
    if counted is None:
        return registry
    documents = gauge("documents", "Documents by status.", ("status",))
    for status in DocumentStatus:
        documents.labels(status.value).set(counted.documents.get(status.value, 0))
    images = gauge("images", "Images by state.", ("state",))
    for state in ImageState:
        images.labels(state.value).set(getattr(counted.account, state.value))
    gauge("events_waiting", "Events of buckets that wait for a try.").set(counted.events_waiting)
    dead = counted.dead_events.count if counted.dead_events else 0
    gauge("events_dead_last_day", "Events of buckets that became dead: their objects are not ingested.").set(dead)
    gauge("unpublished", "Images and chunks not yet published.").set(counted.unpublished)
    gauge("items_due", "Items that are due.").set(counted.due.items_due)
    gauge("documents_due", "Due documents without a live run.").set(counted.due.documents_due)
    gauge("oldest_due_seconds", "Seconds since the longest waiting item was due.").set(counted.due.oldest_due_seconds)
    gauge("coverage_ratio", "Share of the images that have vectors.").set(counted.embeddings.coverage_percentage / 100)
    stale = gauge("stale_vectors", "Vectors by another model than the chosen one, or not searchable.", ("role",))
    for role, count in counted.embeddings.stale.items():
        stale.labels(role).set(count)
    _describe_activity(registry, gauge, counted.activity)
    return registry


def _describe_activity(registry: CollectorRegistry, gauge: Callable[..., Gauge], activity: Activity) -> None:
    most = sorted(activity.owners, key=lambda each: (-each.found, each.owner))[:_OWNERS]
    named = {each.owner for each in most}
    images = gauge("owner_images", "Images by owner and state.", ("owner", "state"))
    for owner in activity.owners:
        for state in ImageState:
            images.labels(_label(owner.owner, named), state.value).inc(getattr(owner, state.value))
    items = gauge("role_items", "Requested items of shown images by role and state.", ("role", "state"))
    for role in activity.roles:
        for name in ("done", "failed", "rejected", "pending"):
            items.labels(role.role.value, name).inc(getattr(role, name))
    failing = gauge("images_failing", "Images with a failure that is not made good yet, by kind.", ("kind",))
    for kind in activity.failing:
        failing.labels(kind.kind).set(kind.images)
    tries = gauge("failed_tries_last_hour", "Failed tries by owner, role and kind.", ("owner", "role", "kind"))
    for failed in activity.failures:
        tries.labels(_label(failed.owner, named), failed.role or "run", failed.kind).inc(failed.count)
    runs = gauge("stage_runs_last_hour", "Runs that worked on a stage.", ("stage",))
    units = gauge("stage_units_last_hour", "Pages or images that were worked on in a stage.", ("stage",))
    seconds = gauge("stage_seconds_last_hour", "Seconds that runs spent in a stage.", ("stage",))
    for stage in Stage:
        for of_stage, field in ((runs, "runs"), (units, "units"), (seconds, "seconds")):
            done = sum(getattr(work, field) for work in activity.work if work.stage is stage)
            of_stage.labels(stage.value).set(done)
    week = gauge("stage_unit_seconds", "Median seconds of a page or image in a week of seven days.", ("stage", "week"))
    for each in activity.stages:
        week.labels(each.stage.value, "now").set(each.now.unit_seconds)
        if each.before:
            week.labels(each.stage.value, "before").set(each.before.unit_seconds)
    _describe_costs(registry, activity)
    gauge("live_runs", "Live runs.").set(len(activity.runs))
    silent = max((run.progress_age for run in activity.runs), default=0.0)
    gauge("run_silent_seconds", "Seconds since the live run that is silent for longest made progress.").set(silent)
    gauge("images_to_review", "Images whose analysis needs a review.").set(activity.to_review)
    gauge("disk_bytes", "Size of the file system of the home folder.").set(activity.disk_bytes)
    gauge("disk_free_bytes", "Free space of the file system of the home folder.").set(activity.disk_free_bytes)


def _describe_costs(registry: CollectorRegistry, activity: Activity) -> None:
    labels = ("provider", "outcome")
    calls = Gauge("swatchbook_calls_last_hour", "Calls to providers by outcome.", labels, registry=registry)
    cost = Gauge("swatchbook_cost_usd_last_hour", "Known costs of calls.", labels[:1], registry=registry)
    token_labels = ("provider", "model", "direction")
    tokens = Gauge("swatchbook_tokens_last_hour", "Tokens of answered calls.", token_labels, registry=registry)
    totals = Tally[tuple[str, str]]()
    for each in activity.costs:
        tokens.labels(each.provider, each.model or "", "in").inc(each.tokens_in)
        tokens.labels(each.provider, each.model or "", "out").inc(each.tokens_out)
        totals[each.provider, "failed"] += each.failed
        totals[each.provider, "other"] += each.calls - each.failed
        cost.labels(each.provider).inc(each.cost_usd)
    for (provider, outcome), count in totals.items():
        calls.labels(provider, outcome).set(count)
    spent = Counter("swatchbook_cost_usd", "Known costs of all calls ever made.", labels[:1], registry=registry)
    for provider, usd in activity.spent.items():
        spent.labels(provider).inc(usd)


def _label(owner: str, named: Collection[str]) -> str:
    return owner if owner in named else OTHERS
