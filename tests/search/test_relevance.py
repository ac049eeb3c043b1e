"""A search says how relevant its results are, and that nothing is close."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swatchbook.domain.records import ResultKind, Role
from swatchbook.domain.settings import Settings
from swatchbook.index.contract import Where
from swatchbook.resources import Resources
from swatchbook.search.judged_hits import Ranked, evidence
from swatchbook.search.relevance import (
    SAMPLE,
    Background,
    Evidence,
    Judged,
    all_weights,
    behind_best,
    content_words,
    measure,
    probability,
    weights_of,
    without_function_words,
    words_of_text,
    words_said,
)
from swatchbook.search.request import SearchRequest
from swatchbook.search.search import MOST_OTHERS, close_first, find_relevant, search
from swatchbook.store.ledger.space_registry import active_spaces, find_background, keep_background
from tests.tables import check_rows

E5 = weights_of("multilingual-e5-small@1")


def test_words_are_said_in_inflections_and_compounds() -> None:
    check_rows(
        __file__, "words_said", lambda asked, text: words_said(content_words(asked), words_of_text(text)).bit_count()
    )


def test_keywords_are_asked_without_function_words() -> None:
    asked = ("tapis tissé à la main, 30 x 60 cm", "to be or not to be", "of the")
    assert [*map(without_function_words, asked)] == ["tapis tissé main, 30 x 60 cm", "be not be", "of the"]


@given(
    weights=st.sampled_from([weights for fitted in all_weights().values() for weights in fitted.values()]),
    said=st.floats(0, 1),
    named=st.floats(0, 1),
    near=st.floats(-9, 9),
    foreign=st.floats(0, 1),
    more=st.floats(0.01, 1),
)
def test_more_evidence_is_never_less_relevant(
    weights: Mapping[str, float], said: float, named: float, near: float, foreign: float, more: float
) -> None:
    one = Evidence(said, named, near, foreign)
    fitted = {"words": weights}
    relevance = probability(one, fitted)
    assert 0 <= relevance <= probability(one._replace(close=near + more), fitted) <= 1
    assert relevance <= probability(one._replace(said=said + more), fitted)
    assert relevance <= probability(one._replace(named=named + more), fitted)
    assert relevance >= probability(one._replace(foreign=foreign + more), fitted)
    assert relevance >= probability(one._replace(behind=more), fitted)


def test_results_are_behind_the_best_of_the_first() -> None:
    both, half, none = (Judged(Evidence(said, said, 0, 0), ()) for said in (1.0, 0.5, 0.0))
    assert [each.evidence.behind for each in behind_best([half, both, none], 3)] == [0.75, 0, 1]
    assert [each.evidence.behind for each in behind_best([half, both, none], 1)] == [0, 0, 0.25]
    near, far = (Judged(Evidence(0, 0, close, 0), ()) for close in (3.0, 1.0))
    assert [each.evidence.farther for each in behind_best([far, near, half], 3)] == [2, 0, 3]
    assert behind_best([], 3) == []


def test_a_full_match_is_far_likelier_than_half() -> None:
    all_of_it, half = Evidence(1, 1, 3, 0), Evidence(0.5, 0.5, 3, 0, 0.5)
    for fitted in all_weights().values():
        assert probability(all_of_it, fitted) > 0.8
        assert probability(half, fitted) < 0.2
        in_part = probability(Evidence(0.5, 0.5, 3, 0.3), fitted)
        assert probability(half, fitted) < in_part < probability(all_of_it, fitted), "nothing says more"


def test_multilingual_model_answers_without_common_words() -> None:
    near, far = (Evidence(0, 0, close, 0.7) for close in (3, -1))
    other, e5 = weights_of("another@1"), E5
    floor = Settings().relevance_floor
    assert probability(near, e5) > floor > probability(far, e5)
    assert probability(near, other) < floor


def test_one_shared_word_does_not_beat_meaning() -> None:
    """`Lavendelhonig im Glas` means honey that is named in Spanish, and no lamp of glass."""
    lamp, honey = Judged(Evidence(0.5, 0.5, 0.3, 0.25), ()), Judged(Evidence(0, 0, 2.8, 0.25), ())
    judged = behind_best([lamp, honey], 2)
    assert probability(judged[1].evidence, E5) > probability(judged[0].evidence, E5)


def test_the_background_is_what_unrelated_things_are_near() -> None:
    objects, questions = np.eye(10, dtype=np.float32) * 7, np.eye(10, dtype=np.float32)[:2]
    background = measure(objects, questions)
    assert background.mean == pytest.approx(2 / 20)
    assert background.closeness(background.mean) < 0 < background.closeness(1.0)
    assert measure(objects[:1], questions[1:]).closeness(0.5) > 0  # one object: no deviation


def test_nearest_of_more_objects_is_nearer_by_chance() -> None:
    random = np.random.default_rng(1)
    leaflet, catalogue, collection = (Background(0.1, 0.1, objects).vocabulary for objects in (1, 30, 2 * SAMPLE))
    assert leaflet == 0 < catalogue < collection == 1, "a missing word says more of a collection"
    for count in (100, 10_000):
        highest = random.normal(0.5, 0.1, (200, count)).max(axis=1).mean()
        assert Background(0.5, 0.1, count).closeness(highest) == pytest.approx(0, abs=0.6)
    assert Background(0.5, 0.1, 1).closeness(0.5) == 0


KINDS: tuple[ResultKind, ...] = ("image", "product", "chunk")


@pytest.mark.parametrize("by", KINDS)
def test_absent_thing_is_not_found(sample: Resources, by: ResultKind) -> None:
    for asked in ("diesel engine piston ring", "insulin syringes", "зимние шины с шипами"):
        none = find_relevant(sample, SearchRequest(asked, where=Where(owner="anna"), by=by))
        assert {(hit.kind, hit.close) for hit in none.hits} == {(by, False)}
        assert 0 < len(none.hits) <= MOST_OTHERS
        assert not none.unmatched
    some = find_relevant(sample, SearchRequest("engineered oak floor", where=Where(owner="anna"), by=by))
    assert some.hits[0].product == "Nordvik Oak"
    assert [hit.close for hit in some.hits] == [
        hit.relevance is not None and hit.relevance >= sample.settings.relevance_floor for hit in some.hits
    ]


@pytest.mark.parametrize(("close", "others"), [(0, 6), (4, 6), (5, 5), (6, 0)])
def test_few_close_results_are_followed_by_others(sample: Resources, close: int, others: int) -> None:
    hits = search(sample, SearchRequest("oak", where=Where(owner="anna"), k=10))
    shown = close_first(sample, [Ranked(hit, relevance=0.9 if n < close else 0.01) for n, hit in enumerate(hits)])
    assert [(each.as_hit().id, each.close) for each in shown] == [
        (hits[n].id, n < close) for n in range(close + others)
    ]


def test_partial_match_says_which_words_are_missing(sample: Resources) -> None:
    found = find_relevant(sample, SearchRequest("oak piston", where=Where(owner="anna"), by="product"))
    assert found.hits[0].title == "Nordvik Oak"
    assert found.hits[0].missing == ("piston",)
    whole = find_relevant(sample, SearchRequest("engineered oak", where=Where(owner="anna"), by="product"))
    assert whole.hits[0].missing == ()
    assert whole.hits[0].relevance > found.hits[0].relevance  # type: ignore[operator]


def test_the_likeliest_of_the_first_results_come_first(sample: Resources) -> None:
    for asked in ("oak floor", "tile for a wall", "soft wool"):
        whole = find_relevant(sample, SearchRequest(asked, where=Where(owner="anna"), by="product", k=10))
        shown = [round(hit.relevance or 0, 2) for hit in whole.hits]
        assert shown == sorted(shown, reverse=True)
        parts = [
            find_relevant(sample, SearchRequest(asked, where=Where(owner="anna"), by="product", k=1, offset=n))
            for n in (0, 1)
        ]
        ids = [hit.id for part in parts for hit in part.hits]
        assert ids == [hit.id for hit in whole.hits[: len(ids)]]


def test_only_words_that_an_owner_lacks_are_foreign(sample: Resources) -> None:
    def judged(text: str, owner: str | None) -> set[float]:
        hits = search(sample, SearchRequest(text, where=Where(owner=owner), by="product"))
        results = [Ranked(hit, hit.why) for hit in hits]
        return {each.evidence.foreign for each in evidence(sample, results, text, "product", owner)}

    assert judged("oak floors", "anna") == {0}  # in another form, and also of a result that does not say it
    (half,) = judged("oak piston", "anna")
    (all_of_it,) = judged("diesel piston", "anna")
    assert 0 < half == all_of_it / 2
    assert judged("diesel piston", None) == {all_of_it}


def test_search_by_picture_leaves_no_result_out(sample: Resources, tmp_path: Path) -> None:
    from PIL import Image

    picture = tmp_path / "magenta.png"
    Image.new("RGB", (64, 64), "magenta").save(picture)
    found = find_relevant(sample, SearchRequest(image=picture, where=Where(owner="anna")))
    assert len(found.hits) == 10
    assert {hit.relevance for hit in found.hits} == {None}


def test_backgrounds_are_kept_until_the_number_changes_much(sample: Resources, monkeypatch: pytest.MonkeyPatch) -> None:
    find_relevant(sample, SearchRequest("oak", where=Where(owner="anna")))
    find_relevant(sample, SearchRequest("oak", where=Where()))
    text = active_spaces(sample.ledger)[Role.TEXT]
    pair = text.pair
    before = find_background(sample.ledger, pair, "anna")
    assert before is not None
    assert 0 < before["objects"] == sample.index.count(text.space, Where(owner="anna"))
    assert find_background(sample.ledger, pair, None) == before  # there is nobody else
    assert find_background(sample.ledger, pair, "bert") is None
    asked = list[str]()
    encoder = type(sample.models.text_encoder)
    embed = encoder.embed
    monkeypatch.setattr(encoder, "embed", lambda self, texts, *rest: asked.extend(texts) or embed(self, texts, *rest))
    find_relevant(sample, SearchRequest("ash", where=Where(owner="anna")))
    assert asked == ["ash"]
    for others in (before["objects"] // 2, 2 * before["objects"]):
        keep_background(sample.ledger, pair, "anna", {**before, "mean": 0.9, "objects": others})
        find_relevant(sample, SearchRequest("ash", where=Where(owner="anna")))
        assert find_background(sample.ledger, pair, "anna") == before
