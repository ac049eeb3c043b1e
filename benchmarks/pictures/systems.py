"""The baselines of finding like pictures: Swatchbook with its weights, with weights of the other sets, its network and
its descriptors alone, and a histogram of colours; and any program.
"""

import json
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.catalogues.answers import Seen
from benchmarks.catalogues.systems import NotRun, swatchbook_version
from benchmarks.pictures.rankings import NEAREST, SystemRankings
from benchmarks.pictures.sets import Pictures, picture_sets
from devtools.fit_image_weights import (
    ROLES,
    LabelledSet,
    best_for_others,
    label_set,
    rank,
    read_picture,
    score,
    weight_grid,
)
from swatchbook.domain.errors import Failure, InvalidReference
from swatchbook.domain.records import Role
from swatchbook.domain.settings import Settings
from swatchbook.models.image_network import TAGS, ImageNetwork
from swatchbook.models.local_encoder import DescriptorEncoder
from swatchbook.models.registry import load
from swatchbook.search.fusion import IMAGE_WEIGHTS_OF

Order = NDArray[np.int64]
"""For each picture the numbers of others, nearest first (n, at least ten)."""
Rank = Callable[[Pictures, Sequence[Pictures]], Order]
"""Rank the pictures of a set; all sets are given, too."""

BINS: Final = 4  # of each channel of a histogram


class Baseline(NamedTuple):
    """What is written of a baseline besides its answers, and what ranks."""

    about: str
    seen: Seen
    rank: Rank


@cache
def _labelled(name: str, files: tuple[Path, ...], classes: tuple[str, ...]) -> LabelledSet:
    return label_set(name, files, classes, ImageNetwork())


def _scored(pictures: Pictures) -> LabelledSet:
    return _labelled(pictures.name, tuple(pictures.files), tuple(pictures.classes))


def _with_default_weights(pictures: Pictures, _: Sequence[Pictures]) -> Order:
    default = IMAGE_WEIGHTS_OF[TAGS[Role.VISUAL]]
    return rank(_scored(pictures), tuple(default.get(role, 0.0) for role in ROLES))


def _with_weights_of_others(pictures: Pictures, every: Sequence[Pictures]) -> Order:
    """Rank with the weights that find most in the other sets."""
    sets = [_scored(each) for each in every]
    scores = {weights: [score(each, weights) for each in sets] for weights in weight_grid()}
    return rank(_scored(pictures), best_for_others(scores, [each.name for each in every].index(pictures.name)))


def _by_network(pictures: Pictures, _: Sequence[Pictures]) -> Order:
    return rank(_scored(pictures), tuple(float(role is Role.VISUAL) for role in ROLES))


def _by_descriptors(pictures: Pictures, _: Sequence[Pictures]) -> Order:
    vectors = DescriptorEncoder().encode([*map(read_picture, pictures.files)])
    return _by_cosine(vectors[Role.VISUAL])


def _by_colours(pictures: Pictures, _: Sequence[Pictures]) -> Order:
    """Rank by the intersection of histograms of colours, which the square roots of shares come near."""
    vectors = []
    for file in pictures.files:
        pixels = (read_picture(file).reshape(-1, 3) // (256 // BINS)).astype(np.int64)
        counts = np.bincount(pixels @ np.array([BINS * BINS, BINS, 1]), minlength=BINS**3)
        vectors.append(np.sqrt(counts / counts.sum()))
    return _by_cosine(np.array(vectors, np.float32))


def _by_siglip(pictures: Pictures, _: Sequence[Pictures]) -> Order:
    with tempfile.TemporaryDirectory() as home:
        try:
            encoder = load(Settings(home=Path(home), encoder="siglip")).encoder
        except Failure as failure:
            raise NotRun("its weights have to be downloaded, and could not be.") from failure
        vectors = [encoder.encode([read_picture(file)])[Role.VISUAL][0] for file in pictures.files]
    return _by_cosine(np.array(vectors))


def _by_cosine(vectors: NDArray[np.float32]) -> Order:
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -np.inf)
    return np.argsort(-cosines, axis=1, kind="stable")[:, :-1]


BASELINES: Final[Mapping[str, Baseline]] = {
    "swatchbook": Baseline(
        "Swatchbook's default: EfficientNet-Lite2 (0.8), texture (0.1) and colour (0.1).",
        "tuned",
        _with_default_weights,
    ),
    "swatchbook-left-out": Baseline(
        "The same roles with the weights that find most in the three other sets.", "left out", _with_weights_of_others
    ),
    "efficientnet-lite2": Baseline(
        "Swatchbook's network alone, which was chosen on these sets and trained on ImageNet.", "compared", _by_network
    ),
    "descriptors": Baseline("Local descriptors of colour, texture and layout.", "compared", _by_descriptors),
    "colour-histogram": Baseline("A histogram of 64 colours.", "unseen", _by_colours),
    "siglip": Baseline("SigLIP, which Swatchbook can use instead.", "unseen", _by_siglip),
}


def run_baseline(name: str, sets: Sequence[Pictures]) -> SystemRankings:
    """Return the answers of a baseline, or of a program. Raises InvalidReference."""
    if name not in BASELINES:
        return _run_program(name, sets)
    one = BASELINES[name]
    about = SystemRankings(
        system=name,
        version=swatchbook_version(),
        about=one.about,
        seen=dict.fromkeys(picture_sets(), one.seen),
    )
    try:
        ranked = {each.name: _named(each, one.rank(each, sets)) for each in sets}
    except NotRun as reason:
        return about.model_copy(update={"not_run": str(reason)})
    return about.model_copy(update={"sets": ranked})


def _named(pictures: Pictures, order: Order) -> dict[str, tuple[str, ...]]:
    return {
        name: tuple(pictures.ids[other] for other in others[:NEAREST])
        for name, others in zip(pictures.ids, order.tolist(), strict=True)
    }


def _run_program(name: str, sets: Sequence[Pictures]) -> SystemRankings:
    """Call a program with the folder of each set; it prints id -> ids of the nearest others."""
    program = Path(name)
    if not program.is_file():
        raise InvalidReference(
            f"{name} is neither a baseline nor a program.",
            advice=f"Name one of {', '.join(BASELINES)}, or the path of a program that prints the nearest pictures.",
        )
    found = dict[str, object]()
    for each in sets:
        folder = each.files[0].parent
        done = subprocess.run([program.resolve(), folder], capture_output=True, check=False)
        if done.returncode:
            raise InvalidReference(f"{program.name} ended with {done.returncode} at {folder}.")
        try:
            found[each.name] = json.loads(done.stdout)
        except ValueError as error:
            raise InvalidReference(f"{program.name} printed no JSON for {folder}.") from error
    return SystemRankings.model_validate(
        {
            "system": program.stem.lower(),
            "about": f"the program {program.name}",
            "seen": dict.fromkeys(picture_sets(), "unseen"),
            "sets": found,
        }
    )
