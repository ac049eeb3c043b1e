"""Figures for Prometheus. Every label has few values, whatever strangers send."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import Scope

from interface.service.auth import oversee
from interface.service.health import Counted, TheWatch, soon
from interface.service.problems import documented
from swatchbook.records import DocumentStatus, ImageState

_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})

router = APIRouter(tags=["health"])


class Requests:
    """Requests of this process, by route and code."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ("method", "route", "code")
        self._count = Counter("swatchbook_requests", "Requests answered.", labels, registry=self.registry)
        self._seconds = Histogram(
            "swatchbook_request_seconds", "Time to answer.", ("method", "route"), registry=self.registry
        )

    def count(self, scope: Scope, status: int, seconds: float) -> None:
        """One request is over; `status` 0 means that it never got an answer."""
        method = scope["method"] if scope["method"] in _METHODS else "other"
        route = getattr(scope.get("route"), "path", "unknown")
        self._count.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)


async def the_requests(request: Request) -> Requests:
    requests: Requests = request.app.state.requests
    return requests


@router.get(
    "/metrics",
    summary="Figures for Prometheus",
    dependencies=[Depends(oversee)],
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **documented(401, 403)},
)
async def metrics(watch: TheWatch, requests: Annotated[Requests, Depends(the_requests)]) -> Response:
    """The ledger's are as old as those of /health; without a ledger only `swatchbook_ledger_up 0` is told of it."""
    counted = await soon(watch.counted.get())
    written = generate_latest(requests.registry) + generate_latest(describe(counted))
    return Response(written, media_type=CONTENT_TYPE_LATEST)


def describe(counted: Counted | None) -> CollectorRegistry:
    """What the ledger says, as gauges; every state is there, also with 0."""
    registry = CollectorRegistry()

    def gauge(name: str, meaning: str, labels: tuple[str, ...] = ()) -> Gauge:
        return Gauge(f"swatchbook_{name}", meaning, labels, registry=registry)

    gauge("ledger_up", "Whether the ledger could be counted.").set(counted is not None)
    if counted is None:
        return registry
    documents = gauge("documents", "Documents by status.", ("status",))
    for status in DocumentStatus:
        documents.labels(status.value).set(counted.documents.get(status.value, 0))
    images = gauge("images", "Images by state.", ("state",))
    for state in ImageState:
        images.labels(state.value).set(getattr(counted.account, state.value))
    gauge("unpublished", "Images and chunks that wait to be published.").set(counted.unpublished)
    gauge("items_due", "Items that could be made now.").set(counted.backlog.items_due)
    gauge("documents_due", "Documents due that nobody works on.").set(counted.backlog.documents_due)
    gauge("oldest_due_seconds", "Since the one that waits longest was due.").set(counted.backlog.oldest_due_seconds)
    return registry
