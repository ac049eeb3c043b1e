"""Choose the words for what the image network recognises, by their probability.

A word's probability is the sum over its classes: p = A softmax(l / T), with logits l and temperature T. Most classes
also have a general word ("sandal", "shoe"), which is often sure where none of them is. Animals, buildings, landscapes
and surfaces have no word, and take probability from classes that have one. `image_words.tsv` has the words of each
class of ImageNet.
"""

from pathlib import Path
from typing import Final

import numpy as np

from swatchbook_base.arrays import Vectors

FILE: Final = Path(__file__).with_name("image_words.tsv")
CLASSES: Final = 1_000
TEMPERATURE: Final = 0.95  # by devtools.fit_image_words, on clothes, furniture and groceries; 0.86–0.98 without one
LEAST_PROBABILITY: Final = 0.75  # on those, 0.5 would do; but catalogues are full of things that have no class
MOST_WORDS: Final = 4


class ImageWords:
    """The table of words, and the words for logits. `classes` (1000, words) is 1 where a class has the word."""

    def __init__(self) -> None:
        lines = [line.split("\t") for line in FILE.read_text().splitlines() if not line.startswith("#")]
        words_of = {int(number): words.split(", ") for number, _, words in lines}
        self.words = tuple(dict.fromkeys(word for words in words_of.values() for word in words))
        self.classes = np.zeros((CLASSES, len(self.words)), np.float32)
        for number, words in words_of.items():
            self.classes[number, [self.words.index(word) for word in words]] = 1
        self._extent = self.classes.sum(axis=0)

    def probabilities(self, logits: Vectors) -> Vectors:
        """Return for logits (n, 1000) the probability of each of `words`, (n, words)."""
        powers = np.exp((logits - logits.max(axis=1, keepdims=True)) / TEMPERATURE)
        found: Vectors = powers @ self.classes / powers.sum(axis=1, keepdims=True)
        return found

    def recognise(self, logits: Vectors) -> tuple[str, ...]:
        """Return the words that are probable enough for logits (1000,), those with the fewest classes first."""
        (probabilities,) = self.probabilities(logits[None])
        sure = np.flatnonzero(probabilities >= LEAST_PROBABILITY)
        order = sorted(sure, key=lambda n: (self._extent[n], -probabilities[n]))
        return tuple(self.words[n] for n in order[:MOST_WORDS])
