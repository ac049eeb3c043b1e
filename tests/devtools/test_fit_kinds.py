"""The weights that tell what a page shows are those that the measured pages give, and hold on documents left out."""

from pathlib import Path
from statistics import mean

import pytest

from devtools.fit_kinds import FEATURES, fit, leave_one_out, load, transfer
from swatchbook.catalogue.page_contents import shipped_weights

ROOT = Path(__file__).parents[2]


def test_fitting_gives_the_weights_of_the_package() -> None:
    fitted, shipped = fit(*load(ROOT / FEATURES)), shipped_weights()
    assert fitted.start == pytest.approx(shipped.start, abs=0.01)
    assert fitted.features.keys() == shipped.features.keys()
    for name, (centre, spread, weights) in fitted.features.items():
        assert (centre, spread, *weights) == pytest.approx(
            (*shipped.features[name][:2], *shipped.features[name][2]), abs=0.01
        ), name


def test_pages_are_told_on_documents_left_out_and_on_another_set() -> None:
    names, documents = load(ROOT / FEATURES)
    assert mean(leave_one_out(names, documents).values()) >= 0.63
    assert mean(transfer(names, documents, "abc")) >= 0.64
