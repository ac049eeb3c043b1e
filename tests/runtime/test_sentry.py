"""What a Sentry project is told: that something is wrong and where; never what a page or a setting says."""

import gzip
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
HUSH = "a sentence from page 7"

UNEXPECTED = f"""
from swatchbook.pipeline.run import log

def read(page):
    raise ValueError("cannot read " + page)

try:
    read({HUSH!r})
except ValueError as error:
    log.error("a run ended unexpectedly", exc_info=error, extra={{"document": "d", "path": {HUSH!r}}})
logging.getLogger("elsewhere").error({HUSH!r})
log.warning("nothing much")
"""

DEATH = """
from sqlalchemy import update
from swatchbook.ledger import dead_runs
from swatchbook.ledger.database import open_ledger
from swatchbook.ledger.tables import runs as rows
from tests.ledger.scene import begun

ledger = open_ledger(settings.ledger)
run = begun(ledger)
with ledger.write() as connection:
    connection.execute(update(rows).values(lease_until=0, heartbeat_at=0))
assert dead_runs.mark_dead(ledger) == [run.token]
print(run.document)
"""


@pytest.fixture
def envelopes() -> Iterator[tuple[str, list[bytes]]]:
    """A DSN, and the bodies posted to its envelope endpoint."""
    bodies = list[bytes]()

    class Sentry(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            bodies.append(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
            self.send_response(200 if self.path == "/api/7/envelope/" else 404)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Sentry) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://key@127.0.0.1:{server.server_port}/7", bodies
        server.shutdown()


def run(home: Path, work: str, **environment: str) -> str:
    """The output of a process of its own that works under the settings of this home."""
    start = """
import logging, sys
from swatchbook.runtime.sentry import watch
from swatchbook.settings import load_settings
settings = load_settings()
watch(settings)
watch(settings)
"""
    return subprocess.run(
        [sys.executable, "-c", start + work],
        env={**os.environ, "SWATCHBOOK_HOME": str(home), "PYTHONPATH": str(ROOT), **environment},
        check=True, capture_output=True, text=True, timeout=60,
    ).stdout.strip()  # fmt: skip


def events(bodies: list[bytes]) -> list[dict[str, Any]]:
    found = []
    for body in bodies:
        _, header, payload = body.split(b"\n")[:3]
        if json.loads(header)["type"] == "event":
            found.append(json.loads(payload))
    return found


def test_an_unexpected_error_is_told_without_what_it_says(home: Path, envelopes: tuple[str, list[bytes]]) -> None:
    dsn, bodies = envelopes
    run(home, UNEXPECTED, SWATCHBOOK_SENTRY_DSN=dsn, SWATCHBOOK_WEAVIATE_API_KEY="a key to nobody")
    [event] = events(bodies)
    assert event["logentry"]["message"] == "a run ended unexpectedly"
    assert event["tags"] == {"document": "d"}
    [error] = event["exception"]["values"]
    assert error["type"] == "ValueError"
    assert error["stacktrace"]["frames"][-1]["function"] == "read"
    assert not [body for body in bodies if HUSH.encode() in body or b"a key to nobody" in body]


def test_a_dead_run_is_told(home: Path, envelopes: tuple[str, list[bytes]]) -> None:
    dsn, bodies = envelopes
    document = run(home, DEATH, SWATCHBOOK_SENTRY_DSN=dsn)
    [event] = events(bodies)
    assert event["logentry"]["message"] == "a run died"
    assert event["tags"]["document"] == document


def test_a_project_that_does_not_answer_keeps_nobody(home: Path) -> None:
    run(home, UNEXPECTED, SWATCHBOOK_SENTRY_DSN="http://key@127.0.0.1:9/7")


def test_without_a_project_nothing_is_imported(home: Path) -> None:
    assert run(home, "print('sentry_sdk' in sys.modules)") == "False"
