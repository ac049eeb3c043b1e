"""How alike two rankings are."""

import pytest

from swatchbook.upkeep.compare_spaces import overlap, rank_correlation

TEN = [f"image {n}" for n in range(10)]


def test_the_same_ranking_is_wholly_alike() -> None:
    assert overlap(TEN, TEN) == rank_correlation(TEN, TEN) == 1


def test_a_reversed_ranking_has_the_same_results_in_opposite_order() -> None:
    assert overlap(TEN, TEN[::-1]) == 1
    assert rank_correlation(TEN, TEN[::-1]) == -1


def test_rankings_without_a_common_result_are_opposed() -> None:
    others = [f"another {n}" for n in range(10)]
    assert overlap(TEN, others) == 0
    assert rank_correlation(TEN, others) < -0.7


def test_results_behind_the_first_ten_of_one_keep_their_rank_there() -> None:
    shifted = ["new", *TEN]
    assert overlap(TEN, shifted) == pytest.approx(0.9)
    assert rank_correlation(TEN, shifted) < 1
    assert rank_correlation(TEN, shifted) > rank_correlation(TEN, TEN[::-1])


@pytest.mark.parametrize("ranking", [[], ["only"]])
def test_rankings_too_short_to_differ_are_alike(ranking: list[str]) -> None:
    assert overlap(ranking, ranking) == rank_correlation(ranking, ranking) == 1
