"""Make the leaderboard of finding like pictures, `LEADERBOARD.md`, of the scores of all systems."""

from collections.abc import Iterable, Sequence
from statistics import mean
from typing import Final

from benchmarks.catalogues.leaderboard import WHAT_SEEN, systems_table
from benchmarks.pictures.rankings import PictureScore, SetScore
from benchmarks.pictures.sets import picture_sets

HEAD: Final = """\
# Leaderboard: finding like pictures

Made by `python -m benchmarks.pictures table`; what the figures mean: [DATASHEET.md](DATASHEET.md). A picture without an
answer counts as zero. **Only rows whose pictures were "unseen" predict yours**; "compared" is a little too good.
"""


def make_board(systems: Sequence[PictureScore]) -> str:
    """Return the leaderboard as Markdown: a table for each set, and one over all, the best first."""
    parts = [HEAD]
    for name in picture_sets():
        rows = [(one, one.sets[name]) for one in systems if name in one.sets]
        if rows:
            parts += [f"\n## {name.capitalize()}\n\n", *_table(rows, picture_sets()[name].digest)]
    whole = [one for one in systems if set(one.sets) == set(picture_sets())]
    parts.append("\n## All sets\n\n| system | nearest is right: mean | floor |\n| --- | ---: | ---: |\n")
    for one in sorted(whole, key=lambda one: (-_mean(one), one.system)):
        floor = min(each.nearest for each in one.sets.values())
        parts.append(f"| {one.system} | {_mean(one):.3f} | {floor:.3f} |\n")
    return "".join([*parts, *systems_table(systems)])


def _mean(one: PictureScore) -> float:
    return mean(each.nearest for each in one.sets.values())


def _table(rows: Sequence[tuple[PictureScore, SetScore]], labels: str) -> Iterable[str]:
    yield "| system | had met these pictures | nearest is right | of classes: median | floor | of ten | missing |\n"
    yield "| --- | --- | ---: | ---: | ---: | ---: | ---: |\n"
    for one, found in sorted(rows, key=lambda row: (-row[1].nearest, row[0].system)):
        middle, floor = found.of_classes
        stale = "" if found.labels == labels else " (the set has changed since)"
        yield (
            f"| {one.system} | {WHAT_SEEN[found.seen]}{stale} | {found.nearest:.3f} | {middle:.2f} | {floor:.2f} "
            f"| {found.of_ten:.3f} | {found.missing} |\n"
        )
