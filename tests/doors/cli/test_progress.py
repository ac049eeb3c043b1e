"""The live progress of a document, as it is drawn from what the ledger has of its run."""

import io
import os
import platform
from types import SimpleNamespace
from typing import Any

from rich.console import Console

from swatchbook.domain.records import Stage
from swatchbook.doors.cli.progress import draw
from swatchbook.store.ledger.queries.activity import StageTiming
from swatchbook.store.ledger.run_queries import LiveRun


def seen(stage: Stage, done: int = 0, total: int = 0, **changed: Any) -> LiveRun:
    given: dict[str, Any] = {
        "token": "T", "document": "d", "name": "a.pdf", "owner": "default", "stage": stage, "done": done,
        "total": total, "note": None, "host": platform.node(), "pid": os.getpid(), "started_at": 0.0,
        "heartbeat_age": 0.0, "progress_age": 0.0,
    }  # fmt: skip
    return LiveRun(**(given | changed))


def drawn(run: LiveRun | None, *finished: StageTiming, kind: str = "pdf", **given: Any) -> str:
    document: Any = SimpleNamespace(name="a.pdf", kind=kind)
    console = Console(file=io.StringIO(), width=100)
    console.print(draw(document, run, finished, **({"seconds": 14.0} | given)))
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_stages_counts_and_rates_are_those_of_the_run() -> None:
    read = StageTiming(stage=Stage.READ, seconds=2.1, units=71)
    text = drawn(seen(Stage.EMBEDDED, 140, 256, note="3 of 5 shards"), read, rate=10.0, figures="2 products")
    for said in (
        "Making pictures searchable: 140 of 256, 3 of 5 shards", "10.0 pictures/s", "0:14", "✓ read pages", "71 pages",
        "2.1 s", "2 products",
    ):  # fmt: skip
        assert said in text
    text = drawn(seen(Stage.EXTRACTED, 400, 800), kind="folder", rate=200.0)
    assert "Scanning: item 401 of 800" in text
    assert "200 items/s" in text


def test_a_run_elsewhere_or_not_begun_is_told() -> None:
    assert "following process 1 on elsewhere" in drawn(seen(Stage.READ, pid=1, host="elsewhere"))
    assert "following" not in drawn(seen(Stage.READ))
    assert "Reading page 3 of 27" in drawn(None, before="Reading page 3 of 27")
    assert "Starting" in drawn(None)
