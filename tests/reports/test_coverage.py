"""The coverage report says which stages became slower."""

from swatchbook.ledger.database import Ledger
from swatchbook.ledger.queries.coverage import count_coverage
from swatchbook.records import Stage, StageTimes, StageWeek, compare_weeks
from swatchbook.reports.coverage import CoverageReport, as_markdown
from swatchbook.resources import Resources


def week(stage: Stage, now: float, before: float | None) -> StageWeek:
    return compare_weeks(stage, times(now), None if before is None else times(before))


def times(unit_seconds: float) -> StageTimes:
    return StageTimes(runs=5, run_seconds=9.0, unit_seconds=unit_seconds)


def report(ledger: Ledger, *stages: StageWeek) -> str:
    return as_markdown(CoverageReport(whole=count_coverage(ledger), owners=(), stages=stages))


def test_a_share_of_no_images_is_no_percentage(resources: Resources) -> None:
    assert "no images yet" in report(resources.ledger)
    some = count_coverage(resources.ledger).model_copy(update={"total_images": 4, "with_embeddings": 3})
    assert some.model_copy(update={"coverage_percentage": 75.0}).share == "3 of 4 (75 %)"


def test_stage_times_stand_beside_those_of_the_week_before(resources: Resources) -> None:
    told = report(resources.ledger, week(Stage.READ, 1.4, 1.0), week(Stage.EMBEDDED, 0.5, None))
    assert "- **Slower**: PAGES_READ: 1.4 s for a page or image, 1 s in the week before (+40%)" in told
    assert "| PAGES_READ | 5 | 1.4 | 1 (runs: 5) | +40% |" in told
    assert "| IMAGES_EMBEDDED | 5 | 0.5 | – | – |" in told
    assert "Slower" not in report(resources.ledger, week(Stage.READ, 1.3, 1.0))
    assert "Stage times" not in report(resources.ledger)
