"""A receiver of OpenTelemetry over HTTP that parses what it is sent, as a collector does; it may misbehave."""

import gzip
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest

from swatchbook.domain import tracing
from tests.serving import Answers, StandIn, serving

Answer = Callable[[Answers], None]


class Sent(NamedTuple):
    """A span that arrived. Ids are hexadecimal; `parent` is empty for the first of a trace."""

    name: str
    trace: str
    id: str
    parent: str
    links: tuple[str, ...]  # traces
    attributes: dict[str, Any]
    failed: bool
    service: str


class Receiver:
    """Spans as they arrived, and the bytes that they came in."""

    def __init__(self, url: str) -> None:
        self.url, self.bodies = url, list[tuple[str, bytes]]()

    @property
    def environment(self) -> dict[str, str]:
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": self.url, "OTEL_BSP_SCHEDULE_DELAY": "200"}

    def spans(self) -> list[Sent]:
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

        found = list[tuple[int, Sent]]()
        for _, body in (each for each in list(self.bodies) if each[0] == "/v1/traces"):
            for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                service = _attributes(of_resource.resource)["service.name"]
                for each in (span for scope in of_resource.scope_spans for span in scope.spans):
                    sent = Sent(
                        each.name, each.trace_id.hex(), each.span_id.hex(), each.parent_span_id.hex(),
                        tuple(link.trace_id.hex() for link in each.links), _attributes(each),
                        each.status.code == each.status.STATUS_CODE_ERROR, service,
                    )  # fmt: skip
                    assert not each.events, "an event would hold the text of an exception"
                    assert not each.status.message
                    found.append((each.start_time_unix_nano, sent))
        return [sent for _, sent in sorted(found, key=lambda each: each[0])]


@contextmanager
def receiving(answer: Answer | None = None) -> Iterator[Receiver]:
    """Run a receiver; `answer` replaces its 200."""
    receiver = Receiver("")

    class Handler(Answers):
        def do_POST(self) -> None:
            body = self.read()
            receiver.bodies.append((self.path, gzip.decompress(body) if self.headers["Content-Encoding"] else body))
            if answer:
                answer(self)
            else:
                self.say(200)

    with serving(StandIn(Handler)) as server:
        receiver.url = server.url
        yield receiver


def tree(spans: list[Sent]) -> dict[str, str]:
    """Return the name of each span -> the name of its parent; empty where that has not arrived."""
    names = {span.id: span.name for span in spans}
    return {span.name: names.get(span.parent, "") for span in spans}


def trace_of(receiver: Receiver, document: str) -> list[Sent]:
    spans = receiver.spans()
    (trace,) = {span.trace for span in spans if span.attributes.get("swatchbook.document") == document}
    return [span for span in spans if span.trace == trace]


def parents(spans: list[Sent], name: str) -> list[str]:
    """Return the names of the parents of all spans of this name; empty for one that never arrived."""
    names = {span.id: span.name for span in spans}
    return [names.get(span.parent, "") for span in spans if span.name == name]


def _attributes(carrier: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in carrier.attributes}


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    with receiving() as there:
        for name, value in there.environment.items():
            monkeypatch.setenv(name, value)
        tracing._running.cache_clear()
        yield there
        tracing.finish()
        tracing._running.cache_clear()
