"""Lessons for tests: documents with two groups, of which the first names the products."""

import random
from collections.abc import Mapping

from swatchbook.catalogue.choose_names import shipped_weights
from swatchbook.records import GroupFacts, LessonFacts, sha256

WEIGHTS = shipped_weights()
ODDITIES = tuple(name for name in WEIGHTS.right if name != "chosen")


def group(f1: float, features: Mapping[str, float] = {}, *, like: float = 0.0, right: int = 6) -> GroupFacts:
    """A group that is average in all that is not given, with six names that are no odder than others."""
    usual = {name: mean for name, (mean, _, _) in WEIGHTS.features.items()}
    odd = tuple(WEIGHTS.right[name][0] for name in ODDITIES)
    return GroupFacts(
        features={**usual, **features},
        like=like,
        f1=f1,
        names=tuple((float(n < right), *odd) for n in range(6)),
    )


def lesson(name: str, *groups: GroupFacts) -> LessonFacts:
    return LessonFacts(content=sha256(name.encode()), oddities=ODDITIES, groups=groups)


def of_one_maker(name: str, seed: int = 0) -> LessonFacts:
    """A catalogue whose small captions are the names, while its large headings look likelier."""
    noise = random.Random(f"{name}{seed}")

    def near(of: str, spreads: float) -> float:
        mean, spread, _ = WEIGHTS.features[of]
        return mean + (spreads + noise.uniform(-0.2, 0.2)) * spread

    captions = {"larger": near("larger", 0.8), "count": near("count", 0.5), "labelled": near("labelled", 1.0)}
    headings = {"larger": near("larger", -0.8), "count": near("count", 0.6), "labelled": near("labelled", -0.4)}
    return lesson(name, group(1.0, captions), group(0.0, headings, right=0))
