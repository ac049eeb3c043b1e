"""Build the FastAPI application with its endpoints, and run the background loop together with it.

At the start an outage does not stop it, but a wrong setting does. The loop is restarted 5 s after an error.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from fastapi.openapi.utils import get_openapi

from swatchbook.deployments.tick import keep_ticking
from swatchbook.domain.errors import Failure, Policy
from swatchbook.domain.extras import installed_version
from swatchbook.domain.plugins import Kind, installed
from swatchbook.domain.settings import Settings
from swatchbook.doors.replies import Problem
from swatchbook.resources import LAG_SECONDS, Resources
from swatchbook_service import (
    collection,
    docs,
    document_parts,
    documents,
    exports,
    health,
    images,
    problems,
    reviews,
    search,
    uploads,
    webhooks,
)
from swatchbook_service.auth import OwnKeys, authenticate, check_exposure
from swatchbook_service.health import Watch
from swatchbook_service.images import PreviewSlots
from swatchbook_service.metrics import Requests
from swatchbook_service.middleware import ServiceMiddleware
from swatchbook_service.problems import documented
from swatchbook_service.search import SearchSlots, searches_at_once
from swatchbook_service.uploads import UploadSlots

log = logging.getLogger(__name__)

Loop = Callable[[Resources, asyncio.Event], Awaitable[None]]
"""Processes due documents until cancelled; runs soon after the event is set."""

_ROUTERS = (
    docs.router, uploads.router, documents.router, document_parts.router, images.router, reviews.router, search.router,
    exports.router,
    collection.router, documents.trash_router, webhooks.router, health.router, docs.root_router,
)  # fmt: skip

_LOOP_PAUSE = 5.0  # seconds before a failed loop restarts


def create_app(settings: Settings, *, loop: Loop = keep_ticking) -> FastAPI:
    """Create the service. Raises Configuration when it would be reachable from other machines without a key."""
    check_exposure(settings)
    app = FastAPI(
        title="Swatchbook",
        summary="Turn product catalogues (PDF) into one searchable, fully accounted collection.",
        version=installed_version(),
        lifespan=_lifespan,
        docs_url=None,  # replaced by docs.py
        redoc_url=None,
        redirect_slashes=False,  # the target would come from the caller's Host header
        responses=documented(401, 403, 422, 500, 503),
    )
    app.state.resources = Resources(settings, lag=LAG_SECONDS)
    app.state.loop = loop
    app.state.upload_slots = UploadSlots(settings)
    app.state.preview_slots = PreviewSlots()
    app.state.search_slots = SearchSlots(searches_at_once(settings))
    app.state.watch = Watch(app.state.resources)
    app.state.requests = Requests()
    app.state.wake = asyncio.Event()
    app.add_middleware(ServiceMiddleware, requests=app.state.requests, wake=app.state.wake)
    problems.install(app)
    for router in _packaged_routers():
        if isinstance(router, OwnKeys):
            router.prepare(app)
            app.include_router(router)
        else:
            app.include_router(router, dependencies=[Depends(authenticate)])
    for router in _ROUTERS:
        app.include_router(router)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]  # the documented way to extend it
    return app


def _packaged_routers() -> Iterator[APIRouter]:
    """Yield the routers of installed packages. Raises Configuration for one that cannot be used."""
    for plugin in installed(Kind.ROUTER):
        router = plugin.load()
        if not isinstance(router, APIRouter):
            raise plugin.broken(f"is no APIRouter: {plugin.target}.")
        yield router


def open_parts(resources: Resources) -> None:
    """Open all resources once, before threads use them. An outage is only logged, since it may pass.

    Raises Configuration and other failures that need a person.
    """
    for part in ("ledger", "files", "index", "models", "decoders"):
        try:
            getattr(resources, part)
        except Failure as failure:
            if failure.policy is not Policy.OUTAGE:
                raise
            log.warning("starting without %s: %s", part, failure)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Keep the resources open and the loop running while the service runs."""
    resources: Resources = app.state.resources
    await asyncio.to_thread(open_parts, resources)
    loop = asyncio.create_task(run_loop(app.state.loop, resources, app.state.wake))
    try:
        yield
    finally:
        loop.cancel()
        with suppress(asyncio.CancelledError):
            await loop
        await asyncio.to_thread(resources.close)


async def run_loop(loop: Loop, resources: Resources, wake: asyncio.Event) -> None:
    """Run the loop until cancelled; restart it after an error, since nothing else would notice that it ended."""
    while True:
        try:
            await loop(resources, wake)
        except Exception:  # the isolation boundary between loop and service
            log.exception("the background loop failed; it restarts in %g s", _LOOP_PAUSE)
        await asyncio.sleep(_LOOP_PAUSE)


def _openapi(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document, with the schema of problems."""
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
        problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schema["components"]["schemas"] |= {**problem.pop("$defs", {}), "Problem": problem}
        _describe_etags(schema["paths"])
        app.openapi_schema = schema
    return app.openapi_schema


def _describe_etags(paths: dict[str, Any]) -> None:
    """Add to each GET with a JSON answer what `middleware.py` does for all of them."""
    for operation in (methods["get"] for methods in paths.values() if "get" in methods):
        found = operation["responses"]["200"]
        if "application/json" in found.get("content", {}):
            text = {"schema": {"type": "string"}}
            found["headers"] = {"ETag": {"description": "Tag of this answer, for If-None-Match.", **text}}
            operation["responses"]["304"] = {"description": "Unchanged: the caller has this answer (If-None-Match)."}
            known = {"name": "If-None-Match", "in": "header", "description": "ETag of an answer that the caller has."}
            operation.setdefault("parameters", []).append({**known, "required": False, **text})
