"""Score what `swatchbook fit` gains: users teach some labelled catalogues at random, and the weights that are fitted to
these read their other ones.

Usage: python -m devtools.score_fit [KIND…] [--draws N] [--features FOLDER]
KIND: mixed (any catalogues), alike (price lists, food, building materials), generated (one maker's layout). The weights
that a user starts with know none of the user's catalogues. "if better": the fitted weights are used only where they are
better on the taught ones left out, as `swatchbook fit` does without --use. F1 by the measured features.
"""

import argparse
import random
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean, mean, median
from typing import Final, NamedTuple

from devtools.fit_products import decide, fit, judge_rows, leave_one_out
from devtools.measured_groups import FEATURES, Measured, load, set_of
from swatchbook.catalogue.choose_names import Weights
from swatchbook.fitting.fit_names import f1_with, fit_near, leave_each_out
from swatchbook.fitting.lessons import is_silent
from swatchbook.records import GroupFacts, LessonFacts

TAUGHT: Final = (3, 5, 10)
FEWEST_LEFT: Final = 3
"""The fewest catalogues that are left to read."""
LOSS: Final = 0.1
ALIKE: Final = {
    "price lists": (
        "a-svetstroy b-bosch-merni brix cemrus e-butaflowers e-kamen e-reduktor g-premoldados g-prestol g-thiasil "
        "h-gpp h-organic i-aura i-empire j-rouchant j-solarstadl j-vinograd k-dimroslyn k-mjstore k-nrtpro k-torte"
    ),
    "food": (
        "b-mmgu b-serial d-delices d-donprod d-thichcay f-comercel gaspe h-naturetea h-schwarm h-tart i-mlekovita "
        "j-bilbo j-dapoer j-ethichub j-ezz j-hunter k-quijos j-rouchant k-torte h-organic"
    ),
    "building": (
        "easiplank tilesgalleria marble faplac viglacera propoly vero olympic izdoors sacoma c-rival75 e-kamen "
        "g-premoldados a-svetstroy brix e-junior b-oz-ayaz-boru h-modular c-activepaints"
    ),
}
"""Kind -> catalogues that are of this kind by their titles; nothing of their layouts was looked at."""
GENERATED: Final = ("brochure", "described", "leaflet", "price-list")


class User(NamedTuple):
    """A user's catalogues, and what kind of user it is."""

    kind: str
    names: Sequence[str]


class Read(NamedTuple):
    """What a user gains: F1 before and with fitted weights of each catalogue that was not taught, whether the weights
    are better on the taught ones left out, and how many documents without products stay without, before and after.
    """

    f1: list[tuple[float, float]]
    better: bool
    silent: tuple[float, float]


def users_of(documents: Sequence[Measured], kinds: Sequence[str]) -> Iterator[User]:
    """Yield users: a sixth of all catalogues, half of those of a kind, all of one generated layout; two orders each."""
    real = [d.name for d in documents if not d.generated and not d.offers_none]
    parts = [("mixed", real, 6), *(("alike", names.split(), 2) for names in ALIKE.values())]
    for kind, names, count in parts:
        for seed in range(2) if kind in kinds else ():
            order = random.Random(seed).sample(sorted(names), len(names))  # noqa: S311 — the same users each time
            yield from (User(kind, order[n::count]) for n in range(count))
    for layout in GENERATED if "generated" in kinds else ():
        of_layout = [d for d in documents if d.name.startswith(f"generated-{layout}-") and not d.offers_none]
        yield User("generated", [d.name for d in of_layout])


def weights_without(documents: Sequence[Measured], names: Sequence[str]) -> Weights:
    """Return the weights of names that know none of these documents."""
    others = [d for d in documents if d.name not in names]
    return fit([d for d in others if d.usable], leave_one_out(others, set_of))


