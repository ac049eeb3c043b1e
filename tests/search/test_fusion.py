"""Fusion: what tells apart counts, what is alike does not, nothing found is lost."""

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swatchbook.domain.records import Role
from swatchbook.index.contract import Match, Space
from swatchbook.models import image_network, local_encoder
from swatchbook.search.fusion import (
    IMAGE_WEIGHTS,
    IMAGE_WEIGHTS_OF,
    IMAGE_WEIGHTS_WITHOUT_STRUCTURE,
    KEYWORD,
    NUMBER,
    SAME,
    SAME_BEYOND,
    SAME_WITHIN,
    TEXT_WEIGHTS,
    Ranked,
    default_weights,
    fuse,
    own_score,
    put_first,
    same_things,
    same_within,
)


def themselves(_role: str, matches: Sequence[Match]) -> Ranked:
    return [(match.id, own_score(match)) for match in matches]


def near(similarities: Mapping[str, float]) -> list[Match]:
    return [Match(id=i, distance=1 - s) for i, s in sorted(similarities.items(), key=lambda pair: -pair[1])]


def worded(scores: Mapping[str, float]) -> list[Match]:
    return [Match(id=i, score=s) for i, s in sorted(scores.items(), key=lambda pair: -pair[1])]


def ranked(candidates: Mapping[str, Sequence[Match]], weights: Mapping[str, float] = TEXT_WEIGHTS) -> list[str]:
    found = fuse(candidates, themselves, weights, most=100)
    return sorted(found, key=lambda target: (-found[target].score, target))


def test_less_distinctive_role_of_one_model_counts_less() -> None:
    """Pictures said to be brown, whatever is asked for, beside the one text that is asked for."""
    brown = near({"asked for": 0.20, **{f"other {n}": 0.21 + n / 10_000 for n in range(20)}})
    texts = near({"asked for": 0.80, **{f"other {n}": 0.30 for n in range(20)}})
    assert ranked({Role.UNDERSTANDING: brown, Role.TEXT: texts})[0] == "asked for"


def test_any_hundred_of_many_alike_results_say_nothing() -> None:
    alike = near({f"picture {n:03}": 0.5 for n in range(100)})
    words = worded({"another": 3.0, "picture 007": 2.0})
    found = fuse({Role.UNDERSTANDING: alike, KEYWORD: words}, themselves, TEXT_WEIGHTS, most=100)
    assert max(found, key=lambda target: found[target].score) == "another"
    assert found["picture 000"].score == 0


@pytest.mark.parametrize(
    ("similarities", "most", "first"),
    [
        ({f"picture {n:03}": 0.5 for n in range(300)}, 1_000, 300),  # near-duplicates all count
        ({f"{n:02}": 0.9 if n < 90 else 0.4 for n in range(100)}, 100, 90),  # at the cut as behind it
        ({"a lone picture": 0.3}, 100, 1),
    ],
)
def test_the_nearest_all_count_alike(similarities: dict[str, float], most: int, first: int) -> None:
    found = fuse({Role.VISUAL: near(similarities)}, themselves, {Role.VISUAL: 1}, most=most)
    assert [found[target].score for target in similarities] == [1] * first + [0] * (len(similarities) - first)


def test_shares_add_up_and_name_their_sources() -> None:
    candidates = {Role.TEXT: near({"a": 0.7, "b": 0.2}), KEYWORD: worded({"b": 4.0})}
    found = fuse(candidates, themselves, TEXT_WEIGHTS, most=100)
    assert found["a"].why == {"text": {"rank": 1, "score": 0.7, "share": 0.285714}}
    assert found["b"].why == {
        "text": {"rank": 2, "score": 0.2, "share": 0.0},
        "keyword": {"rank": 1, "score": 4.0, "share": 0.714286},
    }


scores = st.dictionaries(st.sampled_from("abcdefgh"), st.floats(-1, 1, width=32), max_size=8)


