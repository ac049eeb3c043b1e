"""The weights of links in the repository are those that the measured features give, and hold on catalogues left out."""

from pathlib import Path
from statistics import mean

import pytest

from devtools.fit_links import FEATURES, calibration_error, fit, leave_one_out, load
from swatchbook_catalogue.link import shipped_weights

ROOT = Path(__file__).parents[2]


def test_fitting_gives_the_weights_of_the_package() -> None:
    fitted, shipped = fit(*load(ROOT / FEATURES)), shipped_weights()
    assert fitted.bias == pytest.approx(shipped.bias, abs=0.01)
    assert fitted.features.keys() == shipped.features.keys()
    for name, values in fitted.features.items():
        assert values == pytest.approx(shipped.features[name], abs=0.01), name


def test_links_are_right_on_catalogues_left_out() -> None:
    figures = leave_one_out(*load(ROOT / FEATURES))
    assert len(figures) >= 40
    assert mean(one.precision for one in figures.values() if one.precision is not None) >= 0.79
    assert mean(one.recall for one in figures.values() if one.recall is not None) >= 0.82
    assert calibration_error([pair for one in figures.values() for pair in one.judged]) <= 0.05
