"""The service: its parts put together, and its life."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from interface.service import hooks, problems, uploads
from interface.service.auth import check_exposure
from interface.service.problems import Problem, documented
from swatchbook.lab import Lab
from swatchbook.settings import Settings


def create_app(settings: Settings) -> FastAPI:
    """The service on these settings. Raises Configuration where it would be open to others without a key."""
    check_exposure(settings)
    app = FastAPI(
        title="Swatchbook",
        version=version("swatchbook"),
        lifespan=_living,
        redoc_url=None,
        responses=documented(401, 403, 422, 500, 503),
    )
    app.state.lab = Lab(settings)
    problems.install(app)
    for part in (uploads, hooks):
        app.include_router(part.router)
    app.openapi = lambda: _described(app)  # type: ignore[method-assign]  # the documented way to extend it
    return app


@asynccontextmanager
async def _living(app: FastAPI) -> AsyncIterator[None]:
    lab: Lab = app.state.lab
    try:
        yield
    finally:
        await asyncio.to_thread(lab.close)


def _described(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version=app.version, routes=app.routes)
        schema.setdefault("components", {}).setdefault("schemas", {})["Problem"] = Problem.model_json_schema(
            ref_template="#/components/schemas/{model}"
        )
        app.openapi_schema = schema
    return app.openapi_schema
