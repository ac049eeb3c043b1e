"""What is measured of the groups of texts of labelled documents (`tests/truth/features`): numbers only, read and kept
for `devtools/fit_products.py`.
"""

import base64
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from swatchbook_base.e5 import DIMENSION

Array = NDArray[np.float64]

FEATURES: Final = Path("tests/truth/features")
SETS: Final = ("a-b-c", "d-e", "f", "g", "h", "i", "j", "k")
"""The letters before the names of documents that were labelled together, apart from those of the first set."""
NOTHING: Final = 0.15
"""A group with a lower F1 is no answer."""
STEP: Final = 1 / 300
"""What a meaning's numbers are rounded to; they are at most 127 steps."""
MADE_ALIKE: Final = tuple(f"generated-{kind}-" for kind in ("leaflet", "described", "price-list"))
MADE: Final = 0.8
"""Weight of a generated document of these kinds: there are many of each, and all have products."""
MADE_ALONE: Final = 1.5
"""Weight of all other generated documents: there are few of a kind. Real ones weigh 1."""


Together = Callable[[str], str]
"""Name of a document -> of what it is left out with: of itself (`str`), or of its set (`set_of`)."""


class Named(NamedTuple):
    """A text of a group: how odd it is in it, and whether it names a product."""

    oddities: dict[str, float]
    right: bool


class Measured(NamedTuple):
    """A document's groups: their features, what they mean, (groups, 384), the F1 of the products that each would name,
    and their texts.
    """

    name: str
    features: list[dict[str, float]]
    meanings: Array
    f1: list[float]
    names: list[list[Named]]

    @property
    def generated(self) -> bool:
        return self.name.startswith("generated-")

    @property
    def offers_none(self) -> bool:
        return "neg-" in self.name or (self.generated and max(self.f1, default=0.0) == 0)

    @property
    def share(self) -> float:
        """Its weight in the fit."""
        if not self.generated:
            return 1.0
        return MADE if self.name.startswith(MADE_ALIKE) and not self.offers_none else MADE_ALONE

    @property
    def usable(self) -> bool:
        """Whether a right answer exists among the groups."""
        return bool(self.f1) and (self.offers_none or max(self.f1) > NOTHING)


class Decision(NamedTuple):
    """The names of the group that was chosen for a document, and its probability.

    `probabilities` are those of all groups, and last of "none"; `features` are the chosen group's.
    """

    name: str
    f1: float
    chosen: float
    rows: list[Named]
    probabilities: list[float]
    features: dict[str, float]
    offers_none: bool


def load(folder: Path) -> list[Measured]:
    """Return the measured documents of a folder, in order of name."""
    found = []
    for path in sorted(folder.glob("*.json")):
        kept = json.loads(path.read_text(encoding="utf-8"))
        groups, order = kept["groups"], kept["oddities"]
        names = [[Named(dict(zip(order, odd, strict=True)), bool(right)) for right, *odd in g["names"]] for g in groups]
        features, f1 = [g["features"] for g in groups], [g["f1"] for g in groups]
        found.append(Measured(path.stem, features, _meanings(g["meaning"] for g in groups), f1, names))
    return found


def _meanings(kept: Iterable[str]) -> Array:
    rows = [np.frombuffer(base64.b64decode(text), np.int8) for text in kept]
    return np.array(rows, np.float64).reshape(len(rows), DIMENSION) * STEP


def set_of(name: str) -> str:
    """Return the letters of the documents that were labelled together with one, nothing for the first."""
    letter = name.removeprefix("neg-").partition("-")[0]
    return next((letters for letters in SETS if letter in letters.split("-")), "")


def keep_measured(measured: Measured, folder: Path) -> None:
    """Write the features of a document as JSON."""
    order = sorted({name for group in measured.names for row in group for name in row.oddities})
    rows = [
        json.dumps(
            {
                "f1": round(f1, 3),
                "features": {name: round(features[name], 4) for name in sorted(features)},
                "meaning": base64.b64encode((meaning / STEP).round().clip(-127, 127).astype(np.int8)).decode(),
                "names": [[int(row.right), *(round(row.oddities[name], 2) for name in order)] for row in names],
            }
        )
        for features, meaning, f1, names in zip(
            measured.features, measured.meanings, measured.f1, measured.names, strict=True
        )
    ]
    text = f'{{"oddities": {json.dumps(order)}, "groups": [\n' + ",\n".join(rows) + "\n]}\n"
    (folder / f"{measured.name}.json").write_text(text, encoding="utf-8")
