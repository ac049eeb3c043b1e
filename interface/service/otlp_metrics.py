"""Send what `/metrics` answers to a receiver of OpenTelemetry, every OTEL_METRIC_EXPORT_INTERVAL (60 s).

A thread asks the event loop for the same registries as the endpoint; nothing is counted twice, or by itself.
"""

import asyncio
import logging
import os
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Metric

from interface.service.health import Watch
from interface.service.metrics import Requests, collect
from swatchbook.tracing import metric_exporter

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricExporter
    from opentelemetry.sdk.resources import Resource

log = logging.getLogger(__name__)

_INTERVAL = "OTEL_METRIC_EXPORT_INTERVAL"  # milliseconds
_DEFAULT_SECONDS, _LEAST_SECONDS = 60.0, 0.1
_COLLECT_SECONDS = 60.0


@contextmanager
def sending_metrics(watch: Watch, requests: Requests) -> Iterator[None]:
    """Send the metrics while the block runs, from within a running event loop; does nothing where they are not sent."""
    if (sender := metric_exporter()) is None:
        yield
        return
    over = threading.Event()
    exporter, resource = sender
    given = (watch, requests, asyncio.get_running_loop(), over, exporter, resource)
    threading.Thread(target=_keep_sending, args=given, name="metrics", daemon=True).start()
    try:
        yield
    finally:
        over.set()
        exporter.shutdown()  # ends its pause before a retry; a request under way is left to the thread


def _keep_sending(
    watch: Watch,
    requests: Requests,
    loop: asyncio.AbstractEventLoop,
    over: threading.Event,
    exporter: "MetricExporter",
    resource: "Resource",
) -> None:
    begun = time.time_ns()
    while not over.wait(_seconds()):
        try:
            collected = asyncio.run_coroutine_threadsafe(collect(watch, requests), loop)
            exporter.export(as_otlp(collected.result(_COLLECT_SECONDS), resource, begun=begun, now=time.time_ns()))
        except (Exception, CancelledError):  # the boundary between metrics and the service; the loop may end meanwhile
            if not over.is_set():
                log.warning("the metrics were not sent", exc_info=True)


def _seconds() -> float:
    try:
        return max(float(os.environ[_INTERVAL]) / 1_000, _LEAST_SECONDS)
    except (KeyError, ValueError):
        return _DEFAULT_SECONDS


def as_otlp(registries: Sequence[CollectorRegistry], resource: "Resource", *, begun: int, now: int) -> Any:
    """Return the metrics of Prometheus as OpenTelemetry's. Counters count since `begun`; times are Unix nanoseconds."""
    from opentelemetry.sdk.metrics import export as sdk
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    metrics = [
        sdk.Metric(family.name, family.documentation, "", _data(family, begun, now))
        for registry in registries
        for family in registry.collect()
        if family.samples
    ]
    scoped = sdk.ScopeMetrics(InstrumentationScope("swatchbook"), metrics, "")
    return sdk.MetricsData([sdk.ResourceMetrics(resource, [scoped], "")])


def _data(family: Metric, begun: int, now: int) -> Any:
    from opentelemetry.sdk.metrics import export as sdk

    cumulative = sdk.AggregationTemporality.CUMULATIVE
    if family.type == "histogram":
        return sdk.Histogram(list(_histograms(family, begun, now)), cumulative)
    is_counter = family.type == "counter"
    points = [
        sdk.NumberDataPoint(dict(sample.labels), begun if is_counter else 0, now, float(sample.value))
        for sample in family.samples
        if not sample.name.endswith("_created")
    ]
    return sdk.Sum(points, cumulative, is_monotonic=True) if is_counter else sdk.Gauge(points)


def _histograms(family: Metric, begun: int, now: int) -> Iterator[Any]:
    """Yield a data point for each combination of labels; Prometheus counts each bucket with those below it."""
    from opentelemetry.sdk.metrics import export as sdk

    found = dict[tuple[tuple[str, str], ...], dict[str, Any]]()
    for sample in family.samples:
        labels = tuple(sorted((name, value) for name, value in sample.labels.items() if name != "le"))
        point = found.setdefault(labels, {"bounds": [], "upto": [0.0]})
        if sample.name.endswith("_bucket"):
            point["bounds"].append(float(sample.labels["le"]))
            point["upto"].append(sample.value)
        else:
            point[sample.name.rpartition("_")[2]] = sample.value
    for labels, point in found.items():
        counts = [int(upper - lower) for lower, upper in pairwise(point["upto"])]
        yield sdk.HistogramDataPoint(
            dict(labels), begun, now, int(point["count"]), point["sum"], counts, point["bounds"][:-1],
            min=None, max=None,
        )  # fmt: skip
