"""The weights in the repository are those that the measured features give, and hold on catalogues left out."""

from pathlib import Path
from statistics import mean, median

from devtools.fit_products import FEATURES, WEIGHTS, fit, leave_one_out, load, write

ROOT = Path(__file__).parents[2]


def test_fitting_gives_the_weights_of_the_package(tmp_path: Path) -> None:
    write(fit([d for d in load(ROOT / FEATURES) if d.usable]), tmp_path / "weights.json")
    assert (tmp_path / "weights.json").read_text() == (ROOT / WEIGHTS).read_text()


def test_names_are_found_on_catalogues_left_out() -> None:
    figures = leave_one_out(load(ROOT / FEATURES))
    catalogues = [f1 for name, (f1, _) in figures.items() if "neg-" not in name]
    assert len(catalogues) == 24
    assert mean(catalogues) >= 0.72
    assert median(catalogues) >= 0.85
    assert all(f1 == 1 for name, (f1, _) in figures.items() if "neg-" in name)
