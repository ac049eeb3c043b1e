"""What traces cost: ingests of the sample that send them to a receiver, and ingests without, in turn, on one server.

Compared is processor time, user and system, of a command and the children that it has waited for: the sending is in
threads, and wall time of a busy machine says how busy it is. A round's two ingests are compared with each other.
"""

import os
import tempfile
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks.startup import Spent, medians, spend


class Cost(NamedTuple):
    """`ratio`: median over the rounds of processor time with traces to that without. `spans`: of one ingest."""

    ratio: float
    least: float
    most: float
    traced: Spent
    plain: Spent
    spans: int


def measure(command: str, catalogue: Path, prefect: str, rounds: int) -> Cost:
    """Ingest a catalogue twice a round into new collections; the order changes from round to round."""
    from tests.otlp_receiver import receiving

    ratios, traced, plain, spans = list[float](), list[Spent](), list[Spent](), 0
    for number in range(rounds):
        with receiving() as there:
            for is_traced in (number % 2 == 0, number % 2 == 1):
                with tempfile.TemporaryDirectory() as home:
                    given = {**os.environ, "SWATCHBOOK_HOME": home, "PREFECT_API_URL": prefect}
                    if is_traced:
                        given["OTEL_EXPORTER_OTLP_ENDPOINT"] = there.url
                    (traced if is_traced else plain).append(spend((command, "ingest", str(catalogue)), given))
            spans = len(there.spans())
        ratios.append(traced[-1].cpu / plain[-1].cpu)
    return Cost(median(ratios), min(ratios), max(ratios), medians(traced), medians(plain), spans)
