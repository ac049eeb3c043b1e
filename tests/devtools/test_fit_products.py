"""The weights in the repository are those that the measured features give, and hold on catalogues left out."""

from pathlib import Path
from statistics import mean, median

import pytest

from devtools.compare_fits import FITTED, find_losses, read_fitted, said
from devtools.fit_products import WEIGHTS, calibrate, fit, judge_names_left_out, leave_one_out, write
from devtools.fit_sure import calibration_error
from devtools.measured_groups import FEATURES, load
from swatchbook_catalogue.choose_names import shipped_weights

ROOT = Path(__file__).parents[2]


@pytest.mark.nightly
def test_names_and_probabilities_hold_on_catalogues_left_out() -> None:
    documents = load(ROOT / FEATURES)
    decisions = leave_one_out(documents)
    catalogues = [d.f1 for d in decisions if "neg-" not in d.name]
    assert len(catalogues) == 116
    assert mean(catalogues) >= 0.64
    assert median(catalogues) >= 0.78
    assert sum(d.f1 == 1 for d in decisions if "neg-" in d.name) >= 31  # of 35, before unlikely names are left out
    assert calibration_error(calibrate(decisions)) <= 0.08
    names = judge_names_left_out(decisions)
    assert find_losses(read_fitted(ROOT / FITTED).figures, said("left_out", decisions, names)) == []

    fitted, shipped = fit([d for d in documents if d.usable], decisions), shipped_weights()
    assert fitted.none == pytest.approx(shipped.none, abs=0.01)
    assert fitted.meaning == pytest.approx(shipped.meaning, abs=0.01)
    assert fitted.any_right == pytest.approx(shipped.any_right, abs=0.01)
    assert fitted.any_found == pytest.approx(shipped.any_found, abs=0.01)
    assert fitted.any_silent == pytest.approx(shipped.any_silent, abs=0.01)
    for part in ("features", "right", "found", "silent"):
        ours, theirs = getattr(fitted, part), getattr(shipped, part)
        assert ours.keys() == theirs.keys()
        for name, values in ours.items():
            assert values == pytest.approx(theirs[name], abs=0.01), name


def test_weights_come_back_from_their_file(tmp_path: Path) -> None:
    write(shipped_weights(), tmp_path / "weights.json")
    assert (tmp_path / "weights.json").read_bytes() == (ROOT / WEIGHTS).read_bytes()
