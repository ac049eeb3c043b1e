"""Progress as a fold over what the ledger says."""

import io
import os
import platform
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from swatchbook.domain.records import Stage, overall_percent
from swatchbook.doors.cli.progress import Track, draw, follow
from swatchbook.store.ledger.run_queries import LiveRun

STAGES = list(Stage)


def seen(stage: Stage, done: int = 0, total: int = 0, **changed: Any) -> LiveRun:
    given: dict[str, Any] = {
        "token": "T", "document": "d", "name": "a.pdf", "owner": "default", "stage": stage, "done": done,
        "total": total, "note": None, "host": platform.node(), "pid": os.getpid(), "started_at": 0.0,
        "heartbeat_age": 0.0, "progress_age": 0.0,
    }  # fmt: skip
    return LiveRun(**(given | changed))


def drawn(track: Track, now: float) -> str:
    console = Console(file=io.StringIO(), width=100)
    console.print(draw(track, now))
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_counts_and_rates_are_of_what_was_seen() -> None:
    track = follow(Track("a.pdf", 0.0), seen(Stage.EMBEDDED, 100, 256), now=10.0)  # a resumed run starts at 100
    track = follow(track, seen(Stage.EMBEDDED, 140, 256, note="3 of 5 shards"), now=14.0)
    assert track.steps[-1].rate(14.0) == 10.0
    text = drawn(track, 14.0)
    assert "Making pictures searchable: 140 of 256, 3 of 5 shards" in text
    assert "10.0 pictures/s" in text
    assert "0:14" in text
    track = follow(Track("pictures", 0.0, "folder"), seen(Stage.EXTRACTED, 0, 800), now=0.0)
    track = follow(track, seen(Stage.EXTRACTED, 400, 800), now=2.0)
    text = drawn(track, 2.0)
    assert "Scanning: item 401 of 800" in text
    assert "200 items/s" in text
    track = follow(Track("a.pdf", 0.0), seen(Stage.READ, 71, 71), now=0.0)
    track = follow(track, seen(Stage.DISCOVERED), now=2.1)
    assert track.steps[0].seconds(99.0) == 2.1
    assert "✓ read pages" in drawn(track, 99.0)


def test_a_run_of_others_or_begun_again_is_shown_once() -> None:
    track = follow(Track("a.pdf", 0.0), seen(Stage.READ, pid=1, host="elsewhere"), now=0.0)
    assert "following process 1 on elsewhere" in drawn(track, 1.0)
    assert "following" not in drawn(follow(track, seen(Stage.READ), now=1.0), 1.0)
    track = Track("a.pdf", 0.0)
    for now, stage in enumerate([Stage.READ, Stage.EXTRACTED, Stage.READ, Stage.PLANNED]):
        track = follow(track, seen(stage), float(now))
    assert [step.stage for step in track.steps] == [Stage.READ, Stage.PLANNED]


@given(st.lists(st.tuples(st.sampled_from(STAGES), st.integers(0, 300), st.integers(0, 300))))
def test_progress_bar_stays_between_0_and_100(moments: list[tuple[Stage, int, int]]) -> None:
    track = Track("a.pdf", 0.0)
    for now, (stage, done, total) in enumerate(moments):
        track = follow(track, seen(stage, done, total), float(now))
        assert 0 <= overall_percent(stage, done, total) <= 100
        assert [step.until is None for step in track.steps].count(True) == 1
    assert "a.pdf" in drawn(track, float(len(moments)))
