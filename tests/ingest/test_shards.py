"""Cutting a document's batches into shards, and what parent and shard must agree on."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import swatchbook
from swatchbook.domain import tracing
from swatchbook.domain.errors import Configuration
from swatchbook.domain.records import IngestOptions
from swatchbook.domain.settings import Settings
from swatchbook.ingest import shards
from swatchbook.ingest.run import Work
from swatchbook.ingest.shards import Shard, cut_shards, shard_fingerprint
from swatchbook.resources import Resources, open_resources
from swatchbook.store.ledger import run_queries, runs
from swatchbook.store.ledger.claims import Batch
from swatchbook.store.ledger.runs import Run
from tests.otlp_receiver import Receiver, receiver

__all__ = ["receiver"]


def work(**options: object) -> Work:
    return Work(
        run=Run(token="0" * 26, document="d", generation="1" * 26), document="d", name="a.pdf", owner="anna",
        content="0" * 64, file="0" * 64 + ".pdf", options=IngestOptions.model_validate(options), force=None,
    )  # fmt: skip


def batches(images: int, chunks: int = 0, *, alone: int = 0, size: int = 20) -> list[Batch]:
    kinds = [("image", images, False), ("chunk", chunks, False), ("image", alone, True)]
    return [
        Batch(number=1, of=1, kind=kind, first=start + 1, total=total, alone=apart,
              members=tuple(f"{kind}{apart}{n}" for n in range(start, min(start + size, total))))
        for kind, total, apart in kinds
        for start in range(0, total, size)
    ]  # fmt: skip


@pytest.fixture
def resources(tmp_path: Path) -> Iterator[Resources]:
    with open_resources(Settings(home=tmp_path, shards={"slots": 2})) as resources:
        yield resources


def cut(resources: Resources, given: list[Batch]) -> tuple[Shard, ...]:
    return cut_shards(resources, work(), given)


def test_shards_together_keep_within_the_limits_of_providers(tmp_path: Path) -> None:
    paced = Settings(
        home=tmp_path,
        shards={"slots": 4},
        vision={"per_minute": 60},
        text={"per_minute": 10},
    )
    with open_resources(paced) as resources:
        cards = cut(resources, batches(256))
        assert {card.share for card in cards} == {0.25}
        resources.take_share(cards[0].share)
        given = resources.settings
        assert (given.vision.per_minute, given.text.per_minute) == (15, 2)
        assert given.llm.per_minute == 0, "no limit stays none"
        resources.take_share(0.001)
        assert resources.settings.vision.per_minute == 1, "nobody is kept from asking at all"


@pytest.mark.parametrize(
    ("images", "each", "start", "parts"),
    [(14, 1.0, 5.0, [14]), (263, 0.2, 8.0, [263]), (263, 1.0, 8.0, [140, 123]), (263, 1.0, 80.0, [263]),
     (2_000, 0.3, 8.0, [1_000, 1_000])],
)  # fmt: skip
def test_shards_are_worth_starting_and_fit_the_slots(
    resources: Resources, monkeypatch: pytest.MonkeyPatch, images: int, each: float, start: float, parts: list[int]
) -> None:
    medians = {runs.SHARD: each, runs.SHARD_START: start}
    monkeypatch.setattr(run_queries, "shard_seconds", lambda ledger, stage: medians[stage])
    cards = cut(resources, batches(images))
    assert [shard.images for shard in cards] == parts
    assert [(shard.number, shard.of) for shard in cards] == [(n, len(parts)) for n in range(1, len(parts) + 1)]


@given(images=st.integers(0, 400), chunks=st.integers(0, 400), alone=st.integers(0, 60), slots=st.integers(1, 8))
def test_nonempty_shards_hold_every_batch_exactly_once(
    tmp_path_factory: pytest.TempPathFactory, images: int, chunks: int, alone: int, slots: int
) -> None:
    given_batches = batches(images, chunks, alone=alone)
    with open_resources(Settings(home=tmp_path_factory.getbasetemp() / "any", shards={"slots": slots})) as resources:
        cut = cut_shards(resources, work(), given_batches)
    assert [batch for shard in cut for batch in shard.batches] == given_batches
    assert all(len({batch.alone for batch in shard.batches}) == 1 for shard in cut), "apart where a process died"
    assert len(cut) <= slots + bool(alone)


def test_worker_of_another_version_or_settings_is_refused(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shard,) = cut(resources, batches(3))
    key = shards.keep(resources, shard)
    other = Settings(home=resources.settings.home, max_image_side=1_000)
    assert shard_fingerprint(other, work()) != shard.fingerprint
    monkeypatch.setattr(shards, "code_version", lambda: "another")
    with pytest.raises(Configuration, match="another version of Swatchbook, or other settings"):
        shards.load(resources, key)


def test_manifest_carries_the_trace_of_its_stage(resources: Resources, receiver: Receiver) -> None:
    pytest.importorskip("opentelemetry.sdk.trace")
    with tracing.span("stage"):
        (shard,) = cut(resources, batches(3))
        stage = tracing.traceparent()
    assert stage
    assert shards.load(resources, shards.keep(resources, shard)).work.trace == stage


def test_shards_must_agree_on_results_but_not_methods(resources: Resources) -> None:
    assert shard_fingerprint(resources.settings, work(batch_size=7)) == shard_fingerprint(resources.settings, work())
    assert shard_fingerprint(resources.settings, work(focus=False)) != shard_fingerprint(resources.settings, work())


def test_code_version_is_the_same_in_any_folder(tmp_path: Path) -> None:
    """A wheel has files where a checkout has links to folders."""
    installed = shutil.copytree(Path(swatchbook.__path__[0]), tmp_path / "swatchbook")
    assert not (installed / "flows").is_symlink()
    assert shards.code_version(installed) == shards.code_version()


@pytest.mark.parametrize(
    ("chosen", "missing"), [({}, "ledger and the index and the files"), ({"ledger_url": "postgresql://x/y"}, "index")]
)
def test_containers_cannot_share_files_of_one_machine(tmp_path: Path, chosen: dict[str, str], missing: str) -> None:
    with pytest.raises(Configuration, match=f"cannot reach the {missing} of this machine"):
        shards.require_pool(Settings.model_validate({"home": tmp_path, **chosen}), elsewhere=not chosen)
