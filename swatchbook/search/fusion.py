"""Fuse the candidates of several roles into one ranking, with the default weights of queries by text or by picture.

Scores of different models are not comparable, so each role's scores are scaled, weighted and summed: a convex
combination (Bruch, Gai, Ingber 2023). docs/research.md compares it with other methods.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.records import Role
from swatchbook.domain.setting_values import SearchKind
from swatchbook.index.contract import Match, Space
from swatchbook.models import image_network, local_encoder

KEYWORD = "keyword"  # BM25 over the texts of `understanding` and `text`, which is weighted like a role
NUMBER = "number"  # keyword search for a question's numbers and codes alone: to vectors "R9" is nearly "R10"

TEXT_WEIGHTS: Mapping[str, float] = {
    "understanding": 0.1, "text": 0.2, KEYWORD: 0.5, NUMBER: 0.3, "visual": 0.15,
}  # fmt: skip
IMAGE_WEIGHTS: Mapping[str, float] = {"visual": 0.6, "structure": 0.4}
IMAGE_WEIGHTS_WITHOUT_STRUCTURE: Mapping[str, float] = {"visual": 0.6, "color": 0.2, "texture": 0.2}
IMAGE_WEIGHTS_OF: Mapping[str, Mapping[str, float]] = {
    image_network.TAGS[Role.VISUAL]: {"visual": 0.8, "texture": 0.1, "color": 0.1},
    local_encoder.TAGS[Role.VISUAL]: {"texture": 0.65, "visual": 0.35},
}
"""The default weights of roles in a query by text or by picture.

Those by picture are for spaces with and without `structure` vectors, and for the `visual` vectors of the local
encoders, by their tags, which `devtools.fit_image_weights` fits.
"""

ONE_MODEL = frozenset({Role.UNDERSTANDING, Role.TEXT})  # queried with one vector of one encoder: scores are comparable
BY_TERMS = frozenset({KEYWORD, NUMBER})  # roles that compare the terms of images and chunks, not vectors
CODE = "code"  # what a search for exactly a code adds to the products that have it, and to their images and chunks
SAME = "same"  # what a search by picture adds to pictures that seem to show the very thing asked for
SAME_BEYOND = 6  # the rank of the picture whose distance others are compared with
SAME_WITHIN: Mapping[Role, float] = {Role.VISUAL: 0.5, Role.COLOR: 0.5}
SAME_WITHIN_OF: Mapping[str, Mapping[Role, float]] = {
    image_network.TAGS[Role.VISUAL]: {Role.STRUCTURE: 0.4, Role.COLOR: 0.4, Role.VISUAL: 1.3},
}
"""Role -> the largest distance of a picture of the same thing, as a share of the distance at rank SAME_BEYOND.

SAME_WITHIN_OF has other shares, by tags of `visual`. All roles must agree. The network recognises what a thing is, but
hardly the material in a close view: it only refuses what looks like something else.
"""

LEAST_DISTANCE = 1e-3  # cosine distance below which pictures are equal: another compression changes a picture as much
WEIGHTED = (*sorted(role.value for role in Role if role is not Role.ANALYSIS), KEYWORD, NUMBER)
"""The roles and keyword searches that can have a weight."""

_NUMBER = re.compile(r"\d{1,6}(?:\.\d{1,6})?")

Ranked = list[tuple[str, float]]  # (image or product id, the score of its best match), best first, each id once

ToTargets = Callable[[str, Sequence[Match]], Ranked]  # maps a role's matches to images, products or chunks


class FusedScore:
    """A fused score, 0 to 1. `why`: role -> rank, the model's own score, and its share of the fused score."""

    def __init__(self) -> None:
        self.score = 0.0
        self.why: dict[str, dict[str, float]] = {}


def parse_weights(text: str) -> dict[str, float]:
    """Return role -> weight, none negative and one positive, from "visual=0.6,keyword=0.4". Raises InvalidReference."""
    weights = dict[str, float]()
    for part in filter(None, map(str.strip, text.split(","))):
        role, _, number = part.partition("=")
        if role not in WEIGHTED or _NUMBER.fullmatch(number) is None:
            raise InvalidReference(f"{part!r} is no weight.", advice=f"Give ROLE=NUMBER; roles: {', '.join(WEIGHTED)}.")
        weights[role] = float(number)
    if not any(weights.values()):
        raise InvalidReference("No role has a weight.", advice="Give ROLE=NUMBER, such as visual=0.6,text=0.4.")
    return weights


