"""What requests repeat is counted in the log, and other lines are not touched."""

import logging
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from swatchbook.domain.errors import IndexDown, LedgerDown
from swatchbook.doors.cli import log
from swatchbook.doors.service import problems


@pytest.fixture
def shown() -> Iterator[None]:
    """The log of a service."""
    root = logging.getLogger()
    before = list(root.handlers)
    log.show()
    yield
    root.handlers[:] = before
    for name in ("swatchbook.doors.service.problems", "uvicorn.error", "asyncio"):
        logger = logging.getLogger(name)
        logger.filters[:] = [each for each in logger.filters if not isinstance(each, log.Repeats)]


@pytest.mark.usefixtures("shown")
def test_stranger_cannot_fill_the_log(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    client.app.add_api_route("/fails", fail)  # type: ignore[attr-defined]
    answers = [client.get("/fails") for _ in range(100)]
    assert {answer.status_code for answer in answers} == {500}
    lines = [record for record in caplog.records if record.name == "swatchbook.doors.service.problems"]
    assert [getattr(line, "left_out", 0) for line in lines] == [0] * log.REPEATED + [4, 89]
    assert answers[-1].json()["id"] in log.Fields().format(lines[-1])
    assert "left_out=89" in log.Fields().format(lines[-1])


@pytest.mark.usefixtures("shown")
def test_each_kind_of_failure_is_logged_on_its_own(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(20):
        problems.describe(LedgerDown("It does not answer."))
    problems.describe(IndexDown("It does not answer, either."))
    assert [record.__dict__["kind"] for record in caplog.records] == ["ledger_down"] * 6 + ["index_down"]


@pytest.mark.usefixtures("shown")
def test_lines_are_logged_again_later(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(9):
        problems.describe(LedgerDown("It does not answer."))
    monkeypatch.setattr(log, "REPEAT_SECONDS", 0.0)
    problems.describe(LedgerDown("It does not answer."))
    assert [getattr(record, "left_out", 0) for record in caplog.records] == [0] * log.REPEATED + [4]