def as_lesson(document: Measured, weights: Weights) -> LessonFacts:
    """Return what a document would tell if its labels were taught."""
    order = tuple(sorted({name for group in document.names for row in group for name in row.oddities}))
    likes = document.meanings @ list(weights.meaning)
    return LessonFacts(
        content="0" * 64,
        oddities=order,
        groups=tuple(
            GroupFacts(
                features=features,
                like=float(like),
                f1=f1,
                names=tuple((float(row.right), *(row.oddities[name] for name in order)) for row in names),
            )
            for features, like, f1, names in zip(document.features, likes, document.f1, document.names, strict=True)
        ),
    )


def read_draws(documents: Sequence[Measured], user: User, draws: int) -> Iterator[tuple[int, Read]]:
    """Yield how many catalogues a user has taught, and what that gives, for several draws of them."""
    start = weights_without(documents, user.names)
    lessons = {d.name: as_lesson(d, start) for d in documents if d.name in user.names}
    before = {name: f1_with(lesson, start) for name, lesson in lessons.items()}
    others = [d for d in documents if d.offers_none and not d.generated]
    tellable = sorted(d.name for d in documents if d.name in user.names and d.usable)
    drawn = random.Random("".join(user.names))  # noqa: S311
    for count in TAUGHT:
        if len(user.names) - count < FEWEST_LEFT or len(tellable) < count:
            continue
        for _ in range(draws):
            names = drawn.sample(tellable, count)
            taught = [lessons[name] for name in names]
            fitted = fit_near(taught, start)
            f1 = [(before[name], f1_with(lessons[name], fitted)) for name in user.names if name not in names]
            left_out = leave_each_out(taught, start)
            gain = fmean(other.expected - shipped.expected for shipped, other in left_out)
            silent = (
                fmean(_is_silent(document, start) for document in others),
                fmean(_is_silent(document, fitted) for document in others),
            )
            yield count, Read(f1, gain > 0, silent)


def _is_silent(document: Measured, weights: Weights) -> bool:
    """Return whether these weights find no products in a document."""
    decision = decide(document, weights)
    return is_silent(judge_rows(decision, weights))


def summarise(reads: Sequence[Read]) -> str:
    """Return what users gain, always and if better: mean, median and floor, losers and winners, users that lose."""
    lines = []
    for title, used in (("always", [True] * len(reads)), ("if better", [read.better for read in reads])):
        of_user = [[(a, b if use else a) for a, b in read.f1] for read, use in zip(reads, used, strict=True)]
        pairs = [pair for each in of_user for pair in each]
        gains = [fmean(b - a for a, b in each) for each in of_user]
        before, after = zip(*pairs, strict=True)
        lines.append(
            f"  {title:9} used by {fmean(used):4.0%}  mean {mean(before):.3f} → {mean(after):.3f}"
            f"  median {median(before):.2f} → {median(after):.2f}  floor {min(before):.2f} → {min(after):.2f}"
            f"  lose > {LOSS}: {fmean(b < a - LOSS for a, b in pairs):.1%}"
            f"  win > {LOSS}: {fmean(b > a + LOSS for a, b in pairs):.1%}"
            f"  users that lose {fmean(gain < -1e-9 for gain in gains):.0%}, the worst {min(gains):+.2f}"
        )
    before_silent, after_silent = (fmean(read.silent[n] for read in reads) for n in (0, 1))
    return "\n".join([*lines, f"  documents without products that stay so {before_silent:.1%} → {after_silent:.1%}"])


def main() -> None:
    """Print what users of each kind gain by how many catalogues they taught."""
    parser = argparse.ArgumentParser(usage=(__doc__ or "").split("Usage: ")[1])
    parser.add_argument("kinds", nargs="*", metavar="KIND", default=["mixed", "alike", "generated"])
    parser.add_argument("--draws", type=int, default=8)
    parser.add_argument("--features", type=Path, default=FEATURES)
    given = parser.parse_args()
    documents = load(given.features)
    found: dict[tuple[str, int], list[Read]] = defaultdict(list)
    for user in users_of(documents, given.kinds):
        for count, read in read_draws(documents, user, given.draws):
            found[user.kind, count].append(read)
    for (kind, count), reads in found.items():
        sys.stdout.write(f"{kind}, {count} taught, {len(reads)} users\n{summarise(reads)}\n")


if __name__ == "__main__":
    main()
