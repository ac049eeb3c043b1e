"""A command whose Prefect server is lost says what does not answer, where, and what to do."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command import bare_environment, finish
from tests.serving import Answers, StandIn, serving

pytestmark = pytest.mark.stack


@pytest.fixture
def half_dead() -> Iterator[str]:
    """A server that answers that it is healthy, and hangs up on everything else."""

    class Healthy(Answers):
        def do_GET(self) -> None:
            if self.path.endswith("/health"):
                self.say(200, b"true")

        def do_POST(self) -> None:
            """Hang up."""

    with serving(StandIn(Healthy)) as server:
        yield f"{server.url}/api"


def test_ingest_that_loses_prefect_says_so(small_catalogue: Path, tmp_path: Path, half_dead: str) -> None:
    environment = bare_environment() | {
        "SWATCHBOOK_HOME": str(tmp_path / "home"), "PREFECT_API_URL": half_dead, "PREFECT_CLIENT_MAX_RETRIES": "0",
    }  # fmt: skip
    done = finish(["ingest", str(small_catalogue)], environment, tmp_path, seconds=300)
    assert done.returncode != 0
    said = " ".join(done.stderr.split())
    assert f"Prefect does not answer at {half_dead}" in said
    assert "Start its server, or correct PREFECT_API_URL" in said
    assert "unexpected error" not in said.lower()
