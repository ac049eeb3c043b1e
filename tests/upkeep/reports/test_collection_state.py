"""The statistics of a collection: what the ledger counts, and how alike images are, on both indexes."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select

from swatchbook.domain.records import Role, Stage, StageTimes, StageWeek, compare_weeks
from swatchbook.domain.settings import load_settings
from swatchbook.resources import Resources, open_resources
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.queries.coverage import count_statistics
from swatchbook.store.ledger.space_registry import registered
from swatchbook.store.ledger.tables import images, placements, vectors
from swatchbook.upkeep.reports.collection_state import CoverageReport, as_markdown, collect_statistics
from swatchbook.upkeep.verify import rebuild
from tests.weaviate_server import WEAVIATE


@pytest.fixture(params=["lance", WEAVIATE])
def filled(
    request: pytest.FixtureRequest, home: Path, ingested_home: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Resources]:
    """The small sample, anna's, in each index."""
    shutil.copytree(ingested_home, home)
    if request.param == "weaviate":
        server = request.getfixturevalue("weaviate_server")
        given = {
            "INDEX": "weaviate", "WEAVIATE__URL": server.url, "WEAVIATE__GRPC_PORT": str(server.grpc_port),
            "WEAVIATE__API_KEY": server.api_key,
        }  # fmt: skip
        for name, value in given.items():
            monkeypatch.setenv(f"SWATCHBOOK_{name}", value)
    with open_resources(load_settings()) as tools:
        if request.param == "weaviate":
            rebuild(tools)
        yield tools
        if request.param == "weaviate":
            for each in registered(tools.ledger):
                tools.index.drop(each.space)


def test_images_are_counted_and_compared_with_their_neighbours(filled: Resources) -> None:
    told = collect_statistics(filled, "anna")
    assert (told.images.found, told.images.complete, told.failures) == (14, 14, {})
    assert told.coverage.coverage_percentage == 100.0
    assert {role.role: role.done for role in told.coverage.roles}[Role.VISUAL] == 14
    similarity = {each.role: each for each in told.similarity}
    assert (similarity[Role.VISUAL].sample, similarity[Role.TEXT].sample) == (14, 23)
    with filled.ledger.read() as connection:
        shown = select(images.c.content_key).join(placements).where(placements.c.state == "shown")
        made = select(vectors.c.data).where(vectors.c.role == Role.VISUAL, vectors.c.key.in_(shown))
        rows = [np.frombuffer(data, "<f4") for data in connection.execute(made).scalars()]
    cosines = np.stack(rows) @ np.stack(rows).T - 2 * np.eye(len(rows))
    assert similarity[Role.VISUAL].mean == pytest.approx(cosines.max(axis=1).mean(), abs=0.001)


def test_an_owner_without_images_has_no_neighbours(filled: Resources) -> None:
    told = collect_statistics(filled, "bert")
    assert told.images.found == 0
    assert {(each.sample, each.mean) for each in told.similarity} == {(0, None)}


def week(stage: Stage, now: float, before: float | None) -> StageWeek:
    return compare_weeks(stage, times(now), None if before is None else times(before))


def times(unit_seconds: float) -> StageTimes:
    return StageTimes(runs=5, run_seconds=9.0, unit_seconds=unit_seconds)


def report(ledger: Ledger, *stages: StageWeek) -> str:
    return as_markdown(CoverageReport(whole=count_statistics(ledger).coverage, owners=0, stages=stages))


def test_a_share_of_no_images_is_no_percentage(resources: Resources) -> None:
    assert "no images yet" in report(resources.ledger)
    some = count_statistics(resources.ledger).coverage.model_copy(update={"total_images": 4, "with_embeddings": 3})
    assert some.model_copy(update={"coverage_percentage": 75.0}).share == "3 of 4 (75 %)"


def test_stage_times_are_compared_with_the_week_before(resources: Resources) -> None:
    told = report(resources.ledger, week(Stage.READ, 1.4, 1.0), week(Stage.EMBEDDED, 0.5, None))
    assert "- **Slower**: PAGES_READ: 1.4 s for a page or image, 1 s in the week before (+40%)" in told
    assert "| PAGES_READ | 5 | 1.4 | 1 (runs: 5) | +40% |" in told
    assert "| IMAGES_EMBEDDED | 5 | 0.5 | – | – |" in told
    assert "Slower" not in report(resources.ledger, week(Stage.READ, 1.3, 1.0))
    assert "Stage times" not in report(resources.ledger)
