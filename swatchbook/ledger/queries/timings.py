"""Find slow stages, and compare the stage times of a week with those of the week before.

A stage is slow if it took more than 1.5 times its usual time for a page or image. The usual time is the median of at
least five earlier runs of similar size in 30 days.
"""

from sqlalchemy import and_, case, func, select

from swatchbook.ledger.database import Ledger, db_now
from swatchbook.ledger.documents import owned_by
from swatchbook.ledger.tables import documents, timings
from swatchbook.records import Record, Stage, StageTimes, StageWeek, compare_weeks

SLOW = 1.5  # times the usual time
_MIN_SECONDS = 1.0  # seconds; a shorter time is mostly start-up
_MIN_EARLIER_RUNS = 5
_SIMILAR = 4.0  # a similar run has at most this many times more, or less, pages or images
_LOOK_BACK = 30 * 86_400.0  # seconds: machines and catalogues change
_WEEK = 7 * 86_400.0  # seconds


class SlowStage(Record):
    """A stage that took more than SLOW times its usual time for a page or an image."""

    stage: Stage
    seconds: float
    units: int  # pages or images
    usual: float  # seconds for one, the median of earlier runs

    @property
    def times(self) -> float:
        """Return how many times the usual time it took."""
        return self.seconds / self.units / self.usual


class StageTiming(Record):
    """A stage that a run has reached, its seconds, and its number of pages or images (0: not known)."""

    stage: Stage
    seconds: float
    units: int


def stage_timings(ledger: Ledger, run: str) -> list[StageTiming]:
    """Return the stages that a run (its token) has reached, in that order."""
    with ledger.read() as connection:
        rows = connection.execute(
            select(timings.c.stage, timings.c.seconds, timings.c.units)
            .where(timings.c.run == run)
            .order_by(timings.c.at)
        ).mappings()
        return [StageTiming.model_validate(dict(row)) for row in rows if row["stage"] in set(Stage)]


def slow_stages(ledger: Ledger, run: str) -> list[SlowStage]:
    """Return the slow stages of a run, in order.

    Each is compared with at least five runs of the last 30 days that had a similar number of units. Cached stages and
    those of less than a second are left out.
    """
    current, earlier = timings.alias("current"), timings.alias("earlier")
    one = earlier.c.seconds / earlier.c.units
    ranked = (
        select(
            current.c.stage,
            current.c.seconds,
            current.c.units,
            one.label("one"),
            func.row_number().over(partition_by=current.c.stage, order_by=one).label("rank"),
            func.count().over(partition_by=current.c.stage).label("count"),
        )
        .join_from(
            current,
            earlier,
            and_(
                earlier.c.stage == current.c.stage,
                earlier.c.at.between(current.c.at - _LOOK_BACK, current.c.at),
                earlier.c.run != current.c.run,
                earlier.c.units.between(current.c.units / _SIMILAR, current.c.units * _SIMILAR),
                earlier.c.units > 0,
                earlier.c.seconds >= _MIN_SECONDS,
            ),
        )
        .where(current.c.run == run, current.c.units > 0, current.c.seconds >= _MIN_SECONDS)
        .subquery()
    )
    usual = func.avg(ranked.c.one)  # mean of the one or two in the middle
    slow = (
        select(ranked.c.stage, ranked.c.seconds, ranked.c.units, usual.label("usual"))
        .where(ranked.c.count >= _MIN_EARLIER_RUNS, (2 * ranked.c.rank).between(ranked.c.count, ranked.c.count + 2))
        .group_by(ranked.c.stage, ranked.c.seconds, ranked.c.units)
        .having(ranked.c.seconds > SLOW * usual * ranked.c.units)
    )
    order = list(Stage)
    with ledger.read() as connection:
        stages = [SlowStage.model_validate(dict(row)) for row in connection.execute(slow).mappings()]
    return sorted(stages, key=lambda each: order.index(each.stage))


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
    with ledger.read() as connection:
        found = {(row.stage, row.week): row for row in connection.execute(query)}
    weeks = {
        key: StageTimes(runs=row.runs, run_seconds=row.seconds, unit_seconds=row.each) for key, row in found.items()
    }
    return [
        compare_weeks(stage, weeks[stage.value, 0], weeks.get((stage.value, 1)))
        for stage in Stage
        if (stage.value, 0) in weeks
    ]
