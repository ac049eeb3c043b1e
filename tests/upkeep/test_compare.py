"""How alike two rankings are."""

import pytest

from swatchbook.upkeep.compare_spaces import overlap, rank_correlation

TEN = [f"image {n}" for n in range(10)]


def test_rankings_are_alike_by_results_and_order() -> None:
    others, shifted = [f"another {n}" for n in range(10)], ["new", *TEN]
    for one, other in ((TEN, TEN), ([], []), (["only"], ["only"])):
        assert overlap(one, other) == rank_correlation(one, other) == 1
    assert (overlap(TEN, TEN[::-1]), rank_correlation(TEN, TEN[::-1])) == (1, -1)
    assert overlap(TEN, others) == 0
    assert rank_correlation(TEN, others) < -0.7
    assert overlap(TEN, shifted) == pytest.approx(0.9)
    assert rank_correlation(TEN, TEN[::-1]) < rank_correlation(TEN, shifted) < 1
