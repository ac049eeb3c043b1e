"""The service: its parts put together, and its life."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from interface.service import docs, documents, health, images, metrics, problems, search, uploads, webhooks
from interface.service.auth import check_exposure
from interface.service.health import Watch
from interface.service.metrics import Requests
from interface.service.middleware import Edge
from interface.service.multipart import Arrivals
from interface.service.problems import Problem, documented
from scheduler.tick import keep_ticking
from swatchbook.errors import Failure, Policy
from swatchbook.resources import Resources
from swatchbook.settings import Settings

log = logging.getLogger(__name__)

Loop = Callable[[Resources, asyncio.Event], Awaitable[None]]
"""Brings everything back until it is cancelled; soon, when the event is set."""

_PARTS = (docs, uploads, documents, images, search, webhooks, health, metrics)
_STREAMS = frozenset({"/documents", "/search"})
"""Paths whose endpoints bound the body themselves, as it streams in."""


_LOOP_PAUSE = 5.0  # seconds until a loop that failed begins again


def create_app(settings: Settings, *, loop: Loop = keep_ticking) -> FastAPI:
    """The service on these settings. Raises Configuration where it would be open to others without a key."""
    check_exposure(settings)
    app = FastAPI(
        title="Swatchbook",
        summary="Product catalogues as one searchable, fully accounted collection.",
        version=version("swatchbook"),
        lifespan=_living,
        docs_url=None,  # our own: interface/service/docs.py
        redoc_url=None,
        redirect_slashes=False,  # where to, the caller's Host header would say
        responses=documented(401, 403, 422, 500, 503),
    )
    app.state.resources = Resources(settings)
    app.state.loop = loop
    app.state.arrivals = Arrivals(settings)
    app.state.watch = Watch(app.state.resources)
    app.state.requests = Requests()
    app.state.wake = asyncio.Event()
    app.add_middleware(Edge, requests=app.state.requests, streams=_STREAMS, wake=app.state.wake)
    problems.install(app)
    for part in _PARTS:
        app.include_router(part.router)
    app.openapi = lambda: _described(app)  # type: ignore[method-assign]  # the documented way to extend it
    return app


def open_parts(resources: Resources) -> None:
    """Open what can be opened now, once, before threads ask for it. An outage is logged: it may pass.

    Raises Configuration and other failures that only a person mends.
    """
    for part in ("ledger", "files", "index", "models", "decoders"):
        try:
            getattr(resources, part)
        except Failure as failure:
            if failure.policy is not Policy.OUTAGE:
                raise
            log.warning("the service starts all the same: %s", failure)


@asynccontextmanager
async def _living(app: FastAPI) -> AsyncIterator[None]:
    """Its tools are open and its loop runs from the first request to the last."""
    resources: Resources = app.state.resources
    await asyncio.to_thread(open_parts, resources)
    loop = asyncio.create_task(_keep_up(app.state.loop, resources, app.state.wake))
    try:
        yield
    finally:
        loop.cancel()
        with suppress(asyncio.CancelledError):
            await loop
        await asyncio.to_thread(resources.close)


async def _keep_up(loop: Loop, resources: Resources, wake: asyncio.Event) -> None:
    """The loop for as long as the service lives: nobody would miss it but the documents that wait."""
    while True:
        try:
            await loop(resources, wake)
        except Exception:  # the isolation boundary between loop and service
            log.exception("the loop ended; it begins again")
        await asyncio.sleep(_LOOP_PAUSE)


def _described(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, with the schema that every problem has."""
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
        schema["components"]["schemas"]["Problem"] = Problem.model_json_schema(
            ref_template="#/components/schemas/{model}"
        )
        app.openapi_schema = schema
    return app.openapi_schema
