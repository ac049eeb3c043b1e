"""Make error responses as problem+json (RFC 9457), with the HTTP status of each failure, and Retry-After.

Failures are mapped by their policy (`swatchbook.domain.errors`). Errors of the request are described in full. For
errors of the service callers see only the kind and an id, under which the log has the details.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, cast
from uuid import uuid4

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from starlette.exceptions import HTTPException
from starlette.responses import Response

from swatchbook.domain.errors import (
    DiskFull,
    Failure,
    Policy,
    RateLimited,
    TooLarge,
    TooManySearches,
    Unexpected,
    UnknownOwner,
    UnsupportedFormat,
)
from swatchbook.domain.wrong_value import what_it_must_be, without_followers
from swatchbook.doors.replies import InvalidField, Problem
from swatchbook_base.one_line import shorten

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 15
"""Retry-After of a response during an outage."""

_BY_CLASS: Mapping[type[Failure], int] = {
    UnknownOwner: 404,
    TooLarge: 413,
    UnsupportedFormat: 415,
    TooManySearches: 429,
    DiskFull: 507,
    Unexpected: 500,
}


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return `responses=` of a route for these error statuses."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": HTTPStatus(status).phrase, "content": content} for status in statuses}


def respond(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """Return a problem as a response."""
    return Response(problem.model_dump_json(exclude_none=True), problem.status, headers=headers, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Register the handlers that turn every error of the app into a problem."""
    for kind in (HTTPException, RequestValidationError, Failure):
        app.add_exception_handler(kind, _answer)


@contextmanager
def refusing(part: str = "body") -> Iterator[None]:
    """Raise RequestValidationError, with this part of the request, for what a model refuses in the block."""
    try:
        yield
    except ValidationError as error:
        raise RequestValidationError([{**e, "loc": (part, *e["loc"])} for e in error.errors()]) from error


def problem_of(error: Exception) -> Problem:
    """Return the problem of any error; an unexpected one is logged, and the problem has the id of its entry."""
    if isinstance(error, HTTPException | RequestValidationError | Failure):
        return describe(error)[0]
    problem = Problem(title=HTTPStatus(500).phrase, status=500, kind="unexpected")
    return _logged(problem, error, exc_info=error)


def status_of(failure: Failure) -> int:
    """Return the HTTP status of a failure."""
    return _BY_CLASS.get(type(failure), 422 if failure.policy is Policy.NEVER else 503)


async def _answer(request: Request, error: Exception) -> Response:
    return respond(*describe(error))


def describe(error: Exception) -> tuple[Problem, Mapping[str, str] | None]:
    """Return the problem that an error is answered with, and the headers of the response.

    Raises the error itself if the service does not foresee it.
    """
    if isinstance(error, HTTPException):
        title = HTTPStatus(error.status_code).phrase
        return Problem(title=title, status=error.status_code, detail=error.detail), error.headers
    if isinstance(error, RequestValidationError):
        return _of_request(error), None
    if isinstance(error, Failure):
        return _of_failure(error)
    raise error


def _of_request(error: RequestValidationError) -> Problem:
    errors = [
        InvalidField(where=_printable(".".join(map(str, each["loc"]))), what=_printable(what_it_must_be(each)))
        for each in without_followers(cast("Sequence[ErrorDetails]", error.errors()))
    ]
    detail = "; ".join(f"{each.where}: {each.what}" for each in errors[:3])
    return Problem(title=HTTPStatus(422).phrase, status=422, detail=detail, errors=errors)


def _of_failure(error: Failure) -> tuple[Problem, Mapping[str, str] | None]:
    status = status_of(error)
    problem = Problem(
        type=f"urn:swatchbook:problem:{error.kind}",
        title=(type(error).__doc__ or error.kind).splitlines()[0].rstrip("."),
        status=status,
        kind=error.kind,
    )
    after = error.retry_after if isinstance(error, RateLimited) else None
    wait = {"Retry-After": str(round(after or RETRY_SECONDS))}
    if status < 500:
        shown = problem.model_copy(update={"detail": error.message, "advice": error.advice})
        return shown, wait if error.policy is Policy.WAIT else None
    return _logged(problem, error), wait


def _logged(problem: Problem, error: Exception, *, exc_info: Exception | None = None) -> Problem:
    """Log the error and return the problem with the id of the log entry; file and host names stay in the log."""
    number = uuid4().hex[:12]
    level = logging.ERROR if exc_info else logging.WARNING
    log.log(level, "request failed: %s", error, exc_info=exc_info, extra={"id": number, "kind": problem.kind})
    return problem.model_copy(update={"id": number})


def _printable(text: str) -> str:
    """Replace lone surrogates and shorten: field names come from callers."""
    return shorten(text.encode(errors="replace").decode(), 200)
