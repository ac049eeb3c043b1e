"""Estimate the similarity of a space's objects to unrelated questions: its mean and deviation.

The questions are fixed ones that no catalogue answers, compared with a sample of the objects. An answer is nearer than
that, and nearer than the nearest of as many objects is by chance.

The estimate is for an owner's objects only, so that a search reveals nothing about those of others. The first search
that needs it makes it in half a second, because a search has the model loaded anyway. The ledger keeps it. It is made
again when there are twice or half as many objects.
"""

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

import numpy as np

from swatchbook.arrays import Vectors
from swatchbook.errors import Failure
from swatchbook.index.base import Space, Where
from swatchbook.ledger.backgrounds import find_background, keep_background
from swatchbook.ledger.queries.samples import sample_objects
from swatchbook.records import RoleTag
from swatchbook.resources import Resources

SAMPLE: Final = 256
"""The objects that are compared with the questions: the mean of their similarities is then exact to a hundredth."""

UNRELATED: Final = (
    "who won the election", "how a bill becomes law", "symptoms of appendicitis", "history of the Roman empire",
    "weather in Edinburgh tomorrow", "proof of Pythagoras' theorem", "how to learn to swim", "the plot of Hamlet",
    "Wer hat die Wahl gewonnen?", "Zugverbindung nach Hamburg", "Wie werden Sterne geboren?", "Gedicht über den Herbst",
    "qui a gagné les élections", "la chute de l'empire romain", "conjugaison du verbe aller",
    "la capital de Mongolia", "cómo nacen los volcanes", "letra del himno nacional",
    "previsioni del tempo a Torino", "la guerra dei trent'anni", "resultado do jogo de ontem", "a origem da vida",
    "кто победил на выборах", "расписание поездов", "история древнего Рима", "как рождаются звёзды",
    "yarınki hava durumu", "Roma tarihi", "pogoda na jutro", "uitslag van de verkiezingen", "lịch sử La Mã",
    "明天的天气",
)  # fmt: skip
"""Questions about things that are in no catalogue, in the languages of catalogues."""

LEAST_DEVIATION: Final = 1e-3
"""The least deviation, for a space with one object or only equal ones."""

Encode = Callable[[Sequence[str]], Vectors]
"""A function that encodes questions into a space: (n, dimension), unit length."""


class Background(NamedTuple):
    """Mean and deviation of unrelated similarities, and the number of the owner's objects in the space."""

    mean: float
    deviation: float
    objects: int

    def closeness(self, similarity: float) -> float:
        """Return how many deviations a similarity is above that of the nearest object to unrelated questions.

        The highest of n normal values is about √(2 ln n) deviations above their mean.
        """
        return (similarity - self.mean) / self.deviation - math.sqrt(2 * math.log(self.objects))

    @property
    def vocabulary(self) -> float:
        """Return the evidence, 0 to 1, in a word's being nowhere: it is low for few objects, which lack most words."""
        return min(1.0, math.log(self.objects) / math.log(SAMPLE))


def background_of(resources: Resources, space: Space, owner: str | None, encode: Encode) -> Background | None:
    """Return the background of an owner's objects, or of all, in a space; None without objects.

    It is estimated if the ledger has none that is still valid.
    """
    pair = RoleTag(role=space.role, tag=space.tag)
    kept = find_background(resources.ledger, pair, owner)
    known = None if kept is None else Background(**kept)  # type: ignore[arg-type]
    count = resources.index.count(space, Where(owner=owner, editions="all"))
    if known and known.objects / 2 < count < known.objects * 2:
        return known
    ids = sample_objects(resources.ledger, pair, SAMPLE, owner)
    objects = [each.vector for each in resources.index.fetch(space, ids).values()]
    if not objects:
        return known
    measured = measure(np.stack(objects), encode(UNRELATED))
    measured = measured._replace(objects=max(count, measured.objects))
    with suppress(Failure):  # for example on a full disk: the next search estimates it again
        keep_background(resources.ledger, pair, owner, measured._asdict())
    return measured


def measure(objects: Vectors, questions: Vectors) -> Background:
    """Return the background of objects (n, dimension) to questions (m, dimension) by cosine similarity."""
    unit = objects / np.linalg.norm(objects, axis=1, keepdims=True)
    similarities = unit @ (questions / np.linalg.norm(questions, axis=1, keepdims=True)).T
    deviation = max(float(similarities.std()), LEAST_DEVIATION)
    return Background(round(float(similarities.mean()), 6), round(deviation, 6), len(objects))
