"""The words for what the image network recognises: their table, their probabilities, and what is too unsure to tell."""

import numpy as np

from swatchbook.index.words import names_material
from swatchbook.models.image_words import CLASSES, FILE, MOST_WORDS, TEMPERATURE, ImageWords
from swatchbook_base.arrays import Vectors

WORDS = ImageWords()


def logits_of(shares: dict[int, float]) -> Vectors:
    """Return logits (1000,) of classes with these probabilities; the rest is shared by all others."""
    rest = (1 - sum(shares.values())) / (CLASSES - len(shares))
    return np.log(np.array([shares.get(n, rest) for n in range(CLASSES)], np.float32)) * np.float32(TEMPERATURE)


SANDAL, SNEAKER, PUNCHING_BAG, TABLE, GRAND_PIANO, UPRIGHT_PIANO = 774, 770, 747, 532, 579, 881


def test_words_need_classes_that_are_sure_together() -> None:
    for shares, words in (
        ({SANDAL: 0.9}, ("sandal", "shoe", "clothing")),
        ({SANDAL: 0.4, SNEAKER: 0.4}, ("shoe", "clothing")),
        ({SANDAL: 0.4, TABLE: 0.5}, ()),
        ({PUNCHING_BAG: 0.99}, ()),
        ({GRAND_PIANO: 0.4, UPRIGHT_PIANO: 0.4}, ("piano", "musical instrument")),
        ({}, ()),
    ):
        assert WORDS.recognise(logits_of(shares)) == words


def test_no_class_has_more_words_than_are_told() -> None:
    told = [WORDS.recognise(logits_of({number: 0.99})) for number in range(CLASSES)]
    assert max(map(len, told)) <= MOST_WORDS
    assert {word for words in told for word in words} == set(WORDS.words)
    assert sum(map(bool, told)) == sum(not line.startswith("#") for line in FILE.read_text().splitlines())


def test_no_word_is_only_a_material() -> None:
    """What is recognised is a thing; of what it is made a network of things does not know."""
    assert {word for word in WORDS.words if names_material(word)} == {
        "clothes iron", "drinking glass", "magnifying glass", "paper towel", "toilet paper", "waffle iron",
    }  # fmt: skip
