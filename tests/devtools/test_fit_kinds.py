"""The weights that tell what a page shows are those that the measured pages give, and hold on documents left out."""

from pathlib import Path
from statistics import mean

import pytest

from devtools.fit_kinds import FEATURES, fit, leave_sets_out, load, shares_right
from swatchbook.catalogue.page_contents import shipped_weights

ROOT = Path(__file__).parents[2]


def test_fitting_gives_the_weights_of_the_package() -> None:
    names, documents = load(ROOT / FEATURES)
    fitted, shipped = fit(names, documents), shipped_weights()
    assert fitted.start == pytest.approx(shipped.start, abs=0.01)
    assert fitted.features.keys() == shipped.features.keys()
    for name, (centre, spread, weights) in fitted.features.items():
        assert (centre, spread, *weights) == pytest.approx(
            (*shipped.features[name][:2], *shipped.features[name][2]), abs=0.01
        ), name
    assert len(fitted.trees) == len(shipped.trees)
    for row in documents[0].features:
        page = dict(zip(names, row, strict=True))
        assert fitted.shares(page) == pytest.approx(shipped.shares(page), abs=0.02)
        assert sum(shipped.shares(page)) == pytest.approx(1, abs=0.01)


def test_pages_are_told_on_sets_left_out() -> None:
    found = {letters: shares_right(said) for letters, said in leave_sets_out(*load(ROOT / FEATURES)).items()}
    assert len(found) == 5
    assert all(mean(shares.values()) >= 0.6 for shares in found.values())
    assert mean(share for shares in found.values() for share in shares.values()) >= 0.7
