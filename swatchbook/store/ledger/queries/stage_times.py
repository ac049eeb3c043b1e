"""Read how long the stages of a run took, and compare the times of this week with those of the week before."""

from sqlalchemy import case, func, select

from swatchbook.domain.records import Record, Stage, StageTimes, StageWeek, compare_weeks
from swatchbook.store.ledger.database import Ledger, db_now
from swatchbook.store.ledger.stored_documents import owned_by
from swatchbook.store.ledger.tables import documents, figures

timings = select(figures).where(figures.c.failure == "").subquery("timings")

_WEEK = 7 * 86_400.0  # seconds


class StageTiming(Record):
    """A stage that a run has reached, its seconds, and its number of pages or images (0: not known)."""

    stage: Stage
    seconds: float
    units: int


def stage_timings(ledger: Ledger, run: str | None) -> list[StageTiming]:
    """Return the stages that a run (its token) has reached, in that order; none without a run."""
    rows = ledger.execute(
        select(timings.c.stage, timings.c.seconds, timings.c.units).where(timings.c.run == run).order_by(timings.c.at)
    ).mappings()
    return [StageTiming.model_validate(dict(row)) for row in rows if row["stage"] in set(Stage)]


def stage_weeks(ledger: Ledger, owner: str | None = None) -> list[StageWeek]:
    """Return each stage's times in the last seven days and in the seven before, of an owner or of all, in order.

    Results from the cache do not count.
    """
    one = timings.c.seconds / timings.c.units
    week = case((timings.c.at > db_now() - _WEEK, 0), else_=1).label("week")
    ranked = (
        select(
            timings.c.stage,
            timings.c.seconds,
            week,
            one.label("one"),
            func.row_number().over(partition_by=(timings.c.stage, week), order_by=one).label("rank"),
            func.count().over(partition_by=(timings.c.stage, week)).label("count"),
        )
        .join_from(timings, documents, documents.c.id == timings.c.document)
        .where(timings.c.at > db_now() - 2 * _WEEK, timings.c.units > 0, *owned_by(owner))
        .subquery()
    )
    is_middle = (2 * ranked.c.rank).between(ranked.c.count, ranked.c.count + 2)
    query = select(
        ranked.c.stage,
        ranked.c.week,
        func.count().label("runs"),
        func.avg(ranked.c.seconds).label("seconds"),
        func.avg(case((is_middle, ranked.c.one))).label("each"),
    ).group_by(ranked.c.stage, ranked.c.week)
    found = {(row.stage, row.week): row for row in ledger.execute(query)}
    weeks = {
        key: StageTimes(runs=row.runs, run_seconds=row.seconds, unit_seconds=row.each) for key, row in found.items()
    }
    return [
        compare_weeks(stage, weeks[stage.value, 0], weeks.get((stage.value, 1)))
        for stage in Stage
        if (stage.value, 0) in weeks
    ]