@given(
    understanding=scores,
    text=scores,
    visual=scores,
    keyword=st.dictionaries(st.sampled_from("abcdefgh"), st.floats(0.01, 30)),
)
def test_everything_found_is_scored_between_0_and_1(
    understanding: dict[str, float], text: dict[str, float], visual: dict[str, float], keyword: dict[str, float]
) -> None:
    candidates = {
        Role.UNDERSTANDING: near(understanding),
        Role.TEXT: near(text),
        Role.VISUAL: near(visual),
        KEYWORD: worded(keyword),
    }
    found = fuse(candidates, themselves, TEXT_WEIGHTS, most=100)
    assert found.keys() == {*understanding, *text, *visual, *keyword}
    assert all(-1e-9 <= each.score <= 1 + 1e-9 for each in found.values())
    for role, given_scores in (("visual", visual), ("keyword", keyword)):
        shares = sorted((round(s, 6), found[t].why[role]["share"]) for t, s in given_scores.items())
        assert [share for _, share in shares] == sorted(share for _, share in shares), (
            "a better match never counts less"
        )


def test_number_asked_for_goes_before_what_is_near() -> None:
    """ "slip rating R9": a text with R10 says more of slip ratings, and is as near to the question."""
    texts = near({"R10": 0.7, "R9": 0.6, "none": 0.1})
    words = worded({"R10": 6.0, "R9": 5.0})
    assert ranked({Role.TEXT: texts, KEYWORD: words})[0] == "R10"
    assert ranked({Role.TEXT: texts, KEYWORD: words, NUMBER: worded({"R9": 2.0})})[0] == "R9"


def space(role: Role, tag: str) -> Space:
    return Space(role=role, tag=tag, dimension=4)


@pytest.mark.parametrize("tags", [image_network.TAGS, local_encoder.TAGS])
def test_local_encoders_have_weights_of_their_own(tags: Mapping[Role, str]) -> None:
    local = {role: space(role, tag) for role, tag in tags.items()}
    assert default_weights(local, text=False, image=True) == pytest.approx(IMAGE_WEIGHTS_OF[tags[Role.VISUAL]])
    learned = {Role.VISUAL: space(Role.VISUAL, "another model")}
    assert default_weights(learned, text=False, image=True) == pytest.approx(IMAGE_WEIGHTS_WITHOUT_STRUCTURE)
    structured = {**learned, Role.STRUCTURE: space(Role.STRUCTURE, "another model")}
    assert default_weights(structured, text=False, image=True) == IMAGE_WEIGHTS


def distances(of: Mapping[str, float]) -> list[Match]:
    return [Match(id=i, distance=d) for i, d in sorted(of.items(), key=lambda pair: pair[1])]


OTHERS = {f"other {n}": 0.05 + n / 1_000 for n in range(SAME_BEYOND)}


def test_what_both_find_outstandingly_near_is_the_same() -> None:
    visual = distances({"cut from": 0.02, "a colour": 0.05, **OTHERS})
    color = distances({"cut from": 0.003, "a colour": 0.002, **OTHERS})
    assert [match.id for match in same_things({Role.VISUAL: visual, Role.COLOR: color}, SAME_WITHIN)] == ["cut from"]


def test_network_refuses_what_looks_like_something_else() -> None:
    within = same_within({role: space(role, tag) for role, tag in image_network.TAGS.items()})
    alike = distances({"cut from": 0.01, "another thing": 0.01, **OTHERS})
    seen = distances({"cut from": 0.06, **OTHERS, "another thing": 0.2})
    found = same_things({Role.STRUCTURE: alike, Role.COLOR: alike, Role.VISUAL: seen}, within)
    assert [match.id for match in found] == ["cut from"]


def test_equal_or_few_distances_make_nothing_the_same() -> None:
    alike = distances({**OTHERS, "first": 0.04})
    assert same_things({Role.VISUAL: alike, Role.COLOR: alike}, SAME_WITHIN) == []
    few = distances({"first": 0.001, "second": 0.5})
    assert same_things({Role.VISUAL: few, Role.COLOR: few}, SAME_WITHIN) == []
    assert same_things({Role.VISUAL: distances({**OTHERS, "first": 0.001})}, SAME_WITHIN) == []


def test_same_thing_goes_before_what_another_role_prefers() -> None:
    texture = near({"another": 0.98, "cut from": 0.94, "third": 0.90})
    found = fuse({Role.TEXTURE: texture}, themselves, {Role.TEXTURE: 1}, most=100)
    put_first(found, SAME, [("cut from", 0.9)])
    assert max(found, key=lambda target: found[target].score) == "cut from"
    assert found["another"].score == 0.5
    for each in found.values():
        assert sum(why["share"] for why in each.why.values()) == pytest.approx(each.score, abs=1e-6)
    assert found["cut from"].why[SAME]["rank"] == 1
