"""Trace work with OpenTelemetry, from a request or command to what is published; log lines name the trace.

Off without OTEL_EXPORTER_OTLP_ENDPOINT, or without the extra `otel`: then nothing is imported. All settings are the
standard variables OTEL_*, from the environment or the settings file.

A span has only attributes of the list below: ids, counts, names of stages and models. The current span is kept here and
not in OpenTelemetry's context, where Prefect would add spans with the names of documents.
"""

import atexit
import logging
import os
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from swatchbook.domain.errors import Configuration
from swatchbook.domain.extras import installed_version, is_installed
from swatchbook.domain.public_addresses import check_operators_url

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.trace import Span, Tracer

log = logging.getLogger(__name__)

PREFIX: Final = "OTEL_"
ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
FINISH_SECONDS: Final = 3.0
"""How long a process waits at its end for spans to be sent."""

ATTRIBUTES: Final[Mapping[str, str]] = {
    "method": "http.request.method",
    "route": "http.route",
    "status": "http.response.status_code",
    "model": "gen_ai.request.model",
    "tokens_in": "gen_ai.usage.input_tokens",
    "tokens_out": "gen_ai.usage.output_tokens",
} | {
    name: f"swatchbook.{name}"
    for name in (
        "document", "run", "flow_run", "generation", "stage", "units", "batch", "items", "made", "failed", "attempt",
        "shard", "shards", "rows", "removed", "refused",
    )
}  # fmt: skip
"""Every attribute of a span: its name in code -> its name in OpenTelemetry. Another one raises KeyError."""

Value = str | int | float

_TRACEPARENT: Final = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_current: ContextVar["Span | None"] = ContextVar("span", default=None)


class Traced:
    """The span of a block, to add what is known only at its end; it does nothing where tracing is off."""

    def __init__(self, span: "Span | None") -> None:
        self._span = span

    def note(self, **attributes: Value | None) -> None:
        """Add attributes, named as in ATTRIBUTES; None is left out."""
        if self._span:
            self._span.set_attributes({ATTRIBUTES[name]: each for name, each in attributes.items() if each is not None})

    def rename(self, name: str) -> None:
        if self._span:
            self._span.update_name(name)

    def fail(self, kind: str) -> None:
        """Mark the span as failed; `kind`: the name of an error's class, never its text."""
        if self._span:
            from opentelemetry.trace import Status, StatusCode

            self._span.set_status(Status(StatusCode.ERROR))
            self._span.set_attribute("error.type", kind)


_OFF: Final = Traced(None)


@contextmanager
def span(
    name: str, *, parent: str | None = None, kind: Literal["internal", "server", "client"] = "internal",
    **attributes: Value | None,
) -> Iterator[Traced]:  # fmt: skip
    """Trace the block as a child of `parent` (a traceparent), else of the current span, else as a new trace.

    Where `parent` is of another trace than the current span, the span has a link to the current one. An error is
    recorded as the name of its class.
    """
    running = _running()
    if running is None:
        yield _OFF
        return
    before = _current.get()
    begun = _start(running.tracer, name, parent, before, kind)
    traced = Traced(begun)
    traced.note(**attributes)
    _current.set(begun)
    try:
        yield traced
    except Exception as error:
        traced.fail(type(error).__name__)
        raise
    finally:
        _current.set(before)
        begun.end()


@contextmanager
def within(outer: "Span | None") -> Iterator[None]:
    """Make a span of another thread the current one while the block runs."""
    before = _current.get()
    _current.set(outer)
    try:
        yield
    finally:
        _current.set(before)


def current_span() -> "Span | None":
    """Return the span that the code runs in, for `within`; None outside of spans."""
    return _current.get()


def traceparent() -> str | None:
    """Return the current span as a W3C traceparent, to be stored and be the `parent` of spans of other processes."""
    if not (known := ids()):
        return None
    sampled = _current.get().get_span_context().trace_flags  # type: ignore[union-attr]  # `ids` has looked
    return f"00-{known.trace}-{known.span}-{sampled:02x}"


class Ids(NamedTuple):
    trace: str
    span: str


