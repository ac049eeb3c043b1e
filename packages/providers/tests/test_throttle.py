"""Pace, told waits and the breaker, on a clock of our own."""

import pytest

from swatchbook.domain.errors import ProviderDown
from swatchbook_providers.throttle import STRIKES, Throttle

MINUTE = 60.0


def places(gate: Throttle, count: int, *, now: float = 0.0) -> list[float]:
    return [gate.take_place(now) for _ in range(count)]


def test_calls_are_spread_over_the_minute() -> None:
    taken = places(Throttle(60), 200)
    assert taken[0] == 0.0
    assert all(later - earlier >= MINUTE for earlier, later in zip(taken, taken[60:], strict=False))
    assert taken[59] == pytest.approx(59 / 0.98, rel=0.02)  # all but the whole of it is used


def test_unused_places_are_not_made_up_for() -> None:
    gate = Throttle(60)
    places(gate, 1)
    assert places(gate, 3, now=600.0) == pytest.approx([600.0, 601.0, 602.1], abs=0.1)


def test_wait_without_a_time_doubles() -> None:
    gate, now, waits = Throttle(), 0.0, []
    for _ in range(8):
        gate.pause(now, now, None)
        gate.pause(now, now - 1, None)  # one of the same round
        waits.append(gate.closed_for(now))
        now += waits[-1]
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]
    gate.let_in(now)
    gate.pause(now, now, None)
    assert gate.closed_for(now) == 1


@pytest.mark.parametrize("seconds", [365 * 86_400.0, float("inf")])
def test_a_year_is_an_hour(seconds: float) -> None:
    gate = Throttle()
    gate.pause(0.0, 0.0, seconds)
    assert gate.closed_for(0.0) == 3_600


def strike(gate: Throttle, now: float, count: int = 1) -> list[bool]:
    return [gate.failed(now, gate.enter(now)) for _ in range(count)]


def test_answer_between_failures_starts_the_count_anew() -> None:
    gate = Throttle()
    strike(gate, 0.0, STRIKES - 1)
    gate.reached(gate.enter(0.0))
    assert not any(strike(gate, 0.0, STRIKES - 1))


def test_one_probe_at_a_time_tests_for_recovery() -> None:
    gate = Throttle()
    strike(gate, 0.0, STRIKES)
    assert gate.enter(10.0) is True
    with pytest.raises(ProviderDown):
        gate.enter(10.0)
    gate.left(True)  # it said nothing, as when it was interrupted: the next is the probe
    assert gate.enter(10.0) is True
    gate.reached(True)
    assert [gate.enter(10.0), gate.enter(10.0)] == [False, False]
