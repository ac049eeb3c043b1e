"""What is traced, what a span may say, and that a receiver that is away or misbehaves holds nothing up."""

import logging
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest

from devtools.size import shipped_modules
from swatchbook.domain import tracing
from swatchbook.domain.errors import ProviderDown
from swatchbook.domain.settings import Settings
from swatchbook.domain.tracing import ENDPOINT
from swatchbook.doors.cli.log import Fields
from swatchbook.store.ledger.stored_documents import get_document
from tests.doors.served import served
from tests.otlp_receiver import Receiver, receiver, receiving, tree
from tests.tables import text_of

__all__ = ["receiver"]

pytest.importorskip("opentelemetry.sdk.trace")

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
WORK = text_of(__file__, "work")


def work(spans: int = 5_000, **environment: str) -> subprocess.CompletedProcess[str]:
    """A process of its own that makes so many spans; 5,000 are more than may wait to be sent."""
    return subprocess.run(
        [sys.executable, "-c", WORK, str(spans)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


OFF = [{}, {ENDPOINT: "http://x", "OTEL_SDK_DISABLED": "true"}, {ENDPOINT: "http://x", "OTEL_TRACES_EXPORTER": "none"}]


@pytest.mark.parametrize("variables", OFF, ids=str)
def test_nothing_is_imported_where_traces_are_off(variables: dict[str, str]) -> None:
    assert work(1, **variables).stdout.split() == ["None", "False"]


def test_process_with_settings_file_sends_its_last_spans(tmp_path: Path) -> None:
    file = tmp_path / "shards.env"
    with receiving() as there:
        file.write_text(f"SWATCHBOOK_INDEX=lance\n{ENDPOINT}={there.url}\nOTEL_SERVICE_NAME=shards\n")
        work(1, SWATCHBOOK_ENV_FILE=str(file), OTEL_BSP_SCHEDULE_DELAY="3600000")
        assert {span.service for span in there.spans()} == {"shards"}
        assert tree(there.spans()) == {"outer": "", "inner": "outer"}


def test_spans_have_their_parent_and_only_listed_attributes(receiver: Receiver) -> None:
    with tracing.span("outer", document="d", model=None) as outer:
        with pytest.raises(KeyError):
            outer.note(title="Nordvik Oak")
        known, stored = tracing.ids(), tracing.traceparent()
        with tracing.span("inner"):
            pass
    with tracing.span("other"), tracing.span("later", parent=stored):
        pass
    tracing.finish()
    spans = {span.name: span for span in receiver.spans()}
    assert tree(receiver.spans()) == {"outer": "", "inner": "outer", "other": "", "later": "outer"}
    assert known
    assert known.trace == spans["later"].trace == spans["inner"].trace != spans["other"].trace
    assert spans["later"].links == (spans["other"].trace,)
    assert spans["outer"].attributes == {"swatchbook.document": "d"}
    assert spans["outer"].service == "swatchbook"


def test_error_is_told_by_its_class_alone(receiver: Receiver) -> None:
    with pytest.raises(ProviderDown), tracing.span("call"):
        raise ProviderDown("a sentence from page 7")
    tracing.finish()
    (span,) = receiver.spans()
    assert span.failed
    assert span.attributes == {"error.type": "ProviderDown"}
    assert all(b"a sentence" not in body for _, body in receiver.bodies)


def test_malformed_parent_begins_a_trace(receiver: Receiver) -> None:
    for parent in ("", "00-0-0-00", TRACEPARENT.upper(), f"{TRACEPARENT}\nX", f"00-{'0' * 32}-{'0' * 16}-01"):
        with tracing.span("root", parent=parent):
            pass
    tracing.finish()
    assert [span.parent for span in receiver.spans()] == [""] * 5
    assert len({span.trace for span in receiver.spans()}) == 5


def test_log_line_names_the_trace(receiver: Receiver) -> None:
    record = logging.makeLogRecord({"msg": "batch committed", "levelname": "INFO", "name": "swatchbook"})
    assert "trace=" not in Fields().format(record)
    with tracing.span("outer"):
        line, known = Fields().format(record), tracing.ids()
    assert known
    assert line.endswith(f" trace={known.trace} span={known.span}")


def test_span_goes_with_work_to_another_thread(receiver: Receiver) -> None:
    def call() -> None:
        with tracing.within(outer), tracing.span("inner"):
            pass

    with tracing.span("outer"):
        outer = tracing.current_span()
        thread = threading.Thread(target=call)
        thread.start()
        thread.join()
    tracing.finish()
    assert tree(receiver.spans())["inner"] == "outer"


def test_request_continues_the_trace_of_its_caller(receiver: Receiver, home: Path, small_catalogue: Path) -> None:
    with served(Settings()) as service, httpx.Client(base_url=service.url, timeout=60) as client:
        files, headers = {"file": ("secret.pdf", small_catalogue.read_bytes())}, {"traceparent": TRACEPARENT}
        answer = client.post("/documents", files=files, headers=headers)
        assert answer.status_code == 202, answer.text
        assert client.get("/documents/secret-id?q=secret-question").status_code == 422
        assert client.get("/live").status_code == 200
        assert client.request("SECRET", "/secret-path").status_code in (404, 405)
        stored = get_document(service.resources.ledger, answer.json()["id"]).trace
    tracing.finish()
    upload, asked, unknown = receiver.spans()
    assert (upload.name, upload.trace, upload.parent) == ("POST /documents", *TRACEPARENT.split("-")[1:3])
    assert stored == f"00-{upload.trace}-{upload.id}-01"
    assert upload.attributes == {
        "http.request.method": "POST", "http.route": "/documents", "http.response.status_code": 202,
    }  # fmt: skip
    assert asked.attributes["http.route"] == "/documents/{document_id}"
    assert unknown.name == "_OTHER"
    assert all(b"secret" not in body.lower() for _, body in receiver.bodies)


@pytest.mark.nightly
def test_receiver_that_never_answers_is_not_waited_for() -> None:
    """The process would wait for longer than `work` does, were it not for its own limit."""
    over = threading.Event()
    with receiving(lambda _: over.wait() and None) as there:
        done = work(**there.environment, OTEL_EXPORTER_OTLP_TIMEOUT="3600")
        over.set()
    assert done.returncode == 0, done.stderr


def test_receiver_down_or_wrong_variable_fails_nothing() -> None:
    for wrong in ({"OTEL_EXPORTER_OTLP_TIMEOUT": "3600"}, {"OTEL_BSP_MAX_QUEUE_SIZE": "-1"}):
        done = work(**{ENDPOINT: "http://127.0.0.1:9"}, **wrong)
        assert done.returncode == 0, done.stderr
    assert "nothing is traced" in done.stderr


def test_malformed_headers_are_not_logged() -> None:
    with receiving() as there:
        done = work(1, **there.environment, OTEL_EXPORTER_OTLP_HEADERS="a-secret-without-a-name")
        assert there.spans()
    assert "a-secret" not in done.stdout + done.stderr


def test_no_span_is_named_after_what_is_read() -> None:
    """Names in the code are constants, but for the stage, the command and the method with its route."""
    named = re.compile(r"\bspan\(\s*(f?\"[^\"]*\"|\w+)")
    found = set[str]()
    for path in shipped_modules():
        if path.name != "tracing.py":
            found |= set(named.findall(path.read_text())) if "swatchbook.domain.tracing" in path.read_text() else set()
    assert {name for name in found if not name.startswith('"')} == {
        'f"stage {towards}"', 'f"swatchbook {context.invoked_subcommand}"', "method",
    }  # fmt: skip
