"""What a stage's time went into, held against earlier runs."""

from sqlalchemy import and_, func, select

from swatchbook.ledger.database import Ledger
from swatchbook.ledger.tables import timings
from swatchbook.records import Record, Stage

SLOW = 1.5  # times the usual
_LEAST_SECONDS = 1.0  # below, start-up is what is measured
_LEAST_EARLIER = 5
_ALIKE = 4.0  # times as many, or as few, pages or images
_LOOK_BACK = 30 * 86_400.0  # seconds: machines and catalogues change


class SlowStage(Record):
    """A stage that took more than SLOW times its usual time for a page or an image."""

    stage: Stage
    seconds: float
    units: int  # pages or images
    usual: float  # seconds for one, the median of earlier runs

    @property
    def times(self) -> float:
        """How many times the usual."""
        return self.seconds / self.units / self.usual


class StageTiming(Record):
    """A stage that a run has reached, what it took, and on how many pages or images (0: nothing says)."""

    stage: Stage
    seconds: float
    units: int


def stage_timings(ledger: Ledger, run: str) -> list[StageTiming]:
    """The stages that a run (its token) has reached, in that order."""
    with ledger.read() as connection:
        rows = connection.execute(
            select(timings.c.stage, timings.c.seconds, timings.c.units)
            .where(timings.c.run == run)
            .order_by(timings.c.at)
        ).mappings()
        return [StageTiming.model_validate(dict(row)) for row in rows if row["stage"] in set(Stage)]


def slow_stages(ledger: Ledger, run: str) -> list[SlowStage]:
    """Stages of a run that were slow, in order.

    Compared with five or more runs of the last 30 days that had about as much to do. Stages whose results were kept
    from before count nowhere, nor do those that were over within a second.
    """
    mine, earlier = timings.alias("mine"), timings.alias("earlier")
    one = earlier.c.seconds / earlier.c.units
    ranked = (
        select(
            mine.c.stage,
            mine.c.seconds,
            mine.c.units,
            one.label("one"),
            func.row_number().over(partition_by=mine.c.stage, order_by=one).label("rank"),
            func.count().over(partition_by=mine.c.stage).label("count"),
        )
        .join_from(
            mine,
            earlier,
            and_(
                earlier.c.stage == mine.c.stage,
                earlier.c.at.between(mine.c.at - _LOOK_BACK, mine.c.at),
                earlier.c.run != mine.c.run,
                earlier.c.units.between(mine.c.units / _ALIKE, mine.c.units * _ALIKE),
                earlier.c.units > 0,
                earlier.c.seconds >= _LEAST_SECONDS,
            ),
        )
        .where(mine.c.run == run, mine.c.units > 0, mine.c.seconds >= _LEAST_SECONDS)
        .subquery()
    )
    usual = func.avg(ranked.c.one)  # of the one or two in the middle
    slow = (
        select(ranked.c.stage, ranked.c.seconds, ranked.c.units, usual.label("usual"))
        .where(ranked.c.count >= _LEAST_EARLIER, (2 * ranked.c.rank).between(ranked.c.count, ranked.c.count + 2))
        .group_by(ranked.c.stage, ranked.c.seconds, ranked.c.units)
        .having(ranked.c.seconds > SLOW * usual * ranked.c.units)
    )
    order = list(Stage)
    with ledger.read() as connection:
        found = [SlowStage.model_validate(dict(row)) for row in connection.execute(slow).mappings()]
    return sorted(found, key=lambda each: order.index(each.stage))
