"""What weights lose in a document is named, and the weights in the repository lose nothing unsaid."""

from pathlib import Path

import pytest

from devtools.compare_fits import (
    FITTED,
    LOSS,
    Fitted,
    Loss,
    accept,
    best_groups,
    find_losses,
    keep_fitted,
    merge,
    raise_figures,
    read_fitted,
)
from devtools.fit_products import figures_of
from devtools.measured_groups import FEATURES, Measured, load
from swatchbook_catalogue.choose_names import shipped_weights

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def documents() -> list[Measured]:
    return load(ROOT / FEATURES)


def test_shipped_weights_lose_no_document_unsaid(documents: list[Measured]) -> None:
    kept = read_fitted(ROOT / FITTED)
    now = merge(best_groups(documents), figures_of(documents, shipped_weights()))
    assert kept.figures.keys() == now.keys(), "python -m devtools.fit_products keeps the figures of new documents"
    losses = find_losses(kept.figures, now)
    assert not losses, f"mend it, or say why: python -m devtools.fit_products --accept DOCUMENT REASON ({losses})"
    kept = read_fitted(ROOT / FITTED)
    for each in kept.accepted:
        assert len(each.reason.split()) >= 3, each
        assert each.before - each.after > LOSS, each
        assert kept.figures[each.document][each.figure] >= each.after, each


def test_loss_is_named_until_it_is_accepted(tmp_path: Path) -> None:
    kept = Fitted({"oak": {"best": 0.96, "shipped": 0.9}, "ash": {"best": 0.5, "shipped": 0.5}}, [])
    now = {"oak": {"best": 0.96, "shipped": 0.74}, "ash": {"best": 0.6, "shipped": 0.41}}
    (loss,) = losses = find_losses(kept.figures, now)
    assert loss == Loss("oak", "shipped", 0.9, 0.74)
    assert str(loss) == "oak: shipped 0.90 → 0.74"

    raised = raise_figures(kept, now)
    assert raised.figures == {"oak": {"best": 0.96, "shipped": 0.9}, "ash": {"best": 0.6, "shipped": 0.5}}
    assert find_losses(raised.figures, now) == [loss], "fitting again does not hide it"
    settled = accept(raised, losses, "oak", "Its label was wrong.")
    assert find_losses(settled.figures, now) == []
    keep_fitted(settled, tmp_path / "fitted.json")
    assert read_fitted(tmp_path / "fitted.json") == settled
    kept = Fitted({"oak": {"shipped": 0.9}}, [])
    for f1 in (0.84, 0.81):
        now = {"oak": {"shipped": f1}}
        assert find_losses(kept.figures, now) == []
        kept = raise_figures(kept, now)
    assert find_losses(kept.figures, {"oak": {"shipped": 0.78}}) == [Loss("oak", "shipped", 0.9, 0.78)]
