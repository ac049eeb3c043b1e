"""The weights in the repository are those that the measured features give, and hold on catalogues left out."""

from pathlib import Path
from statistics import mean, median

import pytest

from devtools.fit_products import FEATURES, calibrate, calibration_error, fit, leave_one_out, load
from swatchbook.catalogue.choose_names import shipped_weights

ROOT = Path(__file__).parents[2]


def test_fitted_on_others_the_names_are_found_and_their_probabilities_hold() -> None:
    documents = load(ROOT / FEATURES)
    decisions = leave_one_out(documents)
    catalogues = [d.f1 for d in decisions if "neg-" not in d.name]
    assert len(catalogues) == 116
    assert mean(catalogues) >= 0.64
    assert median(catalogues) >= 0.78
    assert sum(d.f1 == 1 for d in decisions if "neg-" in d.name) >= 31  # of 35, before unlikely names are left out
    assert calibration_error(calibrate(decisions)) <= 0.08

    fitted, shipped = fit([d for d in documents if d.usable], [d for d in decisions if d.rows]), shipped_weights()
    assert fitted.none == pytest.approx(shipped.none, abs=0.01)
    assert fitted.meaning == pytest.approx(shipped.meaning, abs=0.01)
    assert fitted.any_right == pytest.approx(shipped.any_right, abs=0.01)
    for ours, theirs in ((fitted.features, shipped.features), (fitted.right, shipped.right)):
        assert ours.keys() == theirs.keys()
        for name, values in ours.items():
            assert values == pytest.approx(theirs[name], abs=0.01), name
