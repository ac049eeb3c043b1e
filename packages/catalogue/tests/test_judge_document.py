"""How sure the products of a whole document are."""

from dataclasses import replace
from math import log

import pytest

from swatchbook_catalogue.choose_names import choose_names, shipped_weights
from swatchbook_catalogue.discover import discover, lay_out
from swatchbook_catalogue.judge_document import judge_document, measure_found, measure_silence
from swatchbook_catalogue.name_groups import find_name_groups
from tests.catalogue import layouts


def test_plain_catalogue_is_surer_than_one_in_doubt() -> None:
    document = layouts.card_grid()
    groups = find_name_groups(*lay_out(layouts.reading(document), document.pages))
    weights, choice = shipped_weights(), choose_names(groups)
    assert choice
    sure = judge_document(groups, choice, weights)
    assert sure
    assert sure > 0.7
    doubted = judge_document(groups, choice, replace(weights, none=weights.none + 8))
    assert doubted
    assert doubted < sure


def test_discovery_says_how_sure_it_is() -> None:
    plain, novel = layouts.card_grid(), layouts.novel()
    found = discover(layouts.reading(plain), plain.pages)
    none = discover(layouts.reading(novel), novel.pages)
    assert found.products
    assert not none.products
    for discovery in (found, none):
        assert discovery.sure is not None
        assert 0.5 < discovery.sure < 1
    untold = replace(shipped_weights(), found={}, silent={})
    assert discover(layouts.reading(plain), plain.pages, untold).sure is None


def test_measures_of_a_choice() -> None:
    assert measure_silence([1.0], {})["none"] == measure_silence([0.0001, 0.9999], {})["none"]
    sure, unsure = measure_found([1.0, 0.0], {}, [1.0, 1.0]), measure_found([0.5, 0.5], {}, [0.5, 0.5])
    assert (sure["expected"], sure["undecided"]) == (1.0, 0.0)
    assert (unsure["expected"], unsure["undecided"]) == (pytest.approx(2 / 3), pytest.approx(log(2)))
    assert measure_found([0.5, 0.5], {}, [0.5, 0.1])["expected"] == pytest.approx(1 / 1.6)
