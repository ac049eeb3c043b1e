"""Fusion: the candidates of several roles as one ranking.

Scores of different models do not compare, so each role's are scaled before they are weighed and summed, a convex
combination (Bruch, Gai, Ingber 2023, "An analysis of fusion functions for hybrid retrieval"). 0 is the last candidate:
what lies behind it counts the same. 1 is the first of the role, or of the two roles that one model was asked for: of
those, the one that tells less apart counts less. docs/quality.md says what it was measured against.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from swatchbook.index.base import Match
from swatchbook.records import Role

CANDIDATES = 100
"""Taken from each role before fusion."""

KEYWORD = "keyword"
"""Not a role, but asked and weighed as one: BM25 over the texts of `understanding` and `text`."""

ONE_MODEL = frozenset({Role.UNDERSTANDING, Role.TEXT})
"""Asked with one vector of one encoder: their scores compare."""

Ranked = list[tuple[str, float]]
"""(target id, the match's own score), best first, each target once."""

ToTargets = Callable[[str, Sequence[Match]], Ranked]
"""What the matches of a role stand for: images, or products."""


class Found:
    """A target's score so far, 0 to 1, and by role its rank, the model's own score and the share in the score."""

    def __init__(self) -> None:
        self.score = 0.0
        self.why: dict[str, dict[str, float]] = {}


def fuse(
    candidates: Mapping[str, Sequence[Match]], to_targets: ToTargets, weights: Mapping[str, float]
) -> dict[str, Found]:
    """By target. `candidates`: of each role, best first; `weights` holds each of these roles."""
    found = defaultdict[str, Found](Found)
    candidates = {role: matches for role, matches in candidates.items() if matches}
    whole = sum(weights[role] for role in candidates)
    lowest = {role: _lowest(role, matches) for role, matches in candidates.items()}
    widths = {role: own_score(matches[0]) - lowest[role] for role, matches in candidates.items()}
    for role, matches in candidates.items():
        width = max(widths[r] for r in (ONE_MODEL & widths.keys() if role in ONE_MODEL else {role}))
        alike = 0.0 if len(matches) >= CANDIDATES else 1.0  # any hundred of more that are alike tell nothing
        for rank, (target, own) in _with_ranks(to_targets(role, matches)):
            share = weights[role] / whole * ((own - lowest[role]) / width if width else alike)
            found[target].score += share
            found[target].why[role] = {"rank": rank, "score": round(own, 4), "share": round(share, 6)}
    return dict(found)


def own_score(match: Match) -> float:
    """Similarity for a vector match (1 - cosine distance), BM25 for a keyword match."""
    return round(1 - match.distance if match.distance is not None else match.score or 0.0, 6)  # equal is equal


def _lowest(role: str, matches: Sequence[Match]) -> float:
    """What counts as nothing: no word in common, or no better than the last candidate."""
    return 0.0 if role == KEYWORD else own_score(matches[-1])


def _with_ranks(ranked: Ranked) -> Iterator[tuple[int, tuple[str, float]]]:
    """Ranks from 1; what scores alike ranks alike: pictures of one saying, the images of one chunk."""
    rank, before = 0, None
    for place, (target, own) in enumerate(ranked, start=1):
        if own != before:
            rank, before = place, own
        yield rank, (target, own)
