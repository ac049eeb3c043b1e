"""How many items are made together, by the memory that there is."""

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from sqlalchemy import delete

from swatchbook.domain.errors import Configuration, Interrupted, OutOfMemory
from swatchbook.domain.records import Role, RoleTag, text_key
from swatchbook.domain.settings import Settings
from swatchbook.index.contract import Space
from swatchbook.ingest import embed as pipeline_embed
from swatchbook.resources import Resources, open_resources
from swatchbook.store.ledger import claims, space_registry
from swatchbook.store.ledger.calls import CallContext
from swatchbook.store.ledger.runs import Run
from swatchbook.store.ledger.tables import contents, spaces
from swatchbook.store.ledger.tables import items as rows
from swatchbook_base import e5
from swatchbook_base.arrays import Vectors
from tests.ingest.sources.pictures import draw
from tests.ingest.test_scan import begin, scanned, taken
from tests.models.providers.clocks import FastClock
from tests.models.providers.paying import chat_at
from tests.models.providers.standin import Asked, provider
from tests.store.ledger.scene import begun, change, count, put_all

TAG = e5.TAG  # as if it were the model in the settings
TOTAL = 1 << 40  # bytes of memory that the machine has in these tests
PLENTY = (0, TOTAL)
SHORT = (TOTAL * 9 // 10, TOTAL)
SEER = {"url": "http://127.0.0.1/v1", "model": "seer"}


class Counting:
    """A text encoder with memory for `room` texts at once. `seen` are the sizes it was asked for."""

    tag = TAG
    dimension = 2

    def __init__(self, room: int = 1_000) -> None:
        self.room = room
        self.seen: list[int] = []

    def embed(
        self, texts: Sequence[str], kind: Literal["document", "query"] = "document", book: CallContext | None = None
    ) -> Vectors:
        self.seen.append(len(texts))
        if len(texts) > self.room:
            raise OutOfMemory(f"Only {self.room} texts fit.")
        return np.tile(np.array([0.6, 0.8], np.float32), (len(texts), 1))


@pytest.fixture
def resources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Resources]:
    monkeypatch.setattr(pipeline_embed, "MEMORY_PAUSE_SECONDS", 0.0)
    with open_resources(Settings(home=tmp_path)) as tools:
        tools.memory_use = lambda: PLENTY
        yield tools


def embed(resources: Resources, encoder: Counting, texts: int) -> Run:
    """Make so many texts in batches of 20."""
    resources.models._made["text_encoder"] = encoder
    said = [f"Oak {number}." for number in range(texts)]
    put_all(resources.ledger, contents, ({"key": text_key(text), "text": text} for text in said))
    run = begun(resources.ledger, texts=map(text_key, said), requested=[RoleTag(role=Role.TEXT, tag=TAG)])
    for batch in claims.cut_batches(resources.ledger, run, 20):
        pipeline_embed.process_batch(resources, run, batch, size=20, last_try=False)
    assert count(resources.ledger, rows, state="done") == texts
    return run


def test_run_keeps_the_batch_size_that_fits_memory(resources: Resources) -> None:
    encoder = Counting(room=5)
    run = embed(resources, encoder, 60)
    assert encoder.seen == [20, 10, 5, 5, 10, 5, 5] + [5] * 8
    (warning,) = resources.batch_sizes[run.token].warnings()
    assert warning == "Worked in batches of at most 5, because larger ones failed: Only 5 texts fit."


def test_lasting_memory_shortage_halves_batches_and_is_named(resources: Resources) -> None:
    resources.memory_use = lambda: SHORT
    encoder = Counting()
    run = embed(resources, encoder, 20)
    assert encoder.seen == [10, 5, 2, 1, 1, 1]
    (warning,) = resources.batch_sizes[run.token].warnings()
    assert warning == "Worked one at a time because memory was near or above 80 %: 3 times."


def test_picture_told_to_wait_holds_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        draw(tmp_path / "pictures" / f"{number}.png", number)
    made, met = threading.Event(), list[bytes]()

    def meets(asked: Asked) -> str | None:
        met.append(asked.pictures[0])
        assert made.wait(60), "vectors of this machine are committed before the provider has answered"
        return "rate_limited_silent" if met[-1] == met[0] else None

    commit = claims.commit

    def committed(*given: Any, **more: Any) -> list[claims.FailedItem]:
        refused = commit(*given, **more)
        made.set()
        return refused

    monkeypatch.setattr(claims, "commit", committed)
    with provider() as there, open_resources(Settings(home=tmp_path, analyst="vision", vision=SEER)) as resources:
        there.meets = meets  # type: ignore[method-assign]
        resources.models._made["vision"] = chat_at(there.openai_url, clock=FastClock(100))
        work = begin(resources, tmp_path / "pictures")
        scanned(resources, work)
        batch, *_ = claims.cut_batches(resources.ledger, work.run, 20)
        result = pipeline_embed.process_batch(resources, work.run, batch, size=20, last_try=False)
        assert count(resources.ledger, rows, role=Role.ANALYSIS, state="done") == 2
        assert count(resources.ledger, rows, role=Role.ANALYSIS, state="pending", attempts=0) == 1
        assert count(resources.ledger, rows, role=Role.VISUAL, state="done") == 3
        assert (result.failed, claims.postponed_items(resources.ledger, work.run).items) == (1, 1)  # type: ignore[union-attr]


def test_batch_of_a_space_dropped_meanwhile_runs_again(resources: Resources) -> None:
    pair = RoleTag(role=Role.TEXT, tag="gone@1/a")  # no settings name its model
    space_registry.add_space(resources.ledger, Space(role=pair.role, tag=pair.tag, dimension=2))
    run = begun(resources.ledger, texts=[text_key("Oak.")], requested=[pair])
    (batch,) = claims.cut_batches(resources.ledger, run, 20)
    with pytest.raises(Configuration, match="not available"):
        pipeline_embed.process_batch(resources, run, batch, size=20, last_try=False)
    with resources.ledger.write() as connection:
        connection.execute(delete(spaces))  # what is left of it for an instant: the claimed items
    with pytest.raises(Interrupted, match="dropped meanwhile"):
        pipeline_embed.process_batch(resources, run, batch, size=20, last_try=False)
    assert count(resources.ledger, rows, state="pending") == 1, "no lease is left"


@pytest.mark.parametrize(("crashes", "commits"), [(0, 1), (1, 2)])
def test_text_is_committed_with_its_analysis(
    resources: Resources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, crashes: int, commits: int
) -> None:
    for number in range(3):
        draw(tmp_path / "pictures" / f"{number}.png", number)
    work = taken(resources, tmp_path / "pictures")
    change(resources.ledger, rows, crashes=crashes)
    commit, called = claims.commit, list[int]()

    def counted(*given: Any, **more: Any) -> list[claims.FailedItem]:
        called.append(1)
        return commit(*given, **more)

    monkeypatch.setattr(claims, "commit", counted)
    batch, _ = claims.cut_batches(resources.ledger, work.run, 20)
    result = pipeline_embed.process_batch(resources, work.run, batch, size=20, last_try=False)
    assert len(called) == commits
    titles = count(resources.ledger, rows, role=Role.TEXT)
    assert count(resources.ledger, rows, state="done") == result.made == count(resources.ledger, rows) - titles
    assert count(resources.ledger, rows, role=Role.UNDERSTANDING) > 0
