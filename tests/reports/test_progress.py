"""What a run does at the moment, in words."""

from typing import Any

import pytest

from swatchbook.ledger.runs import LiveRun
from swatchbook.records import PRINT, Stage
from swatchbook.reports.progress import describe_progress, describe_step


@pytest.mark.parametrize(
    ("kind", "stage", "done", "total", "note", "sentence"),
    [
        ("pdf", Stage.READ, 0, 0, None, "Reading pages"),
        ("pdf", Stage.READ, 11, 27, None, "Reading page 12 of 27"),
        ("pdf", Stage.READ, 27, 27, None, "Reading page 27 of 27"),
        ("pdf", Stage.READ, 2, 27, PRINT, "Reading print of page 3"),
        ("pdf", Stage.EXTRACTED, 2, 24, None, "Extracting pictures: page 3 of 24"),
        ("folder", Stage.EXTRACTED, 39, 164, "12 images embedded", "Scanning: item 40 of 164, 12 images embedded"),
        ("pdf", Stage.EMBEDDED, 40, 164, None, "Embedding 40 of 164"),
        ("folder", Stage.ASSEMBLED, 0, 0, None, "Publishing"),
    ],
)
def test_step_names_its_unit(kind: str, stage: Stage, done: int, total: int, note: str | None, sentence: str) -> None:
    assert describe_step(kind, stage, done, total, note).sentence == sentence


@pytest.mark.parametrize("kind", ["pdf", "folder", "batch", "table"])
def test_every_stage_has_words(kind: str) -> None:
    assert all(describe_step(kind, stage).sentence for stage in Stage)


def test_run_that_has_begun_nothing_yet_starts() -> None:
    fields: dict[str, Any] = {"token": "t", "document": "d", "name": "a", "owner": "o", "host": "h"}
    begun = LiveRun(
        **fields, stage=None, done=0, total=0, note=None, pid=1, started_at=0, heartbeat_age=0, progress_age=0
    )
    assert describe_progress(begun).sentence == describe_progress(None).sentence == "Starting"
