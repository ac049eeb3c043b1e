"""Fit the temperature of the words that the image network recognises, and say how many words told are right. A set is a
folder with a folder of pictures for each class; which words are right for a class is in RIGHT.

    python -m devtools.fit_image_words SET… [--per-class 60]

Prints for each set the temperature with the least log loss on the others, and at several probabilities the share of
right words, of pictures with a word, and of these those with a wrong one. A word that a class neither has nor excludes
(NOT_JUDGED: the kind of a shoe) does not count.
"""

import argparse
import random
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from devtools.fit_image_weights import read_picture
from swatchbook.models.image_network import Network
from swatchbook.models.image_words import LEAST_PROBABILITY, TEMPERATURE, ImageWords
from swatchbook_base.arrays import Pixels, Vectors

FRUIT = (
    "apple avocado banana kiwi lemon lime mango melon nectarine orange papaya passion-fruit peach pear pineapple plum"
)
CITRUS = "lemon lime orange red-grapefruit satsumas"
VEGETABLES = "asparagus aubergine cabbage carrots cucumber garlic ginger leek mushroom onion pepper potato red-beet"
PACKED = "juice milk oat-milk oatghurt sour-cream sour-milk soy-milk soyghurt yoghurt"
RIGHT: Final[Mapping[str, Sequence[str]]] = {
    **{name: ("fruit", "food", name) for name in f"{FRUIT} pomegranate".split()},
    **dict.fromkeys(CITRUS.split(), ("fruit", "food", "citrus fruit")),
    **{name: ("vegetable", "food", name) for name in VEGETABLES.split()},
    **dict.fromkeys(PACKED.split(), ("packet", "box", "bottle", "food")),
    "tomato": ("vegetable", "fruit", "food"),
    "zucchini": ("vegetable", "food", "courgette"),
    "dress": ("clothing", "dress", "gown"),
    "hat": ("clothing", "hat"),
    "longsleeve": ("clothing", "top", "T-shirt", "shirt", "sweatshirt", "sweater"),
    "outwear": ("clothing", "coat", "vest"),
    "pants": ("clothing", "trousers"),
    "shirt": ("clothing", "top", "shirt"),
    "shoes": ("clothing", "shoe"),
    "shorts": ("clothing", "shorts"),
    "skirt": ("clothing", "skirt"),
    "t-shirt": ("clothing", "top", "shirt", "T-shirt"),
    "bed": ("furniture", "bed"),
    "chair": ("furniture", "chair"),
    "cupboard": ("furniture", "cabinet", "wardrobe"),
    "fridge": ("refrigerator",),
    "sofa": ("furniture", "sofa"),
    "table": ("furniture", "table", "dining table"),
    "tv": ("television", "screen"),
}
"""The words that are right for the pictures of a class; all others are wrong."""
NOT_JUDGED: Final[Mapping[str, Sequence[str]]] = {
    "bed": ("four-poster bed",),
    "chair": ("rocking chair", "folding chair", "throne", "barber chair"),
    "cupboard": (
        "china cabinet",
        "chiffonier",
        "TV cabinet",
        "filing cabinet",
        "chest",
        "bookcase",
    ),
    "hat": ("bonnet", "cowboy hat", "sombrero", "balaclava"),
    "longsleeve": ("cardigan", "knitwear"),
    "outwear": ("trench coat", "fur coat", "lab coat", "bulletproof vest"),
    "pants": ("jeans",),
    "shoes": ("sandal", "loafer", "sneaker", "clog", "boot", "cowboy boot"),
    "skirt": ("miniskirt", "hoop skirt", "overskirt"),
    "table": ("desk",),
}
PROBABILITIES: Final = (0.5, 0.6, 0.7, LEAST_PROBABILITY)
LEAST_JUDGED: Final = 0.02  # probability from which a word counts for the log loss
TEMPERATURES: Final = np.arange(0.5, 1.6, 0.05)


class LabelledSet(NamedTuple):
    """Pictures of one trade: their logits (n, 1000), and for each word 1 if it is right, 0 if wrong, NaN if unknown."""

    name: str
    logits: Vectors
    right: NDArray[np.float32]  # (n, words)


def main() -> None:
    """Read the sets that the command line names, and print what is told of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", type=Path, nargs="+")
    parser.add_argument("--per-class", type=int, default=60)
    given = parser.parse_args()
    network, words = Network(), ImageWords()
    sets = [read_set(folder, given.per_class, network, words) for folder in given.sets]
    labelled = [each for each in sets if np.nansum(each.right)]
    for each in sets:
        others = [other for other in labelled if other is not each]
        best = min(TEMPERATURES, key=lambda temperature: sum(log_loss(other, words, temperature) for other in others))
        columns = [f"{p}: {told(each, words, p)}" for p in PROBABILITIES]
        sys.stdout.write(f"{each.name:12} {len(each.logits):4} T {best:.2f} without it  {'  |  '.join(columns)}\n")


def read_set(folder: Path, per_class: int, network: Network, words: ImageWords) -> LabelledSet:
    """Return the set in a folder, at most so many pictures of a class, chosen by chance but always the same."""
    pictures, classes = choose_pictures(folder, per_class)
    right = np.array([[word in RIGHT.get(name, ()) for word in words.words] for name in classes], np.float32)
    right[[[word in NOT_JUDGED.get(name, ()) for word in words.words] for name in classes]] = np.nan
    return LabelledSet(folder.name, np.stack([seen.logits for seen in network.see(pictures)]), right)


def choose_pictures(folder: Path, per_class: int) -> tuple[list[Pixels], list[str]]:
    """Return at most so many pictures of each class, chosen by chance but always the same, and their classes."""
    pictures, classes = list[Pixels](), list[str]()
    for of_class in sorted(path for path in folder.iterdir() if path.is_dir()):
        found = sorted(path for path in of_class.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
        chosen = random.Random(0).sample(found, min(per_class, len(found)))  # noqa: S311 - no secret
        pictures += map(read_picture, chosen)
        classes += [of_class.name.lower()] * len(chosen)
    return pictures, classes


def log_loss(labelled: LabelledSet, words: ImageWords, temperature: float) -> float:
    """Return the mean log loss of the words with some probability, in nats."""
    p = np.clip(words.probabilities(labelled.logits * (TEMPERATURE / temperature)), 1e-6, 1 - 1e-6)
    loss = -(labelled.right * np.log(p) + (1 - labelled.right) * np.log(1 - p))
    return float(np.nanmean(loss[p >= LEAST_JUDGED]))


def told(labelled: LabelledSet, words: ImageWords, least: float) -> str:
    """Return how many words told are right, of how many pictures one is told, and of how many of these a wrong one."""
    sure = words.probabilities(labelled.logits) >= least
    wrong, right = sure & (labelled.right == 0), sure & (labelled.right == 1)
    with_word = sure.any(axis=1)
    share_wrong = wrong.any(axis=1).sum() / max(1, with_word.sum())
    return f"{right.sum() / max(1, (right | wrong).sum()):.2f} {with_word.mean():.2f} {share_wrong:.2f}"


if __name__ == "__main__":
    main()
