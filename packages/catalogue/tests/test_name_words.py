"""What groups of texts mean beside each other."""

import numpy as np
import pytest

from swatchbook_catalogue.name_words import MOST_TEXTS, meanings

NAMES = ["Oak shelf", "Brass lamp", "Linen curtain"]
TITLES = ["About us", "Our philosophy", "Contact"]


def test_meanings_are_centred_and_independent_of_order() -> None:
    first = np.array(meanings([NAMES, TITLES, ["100 x 200 mm"]]))
    assert first.shape == (3, 384)
    assert np.abs(first.mean(axis=0)).max() < 1e-5
    again = np.array(meanings([["100 x 200 mm"] * 3, [*NAMES, *NAMES], TITLES]))
    assert again[[1, 2, 0]] == pytest.approx(first, abs=1e-5)


def test_similar_groups_are_near_and_texts_sampled_evenly() -> None:
    names, others, titles = np.array(meanings([NAMES, ["Pine table", "Steel clock", "Cotton rug"], TITLES]))
    assert names @ others > names @ titles
    many = [f"{kind} {n}" for kind in ("Chair", "Lamp") for n in range(MOST_TEXTS)]
    half, whole, titles = np.array(meanings([many[::2], many, TITLES]))
    assert half == pytest.approx(whole, abs=1e-5)
    assert half @ titles < 0
    assert meanings([]) == []
