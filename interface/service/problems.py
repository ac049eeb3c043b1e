"""Errors as people and programs get them: problem+json (RFC 9457), whatever went wrong.

Our own failures are mapped by what is done about them (`swatchbook.errors`). What is wrong with the request is said in
full; what is wrong with the service is said by its kind, and in full in the log, under the id that the answer carries.
"""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from uuid import uuid4

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from swatchbook.errors import (
    DiskFull,
    Failure,
    Policy,
    RateLimited,
    TooLarge,
    Unexpected,
    UnknownOwner,
    UnsupportedFormat,
)

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 15
"""After which a request that met an outage is worth sending again."""

_BY_POLICY: Mapping[Policy, int] = {
    Policy.NEVER: 422,
    Policy.BACKOFF: 503,
    Policy.WAIT: 503,
    Policy.OUTAGE: 503,
    Policy.SMALLER: 503,
    Policy.ONCE_MORE: 503,
    Policy.BLOCKED: 503,
}
_BY_CLASS: Mapping[type[Failure], int] = {
    UnknownOwner: 404,
    TooLarge: 413,
    UnsupportedFormat: 415,
    DiskFull: 507,
    Unexpected: 500,
}


class Wrong(BaseModel):
    """One thing that is wrong with a request, and where."""

    where: str = Field(description="Such as `query.k` or `body.force`.")
    what: str


class Problem(BaseModel):
    """RFC 9457. `kind` is the failure's, as in reports; `id` finds what the service's log says about it."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str | None = None
    kind: str | None = None
    advice: str | None = None
    errors: list[Wrong] | None = None
    id: str | None = None


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """`responses=` of a route that may answer so."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": HTTPStatus(status).phrase, "content": content} for status in statuses}


def answer(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """A problem as it is sent."""
    return Response(problem.model_dump_json(exclude_none=True), problem.status, headers=headers, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Every error of the app becomes a problem."""
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(RequestValidationError, _of_request)
    app.add_exception_handler(Failure, _of_failure)


def unexpected(error: Exception) -> Response:
    """500: nothing is told but the id under which the log has it."""
    problem = Problem(title=HTTPStatus(500).phrase, status=500, kind="unexpected")
    return answer(_logged(problem, error, exc_info=error))


def status_of(failure: Failure) -> int:
    """The HTTP status that a failure stands for."""
    return _BY_CLASS.get(type(failure), _BY_POLICY[failure.policy])


async def _of_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - what it is registered for
    problem = Problem(title=HTTPStatus(error.status_code).phrase, status=error.status_code, detail=error.detail)
    return answer(problem, error.headers)


async def _of_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - what it is registered for
    wrong = [Wrong(where=_plain(".".join(map(str, e["loc"]))), what=_plain(e["msg"])) for e in error.errors()]
    detail = "; ".join(f"{w.where}: {w.what}" for w in wrong[:3])
    return answer(Problem(title=HTTPStatus(422).phrase, status=422, detail=detail, errors=wrong))


async def _of_failure(request: Request, error: Exception) -> Response:
    assert isinstance(error, Failure)  # noqa: S101 - what it is registered for
    status = status_of(error)
    problem = Problem(
        type=f"urn:swatchbook:problem:{error.kind}",
        title=(type(error).__doc__ or error.kind).splitlines()[0].rstrip("."),
        status=status,
        kind=error.kind,
    )
    if status < 500:
        return answer(problem.model_copy(update={"detail": error.message, "advice": error.advice}))
    after = error.retry_after if isinstance(error, RateLimited) else None
    return answer(_logged(problem, error), {"Retry-After": str(round(after or RETRY_SECONDS))})


def _logged(problem: Problem, error: Exception, *, exc_info: Exception | None = None) -> Problem:
    """Names of files and hosts stay in the log."""
    number = uuid4().hex[:12]
    level = logging.ERROR if exc_info else logging.WARNING
    log.log(level, "request failed: %s", error, exc_info=exc_info, extra={"id": number, "kind": problem.kind})
    return problem.model_copy(update={"id": number})


def _plain(text: str) -> str:
    """Names of fields come from strangers and need not be Unicode."""
    return text.encode(errors="replace").decode()[:200]