def ids() -> Ids | None:
    """Return the ids of the current span in hexadecimal; None outside of spans."""
    span = _current.get()
    if span is None:
        return None
    context = span.get_span_context()
    return Ids(f"{context.trace_id:032x}", f"{context.span_id:016x}")


def endpoint() -> str | None:
    """Return where traces are sent to, None if they are not sent. Raises Configuration for a link-local address."""
    _read_settings_file()
    if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return None
    if os.environ.get("OTEL_TRACES_EXPORTER", "otlp").strip() != "otlp":
        return None
    url = os.environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") or os.environ.get(ENDPOINT)
    if not url:
        return None
    from swatchbook.domain.settings import load_settings

    check_operators_url(url, ENDPOINT, load_settings().fetch_private_hosts)
    return url


def finish() -> None:
    """Send what is left, for at most FINISH_SECONDS. Call it where a process ends without Python's own exit."""
    if _running.cache_info().currsize and (running := _running()):
        running.over.set()
        running.ending.join(FINISH_SECONDS)


# --- the SDK ----------------------------------------------------------------------------------------------------------


class _Running(NamedTuple):
    """The tracer, and what ends its sending: a thread that exists from the start, as none can begin at Python's end."""

    tracer: "Tracer"
    over: threading.Event
    ending: threading.Thread


@cache
def _running() -> _Running | None:
    """Return the tracer of this process, which sends in a thread, at most 2,048 waiting spans; None where it is off."""
    try:
        if endpoint() is None:
            return None
    except Configuration as failure:
        log.warning("nothing is traced: %s", failure)
        return None
    if not is_installed("otel"):
        log.warning("nothing is traced: %s needs the extra otel", ENDPOINT)
        return None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    _hide_headers()
    try:
        provider = TracerProvider(resource=_resource(), shutdown_on_exit=False)
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    except Exception as error:  # a wrong OTEL_* variable must not stop the work
        log.warning("nothing is traced: a variable OTEL_* is wrong", exc_info=error)
        return None
    over = threading.Event()

    def end() -> None:
        over.wait()
        provider.shutdown()

    ending = threading.Thread(target=end, name="end of tracing", daemon=True)
    ending.start()
    atexit.register(finish)
    return _Running(provider.get_tracer("swatchbook", installed_version()), over, ending)


def _start(tracer: "Tracer", name: str, parent: str | None, before: "Span | None", kind: str) -> "Span":
    from opentelemetry import trace
    from opentelemetry.context import Context

    link, context = [], Context()
    if parent and _TRACEPARENT.fullmatch(parent):
        outer = trace.NonRecordingSpan(_parsed(parent))
        if before and before.get_span_context().trace_id != outer.get_span_context().trace_id:
            link = [trace.Link(before.get_span_context())]
        context = trace.set_span_in_context(outer, context)
    elif before:
        context = trace.set_span_in_context(before, context)
    return tracer.start_span(
        name, context, trace.SpanKind[kind.upper()], links=link, record_exception=False, set_status_on_exception=False
    )


def _parsed(traceparent: str) -> Any:
    from opentelemetry.trace import SpanContext, TraceFlags

    _, of_trace, of_span, flags = traceparent.split("-")
    return SpanContext(int(of_trace, 16), int(of_span, 16), is_remote=True, trace_flags=TraceFlags(int(flags, 16)))


def _resource() -> "Resource":
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource

    given = OTELResourceDetector().detect().attributes
    name = {} if "service.name" in given else {"service.name": "swatchbook"}
    return Resource.create({**name, "service.version": installed_version()})


def _hide_headers() -> None:
    """Keep OpenTelemetry from logging a malformed OTEL_EXPORTER_OTLP_HEADERS, which holds secrets."""
    logging.getLogger("opentelemetry.util.re").setLevel(logging.ERROR)


@cache
def _read_settings_file() -> None:
    """Take the OTEL_* of the settings file that the environment lacks: containers of shards have only the file."""
    from swatchbook.domain.settings import env_file

    try:
        lines = env_file().read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):  # without one; a wrong one is reported where settings are loaded
        return
    if any(line.strip().removeprefix("export ").startswith(PREFIX) for line in lines):
        from dotenv import dotenv_values

        for name, value in dotenv_values(env_file()).items():
            if name.startswith(PREFIX) and value:
                os.environ.setdefault(name, value)
