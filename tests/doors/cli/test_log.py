"""What requests repeat is counted in the log, and other lines are not touched."""

import logging
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from swatchbook.doors.cli import log


@pytest.fixture
def shown() -> Iterator[None]:
    """The log of a service."""
    root = logging.getLogger()
    before = list(root.handlers)
    log.show()
    yield
    root.handlers[:] = before
    for name in ("swatchbook_service.problems", "uvicorn.error", "asyncio"):
        logger = logging.getLogger(name)
        logger.filters[:] = [each for each in logger.filters if not isinstance(each, log.Repeats)]


@pytest.mark.usefixtures("shown")
def test_stranger_cannot_fill_the_log(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    client.app.add_api_route("/fails", fail)  # type: ignore[attr-defined]
    answers = [client.get("/fails") for _ in range(100)]
    assert {answer.status_code for answer in answers} == {500}
    lines = [record for record in caplog.records if record.name == "swatchbook_service.problems"]
    assert [getattr(line, "left_out", 0) for line in lines] == [0] * log.REPEATED + [4, 89]
    assert answers[-1].json()["id"] in log.Fields().format(lines[-1])
    assert "left_out=89" in log.Fields().format(lines[-1])
