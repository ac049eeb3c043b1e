"""Fit the weights of the roles in a search by picture on labelled sets. A set is a folder with a folder of pictures for
each class. Shown is what each role finds alone, what the default weights find, and what those find that were fitted on
the other sets.

    python -m devtools.fit_image_weights SET… [--per-class 60]

Prints for each set: the share of pictures whose nearest is of their class, the share among the nearest ten, and mean
average precision. Every picture is asked for the others of its class; scores are scaled as `search/fusion.py` does.
"""

import argparse
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from swatchbook.domain.records import Role
from swatchbook.models.image_network import SIDE, TAGS, ImageNetwork
from swatchbook.search.fusion import IMAGE_WEIGHTS_OF
from swatchbook_base.arrays import Pixels

ROLES = (Role.VISUAL, Role.TEXTURE, Role.COLOR)
STEPS = 10  # of a weight, 0 to 1
CANDIDATES = 100  # of a role

Weights = tuple[float, ...]
"""A weight for each of ROLES."""


class LabelledSet(NamedTuple):
    """Pictures of one trade: `scaled` has for each role the scaled scores (n, n) of every picture to every other."""

    name: str
    classes: NDArray[np.int64]  # (n,)
    scaled: NDArray[np.float64]  # (roles, n, n)


class Found(NamedTuple):
    """How well pictures find the others of their class."""

    nearest: float
    of_ten: float
    precision: float  # mean average precision

    def __str__(self) -> str:
        return f"{self.nearest:.3f} {self.of_ten:.3f} {self.precision:.3f}"


def main() -> None:
    """Read the sets that the command line names, and print what is found with which weights."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", type=Path, nargs="+")
    parser.add_argument("--per-class", type=int, default=60)
    given = parser.parse_args()
    encoder = ImageNetwork()
    sets = [read_set(folder, given.per_class, encoder) for folder in given.sets]
    default = IMAGE_WEIGHTS_OF[TAGS[Role.VISUAL]]
    named = {role.value: tuple(float(role is each) for each in ROLES) for role in ROLES}
    for name, weights in {**named, "default": tuple(default.get(role, 0.0) for role in ROLES)}.items():
        _print(name, [str(score(each, weights)) for each in sets])
    scores = {weights: [score(each, weights) for each in sets] for weights in weight_grid()}
    for left_out, each in enumerate(sets):
        best = best_for_others(scores, left_out)
        _print(f"fitted without {each.name}", [f"{best}: {scores[best][left_out]}"])


def read_set(folder: Path, per_class: int, encoder: ImageNetwork) -> LabelledSet:
    """Return the set in a folder, at most so many pictures of a class, chosen by chance but always the same."""
    paths = list[Path]()
    for of_class in sorted(path for path in folder.iterdir() if path.is_dir()):
        found = sorted(path for path in of_class.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
        paths += random.Random(0).sample(found, min(per_class, len(found)))  # noqa: S311 - no secret
    return label_set(folder.name, paths, [path.relative_to(folder).parts[0] for path in paths], encoder)


def label_set(name: str, paths: Sequence[Path], classes: Sequence[str], encoder: ImageNetwork) -> LabelledSet:
    """Return a set of these pictures, each of a class."""
    vectors = encoder.encode([*map(read_picture, paths)])
    numbers = np.array([sorted(set(classes)).index(each) for each in classes])
    return LabelledSet(name, numbers, np.stack([scale(vectors[role]) for role in ROLES]))


def read_picture(path: Path) -> Pixels:
    """Return the pixels of a file, upright, at the size that the encoder gets."""
    with Image.open(path) as image:
        upright = ImageOps.exif_transpose(image).convert("RGB")
    upright.thumbnail((SIDE, SIDE), Image.Resampling.BILINEAR)
    return np.asarray(upright)


def scale(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the cosines (n, n), each row scaled from its last candidate (0) to its first (1); that to itself is -1."""
    cosines = (vectors @ vectors.T).astype(np.float64)
    np.fill_diagonal(cosines, -np.inf)
    descending = -np.sort(-cosines, axis=1)
    first, last = descending[:, :1], descending[:, min(CANDIDATES, len(vectors) - 1) - 1][:, None]
    scaled: NDArray[np.float64] = np.clip((cosines - last) / np.maximum(first - last, 1e-9), 0, None)
    np.fill_diagonal(scaled, -1)
    return scaled


def score(labelled: LabelledSet, weights: Weights) -> Found:
    """Return how well the pictures of a set find the others of their class with these weights."""
    order = rank(labelled, weights)
    right = labelled.classes[order] == labelled.classes[:, None]
    precision = np.cumsum(right, axis=1) / np.arange(1, right.shape[1] + 1)
    average = (precision * right).sum(axis=1) / np.maximum(right.sum(axis=1), 1)
    return Found(float(right[:, 0].mean()), float(right[:, :10].mean()), float(average.mean()))


def rank(labelled: LabelledSet, weights: Weights) -> NDArray[np.int64]:
    """Return the numbers of the other pictures for each picture, nearest first (n, n - 1)."""
    fused = np.tensordot(np.array(weights), labelled.scaled, axes=1)
    return np.argsort(-fused, axis=1, kind="stable")[:, :-1]  # the last one is the picture itself


def weight_grid() -> list[Weights]:
    """Return all weights that are tried: those of the roles sum up to 1."""
    shares = product(np.linspace(0, 1, STEPS + 1), repeat=len(ROLES))
    return [weights for weights in shares if round(sum(weights), 6) == 1]


def best_for_others(scores: Mapping[Weights, Sequence[Found]], left_out: int) -> Weights:
    """Return the weights with the highest mean of average precisions over all sets but one."""

    def of_others(weights: Weights) -> Iterator[float]:
        return (found.precision for number, found in enumerate(scores[weights]) if number != left_out)

    return max(scores, key=lambda weights: sum(of_others(weights)))


def _print(name: str, columns: Sequence[str]) -> None:
    sys.stdout.write(f"{name:26} {'  |  '.join(columns)}\n")


if __name__ == "__main__":
    main()
