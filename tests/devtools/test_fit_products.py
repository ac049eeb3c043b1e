"""The weights in the repository are those that the measured features give, and hold on catalogues left out."""

from pathlib import Path
from statistics import mean, median

import pytest

from devtools.fit_products import FEATURES, fit, leave_one_out, load
from swatchbook.catalogue.choose_names import shipped_weights

ROOT = Path(__file__).parents[2]


def test_fitting_gives_the_weights_of_the_package() -> None:
    fitted, shipped = fit([d for d in load(ROOT / FEATURES) if d.usable]), shipped_weights()
    assert fitted.none == pytest.approx(shipped.none, abs=0.01)
    assert fitted.features.keys() == shipped.features.keys()
    for name, values in fitted.features.items():
        assert values == pytest.approx(shipped.features[name], abs=0.01), name


def test_names_are_found_on_catalogues_left_out() -> None:
    figures = leave_one_out(load(ROOT / FEATURES))
    catalogues = [f1 for name, (f1, _) in figures.items() if "neg-" not in name]
    assert len(catalogues) == 24
    assert mean(catalogues) >= 0.72
    assert median(catalogues) >= 0.85
    assert all(f1 == 1 for name, (f1, _) in figures.items() if "neg-" in name)
