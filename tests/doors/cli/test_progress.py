"""The live progress of a document, as it is drawn from what the ledger has of its run."""

import io
import os
import platform
from types import SimpleNamespace
from typing import Any

from rich.console import Console

from swatchbook.domain.records import Stage
from swatchbook.doors.cli.progress import draw
from swatchbook.store.ledger.run_queries import LiveRun


def seen(stage: Stage, done: int = 0, total: int = 0, **changed: Any) -> LiveRun:
    given: dict[str, Any] = {
        "token": "T", "document": "d", "name": "a.pdf", "owner": "default", "stage": stage, "done": done,
        "total": total, "note": None, "host": platform.node(), "pid": os.getpid(), "started_at": 0.0,
        "heartbeat_age": 0.0, "progress_age": 0.0,
    }  # fmt: skip
    return LiveRun(**(given | changed))


def drawn(run: LiveRun | None, *, kind: str = "pdf") -> str:
    document: Any = SimpleNamespace(name="a.pdf", kind=kind)
    console = Console(file=io.StringIO(), width=100)
    console.print(draw(document, run, seconds=14.0))
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_bar_says_what_the_run_does() -> None:
    text = drawn(seen(Stage.EMBEDDED, 140, 256, note="3 of 5 shards"))
    assert "Making pictures searchable: 140 of 256, 3 of 5 shards" in text
    assert "14 s" in text
    assert "Scanning: item 401 of 800" in drawn(seen(Stage.EXTRACTED, 400, 800), kind="folder")
    assert "following process 1 on elsewhere" in drawn(seen(Stage.READ, pid=1, host="elsewhere"))
    assert "following" not in drawn(seen(Stage.READ))
    assert "Starting" in drawn(None)
