"""`/metrics` for Prometheus: requests, documents by status, images by state, what is due. Every label has few values,
whatever callers send.
"""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import Scope

from interface.service.auth import oversee
from interface.service.health import Counted, TheWatch, result_or_none
from interface.service.problems import documented
from swatchbook.records import DocumentStatus, ImageState

_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})

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
        method = scope["method"] if scope["method"] in _METHODS else "other"
        route = getattr(scope.get("route"), "path", "unknown")
        self._count.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)


async def get_requests(request: Request) -> Requests:
    """Return the request metrics of the process."""
    requests: Requests = request.app.state.requests
    return requests


@router.get(
    "/metrics",
    summary="Prometheus metrics",
    dependencies=[Depends(oversee)],
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **documented(401, 403)},
)
async def metrics(watch: TheWatch, requests: Annotated[Requests, Depends(get_requests)]) -> Response:
    """Ledger metrics are as old as the counts of /health; while it is down there is only `swatchbook_ledger_up 0`."""
    counted = await result_or_none(watch.counted.get())
    content = generate_latest(requests.registry) + generate_latest(describe(counted))
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
    gauge("unpublished", "Images and chunks not yet published.").set(counted.unpublished)
    gauge("items_due", "Items that are due.").set(counted.due.items_due)
    gauge("documents_due", "Due documents without a live run.").set(counted.due.documents_due)
    gauge("oldest_due_seconds", "Seconds since the longest waiting item was due.").set(counted.due.oldest_due_seconds)
    return registry
