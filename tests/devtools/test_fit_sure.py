"""How sure a whole document is, against what its labels say."""

import pytest

from devtools.fit_sure import (
    brier,
    calibration_error,
    cases_of,
    f1_of_likely,
    is_silent,
)
from devtools.measured_groups import Decision, Named


def decision(*right: bool, f1: float = 0.0, none: bool = False) -> Decision:
    return Decision("oak", f1, 0.8, [Named({}, each) for each in right], [0.8, 0.1, 0.1], {"role": 1.0}, none)


def test_unlikely_names_do_not_count() -> None:
    eight = decision(*[True] * 6, False, False, f1=0.75)  # of eight labels
    assert f1_of_likely(eight, [0.9] * 8) == pytest.approx(0.75)
    assert f1_of_likely(eight, [0.9] * 6 + [0.1] * 2) == pytest.approx(12 / 14)
    assert f1_of_likely(eight, [0.1] + [0.9] * 7) == pytest.approx(10 / 15)
    names = [0.9] + [0.1] * 7
    assert is_silent(names)
    assert f1_of_likely(decision(*[True] * 8, f1=1.0), names) == 0.0
    assert f1_of_likely(decision(*[False] * 8, none=True), names) == 1.0
    assert f1_of_likely(decision(*[False] * 8, none=True), [0.9] * 8) == 0.0
    assert is_silent([])


def test_case_is_right_from_an_f1_of_08() -> None:
    good, bad = decision(*[True] * 8, False, f1=16 / 19), decision(*[True] * 6, False, False, f1=0.75)
    assert [c.right for d in (good, bad) for c in cases_of([d], {"oak": [0.9] * len(d.rows)})] == [True, False]
    (silent,) = cases_of([decision(none=True)], {"oak": []})
    assert (silent.silent, silent.right, silent.naive) == (True, True, 0.1)
    assert silent.measured.keys() != cases_of([good], {"oak": [0.9] * 9})[0].measured.keys()
    assert calibration_error([(0.75, True)] * 3 + [(0.75, False)]) == 0.0
    assert calibration_error([(0.95, False)] * 10) == pytest.approx(0.95)
    assert brier([(0.5, True), (0.5, False)]) == 0.25
    assert brier([(1.0, True), (0.0, False)]) == 0.0