def default_weights(
    active: Mapping[Role, Space], *, text: bool, image: bool, chosen: Mapping[SearchKind, Mapping[str, float]] = {}
) -> dict[str, float]:
    """Return the default weights of a query by text or by picture, or the mean of both.

    `active` are the searchable spaces, `chosen` the weights of SWATCHBOOK_SEARCH_WEIGHTS for `text` and for `image`.
    """
    tag = active[Role.VISUAL].tag if Role.VISUAL in active else ""
    for_any = IMAGE_WEIGHTS if Role.STRUCTURE in active else IMAGE_WEIGHTS_WITHOUT_STRUCTURE
    for_image = IMAGE_WEIGHTS_OF.get(tag, for_any)
    for_text, for_image = chosen.get("text", TEXT_WEIGHTS), chosen.get("image", for_image)
    parts = [_of_one(weights) for weights, given in ((for_text, text), (for_image, image)) if given]
    total = defaultdict[str, float](float)
    for weights in parts:
        for role, weight in weights.items():
            total[role] += weight / len(parts)
    return dict(total)


def _of_one(weights: Mapping[str, float]) -> dict[str, float]:
    whole = sum(weights.values())
    return {role: weight / whole for role, weight in weights.items()}


def fuse(
    candidates: Mapping[str, Sequence[Match]], to_targets: ToTargets, weights: Mapping[str, float], *, most: int
) -> dict[str, FusedScore]:
    """Return the id of an image, product or chunk -> its fused score.

    `candidates` maps each role with a weight to its matches, best first. Each role was asked for `most` matches.
    """
    fused = defaultdict[str, FusedScore](FusedScore)
    candidates = {role: matches for role, matches in candidates.items() if matches}
    whole = sum(weights[role] for role in candidates)
    lowest = {role: _lowest(role, matches) for role, matches in candidates.items()}
    widths = {role: own_score(matches[0]) - lowest[role] for role, matches in candidates.items()}
    for role, matches in candidates.items():
        width = max(widths[r] for r in (ONE_MODEL & widths.keys() if role in ONE_MODEL else {role}))
        # With equal scores all count fully, unless there may be more candidates with that score.
        alike = 0.0 if len(matches) >= most else 1.0
        for rank, (target, own) in _with_ranks(to_targets(role, matches)):
            share = weights[role] / whole * ((own - lowest[role]) / width if width else alike)
            fused[target].score += share
            fused[target].why[role] = {"rank": rank, "score": round(own, 4), "share": round(share, 6)}
    return dict(fused)


def same_within(active: Mapping[Role, Space]) -> Mapping[Role, float]:
    """Return role -> the limit for `same_things`, for these searchable spaces."""
    tag = active[Role.VISUAL].tag if Role.VISUAL in active else ""
    return SAME_WITHIN_OF.get(tag, SAME_WITHIN)


def same_things(candidates: Mapping[str, Sequence[Match]], within: Mapping[Role, float]) -> list[Match]:
    """Return the pictures that each role of `within` finds near enough, nearest first; none if a role is missing.

    A sum of scaled scores hides them if another role finds many other pictures a little nearer.
    """
    if any(len(candidates.get(role, ())) < SAME_BEYOND for role in within):
        return []
    shares = [(_shares_of_distance(candidates[role]), most) for role, most in within.items()]
    in_all = set.intersection(*(set(share) for share, _ in shares))
    worst = {id: max(share[id] / most for share, most in shares) for id in in_all}
    same = {id: 1 - part / 2 for id, part in worst.items() if part <= 1}
    return [Match(id, score=score) for id, score in sorted(same.items(), key=lambda pair: (-pair[1], pair[0]))]


def _shares_of_distance(matches: Sequence[Match]) -> dict[str, float]:
    """Return id -> its distance as a share of that of the picture at rank SAME_BEYOND."""
    distances = {match.id: max(1 - own_score(match), LEAST_DISTANCE) for match in matches}
    beyond = max(1 - own_score(matches[SAME_BEYOND - 1]), LEAST_DISTANCE)
    return {id: distance / beyond for id, distance in distances.items()}


def put_first(fused: Mapping[str, FusedScore], why: str, first: Ranked) -> None:
    """Put results before all others, by giving them half of the score for a reason that no other result has."""
    if not first:
        return
    for each in fused.values():
        each.score /= 2
        for role in each.why.values():
            role["share"] = round(role["share"] / 2, 6)
    for rank, (target, own) in _with_ranks(first):
        if target in fused:
            fused[target].score += 0.5
            fused[target].why[why] = {"rank": rank, "score": round(own, 4), "share": 0.5}


def own_score(match: Match) -> float:
    """Return a match's cosine similarity, or its BM25 score for a keyword match; rounded, so that ties are equal."""
    return round(1 - match.distance if match.distance is not None else match.score or 0.0, 6)


def _lowest(role: str, matches: Sequence[Match]) -> float:
    """Return the score that is scaled to 0: 0 for keywords (no common word), else that of the last candidate."""
    return 0.0 if role in BY_TERMS else own_score(matches[-1])


def _with_ranks(ranked: Ranked) -> Iterator[tuple[int, tuple[str, float]]]:
    """Yield ranks from 1; equal scores have equal ranks, such as those of the images of one chunk."""
    rank, before = 0, None
    for place, (target, own) in enumerate(ranked, start=1):
        if own != before:
            rank, before = place, own
        yield rank, (target, own)
