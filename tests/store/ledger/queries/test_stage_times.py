"""The seconds of stages are compared week by week, for the owner who asks."""

from contextlib import closing
from itertools import count

import pytest

from swatchbook.domain.records import Stage, StageWeek
from swatchbook.store.ledger.database import Ledger, open_ledger
from swatchbook.store.ledger.queries.stage_times import stage_weeks
from swatchbook.store.ledger.tables import figures
from tests.ledgers import NewLedger
from tests.store.ledger.scene import begun, put
from tests.tables import rows_of

TOKENS = count()


def earlier(ledger: Ledger, document: str, seconds: float, units: int, *, days: float = 1.0) -> None:
    """A timing of another run, some days ago."""
    at = ledger.now() - days * 86_400
    run = f"run {next(TOKENS)}"
    put(ledger, figures, document=document, run=run, stage=Stage.READ, seconds=seconds, units=units, at=at)


def weeks(ledger: Ledger, before: list[tuple[float, int]], now: list[tuple[float, int]]) -> list[StageWeek]:
    run = begun(ledger)
    for days, past in ((8.0, before), (15.0, [(900.0, 1)] * 6), (1.0, now)):
        for seconds, units in past:
            earlier(ledger, run.document, seconds, units, days=days)
    return stage_weeks(ledger)


def test_weeks_are_compared_by_the_median_page(ledger: Ledger) -> None:
    [read] = weeks(ledger, [(10.0, 10)] * 4 + [(90.0, 10)], [(13.1, 10)] * 3 + [(1.0, 10), (26.2, 20), (5.0, 0)])
    assert (read.stage, read.now.runs, read.before and read.before.runs) == (Stage.READ, 5, 5)
    assert read.now.unit_seconds == pytest.approx(1.31)
    assert read.change == pytest.approx(0.31)
    assert read.is_slower
    assert read.line == "PAGES_READ: 1.31 s for a page or image, 1 s in the week before (+31%)"


def test_slower_is_compared_with_enough_runs(new_ledger: NewLedger) -> None:
    for case, earlier_runs, before, runs_now, now in rows_of(__file__, "weeks"):
        with closing(open_ledger(new_ledger())) as ledger:
            [read] = weeks(ledger, [(before, 10)] * earlier_runs, [(now, 10)] * runs_now)
            assert not read.is_slower, case


def test_stage_times_are_those_of_the_owner(ledger: Ledger) -> None:
    for owner, seconds in (("anna", 10.0), ("bert", 20.0)):
        earlier(ledger, begun(ledger, owner=owner).document, seconds, 10)
    of = {owner: [each.now.unit_seconds for each in stage_weeks(ledger, owner)] for owner in (None, "anna", "bert")}
    assert of == {None: [1.5], "anna": [1.0], "bert": [2.0]}
