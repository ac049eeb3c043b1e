"""Errors as callers get them: always a problem, never a secret, never silent."""

import asyncio
import logging

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from swatchbook.domain.errors import KINDS, LedgerDown, RateLimited, TooLarge
from swatchbook_service.metrics import Requests
from swatchbook_service.middleware import ServiceMiddleware
from swatchbook_service.problems import install, status_of
from tests.tables import rows_of

NOBODY = "00000000-0000-0000-0000-000000000000"


def failing(error: Exception) -> TestClient:
    app = FastAPI()
    app.add_middleware(ServiceMiddleware, requests=Requests(), wake=asyncio.Event())
    install(app)

    @app.get("/")
    def fail() -> None:
        raise error

    return TestClient(app)


def test_every_failure_has_the_status_of_its_kind() -> None:
    for kind, status in rows_of(__file__, "statuses"):
        answer = failing(KINDS[kind]("It broke.")).get("/")
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["kind"] == kind
        assert answer.json()["status"] == status
    for failure in KINDS.values():
        assert 400 <= status_of(failure("It broke.")) < 600
    told = failing(TooLarge("250 MiB is over the limit.", advice="Split it.")).get("/").json()
    assert (told["detail"], told["advice"]) == ("250 MiB is over the limit.", "Split it.")
    assert failing(RateLimited("Slow down.", retry_after=77)).get("/").headers["retry-after"] == "77"


def test_internal_details_are_logged_but_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    answer = failing(LedgerDown("No answer from db.internal:5432.")).get("/")
    assert "db.internal" not in answer.text
    assert answer.json()["title"] == "The database does not answer"
    assert int(answer.headers["retry-after"]) > 0
    (record,) = [r for r in caplog.records if r.levelno >= logging.WARNING]
    assert "db.internal" in record.getMessage()
    assert record.__dict__["id"] == answer.json()["id"]


def test_an_unforeseen_error_tells_nothing_but_its_id(caplog: pytest.LogCaptureFixture) -> None:
    answer = failing(ZeroDivisionError("secret")).get("/")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "Zero" not in answer.text
    (record,) = [r for r in caplog.records if r.levelno >= logging.ERROR]
    assert record.__dict__["id"] == answer.json()["id"]
    assert record.exc_info


def test_answers_are_safe_and_wrong_requests_are_problems(client: TestClient) -> None:
    for path in ("/live", "/nope", "/documents?limit=0"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "access-control-allow-origin" not in headers
    for method, path, status in rows_of(__file__, "wrong"):
        answer = client.request(method, path)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
        assert answer.json()["status"] == status
