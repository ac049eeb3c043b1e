"""A machine that is short of memory: the whole way is done in small steps, and the report says so."""

from pathlib import Path

import pytest

from swatchbook.pipeline import embed
from swatchbook.resources import Resources
from tests.flows.conftest import Ingest


def test_short_memory_makes_small_batches_and_is_named_in_the_report(
    resources: Resources, ingest: Ingest, small_catalogue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embed, "MEMORY_PAUSE_SECONDS", 0.0)
    resources.memory_use = lambda: (90, 100)
    report = ingest(small_catalogue)
    assert report.images_complete == report.images_found > 5
    assert any("one at a time" in warning for warning in report.warnings), report.warnings
    assert not resources.batch_sizes  # what a run has learnt ends with it
