"""Words are found in any form that their language has, and a number together with what it is of."""

import hashlib
import json

from devtools.score_keywords import score
from swatchbook.index.contract import Index, Space
from swatchbook.index.language import language_of
from swatchbook.index.terms import LANGUAGES, VERSION, numbers_of, question_terms, text_terms
from tests.fixtures import ROOT
from tests.tables import rows_of

TEXTS = ROOT / "tests/truth/keywords"
PINNED = (2, "fa749480e6534db2")
"""VERSION, and a digest of all terms of TEXTS and of the questions to them."""

FIRST = {"de": 19, "en": 20, "it": 20, "ru": 18, "tr": 20}
"""Language -> of its 20 questions those whose text comes first; of words as printed 4, 10, 11, 5 and 9."""


def test_questions_in_five_languages_find_their_text(index: Index, space: Space) -> None:
    scores = score(index, space, TEXTS)
    assert {language: round(each.first * each.questions) for language, each in scores.items()} == FIRST


def test_other_terms_have_another_version() -> None:
    terms = list[str]()
    for file in sorted(TEXTS.glob("*.json")):
        given = json.loads(file.read_text(encoding="utf-8"))
        terms += [text_terms([text], {file.stem}) for text in given["texts"].values()]
        terms += [question_terms(question) for question, _ in given["questions"]]
    digest = hashlib.sha256("\n".join(terms).encode()).hexdigest()[:16]
    assert (VERSION, digest) == PINNED, "Filled collections have other terms: raise VERSION in index/terms.py, pin it."


def test_a_question_shares_a_term_with_the_text() -> None:
    for language, text, question in rows_of(__file__, "sharing"):
        assert {*text_terms([text], {language}).split()} & {*question_terms(question).split()}, question


def test_what_only_looks_alike_shares_only_words() -> None:
    for text, question in (("slip rating R10", "R9"), ("60 × 120 cm", "60 x 120 mm size")):
        shared = set(text_terms([text], {"en"}).split()) & set(question_terms(question).split())
        assert not [term for term in shared if term.startswith(("en:", "mm:")) or term == question]


def test_number_joins_only_its_own_text() -> None:
    assert "ratingr9" in text_terms(["Slip rating | R9"], ()).split()
    assert "ratingr9" not in text_terms(["Slip rating", "R9"], ()).split()


def test_a_long_question_is_stemmed_in_part() -> None:
    words = " ".join(f"{'abcdefghij'[n % 10]}{'klmnopqrst'[n // 10]}word" for n in range(90))
    assert len(question_terms(words).split()) < 90 + 2_000
    assert question_terms("!?  …") == text_terms(["!? …"], LANGUAGES) == ""


def test_language_is_told_of_texts_not_names() -> None:
    given = {f.stem: json.loads(f.read_text(encoding="utf-8"))["texts"].values() for f in sorted(TEXTS.glob("*.json"))}
    told = [(language, language_of(text)) for language, texts in given.items() for text in texts]
    assert [pair for pair in told if pair[0] != pair[1]] == []
    assert language_of("Terra Nova 60x120 R10") is None
    assert language_of("R10 60 × 120 " * 50) is None


NUMBERS = {
    "slip rating R9": "R9", "slab 305 × 125 cm, grey": "305x125 cm", "OF-2101 oder 50 kg Zement": "OF-2101 50 kg",
    "a sofa for 3 people": "3", "oak floor": "",
}  # fmt: skip


def test_numbers_of_a_question_have_their_units() -> None:
    assert {question: numbers_of(question) for question in NUMBERS} == NUMBERS
