"""Words of filters, and the vocabulary of materials and colours."""

from hypothesis import given
from hypothesis import strategies as st

from swatchbook.index.contract import Payload, Where
from swatchbook.index.matching import satisfies
from swatchbook.index.words import fold_words, likeness, read_vocabulary, ways
from tests.tables import rows_of

LANGUAGES = {"en", "de", "it", "fr", "es", "nl"}
TERMS = read_vocabulary()


def finds(asked: str, *values: str) -> bool:
    return satisfies(Where(color=(asked,)))(Payload(owner="ann", kind="image", colors=values))


def test_filter_finds_other_languages_and_narrower_terms() -> None:
    found = rows_of(__file__, "found")
    assert [pair for pair in found + rows_of(__file__, "not_found") if finds(*pair)] == found
    assert finds("white marble", "oak", "white marble")
    assert not finds("white marble", "white oak", "black marble"), "all words must be in one value"


@given(
    asked=st.lists(
        st.sampled_from(["dark", "blue", "oak", "gres", "fine", "é", "light", "terra", "cotta"]), min_size=1
    ),
    more=st.lists(st.sampled_from(["tile", "oak", "navy"])),
)
def test_its_own_words_are_always_found(asked: list[str], more: list[str]) -> None:
    assert finds(" ".join(asked), " ".join([*more, *asked]))


@given(st.lists(st.sampled_from(sorted(TERMS)), min_size=1, max_size=4))
def test_a_filter_is_said_two_ways_at_most(terms: list[str]) -> None:
    assert [len(words) > 0 for words in ways(" ".join(terms))] == [True, True]


def test_likeness_is_of_the_most_similar_words() -> None:
    assert likeness("porcelain", "Full-body porcelain stoneware") == 1.0
    assert likeness("porcelin", "Full-body porcelain stoneware") > 0.9 > likeness("porcelin", "European oak")
    assert likeness("&", "oak") == likeness("oak", "") == 0.0


def test_each_word_says_one_term_in_known_languages() -> None:
    said: dict[tuple[str, ...], str] = {}
    for name, term in TERMS.items():
        for words in term.words:
            assert words, name
            assert said.setdefault(words, name) == name, f"{words} says {name} and {said[words]}"
        assert "en" in term.by_language, name
        assert fold_words(name) in term.by_language["en"], name
        assert term.by_language.keys() <= LANGUAGES, name
    assert {language for term in TERMS.values() for language in term.by_language} == LANGUAGES


def test_broader_terms_exist_and_make_no_circle() -> None:
    def above(name: str, below: tuple[str, ...] = ()) -> None:
        assert name not in below, f"{name} is broader than itself"
        for broader in TERMS[name].broader:
            above(broader, (*below, name))

    for name in TERMS:
        above(name)


def test_each_colour_of_the_analyst_is_found() -> None:
    from swatchbook.models.images.local_analysis import PALETTE

    families = (
        "white", "black", "grey", "beige", "brown", "red", "pink", "orange", "yellow", "green", "blue", "purple",
    )  # fmt: skip
    for name in PALETTE:
        assert any(finds(family, name) for family in families), name
