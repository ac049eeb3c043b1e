"""Search: one query per role that applies, fused by rank, shown from the ledger.

Raw scores of different models do not compare, so fusion is weighted reciprocal rank (Cormack, Clarke, Büttcher 2009,
k = 60) over the roles that found something: score = Σ weight / (60 + rank), divided by what the first of every ranking
would have, so that 1 means best by every role.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from swatchbook.errors import Configuration, Failure, InvalidReference
from swatchbook.index.base import Match, Space, Where
from swatchbook.lab import Lab
from swatchbook.ledger import hits, publishing
from swatchbook.models.base import ImageEncoder, TextTower, Vectors
from swatchbook.records import PIXEL_ROLES, Hit, Role
from swatchbook.sizes import join_sizes

CANDIDATES = 100
"""Taken from each role before fusion."""

_RANK_OFFSET = 60

TEXT_WEIGHTS: Mapping[str, float] = {"understanding": 0.35, "text": 0.25, "keyword": 0.25, "visual": 0.15}
IMAGE_WEIGHTS: Mapping[str, float] = {"visual": 0.6, "structure": 0.4}
IMAGE_WEIGHTS_WITHOUT_STRUCTURE: Mapping[str, float] = {"visual": 0.6, "color": 0.2, "texture": 0.2}


def search(
    lab: Lab,
    *,
    text: str | None = None,
    image: Path | None = None,
    owner: str | None = None,
    where: Where | None = None,
    by: Literal["image", "product"] = "image",
    k: int = 10,
    weights: Mapping[str, float] | None = None,
) -> list[Hit]:
    """The k best images or products for a text, a picture, or both; best first.

    `owner` None searches all owners. `weights` replaces the defaults by role name ("keyword" among them).
    Raises InvalidReference for an empty query, UnreadableImage for a broken one, IndexDown; Configuration for a
    picture where another encoder than the chosen one has made what is searchable. The role `multimodal` is asked where
    `weights` name it, for a text, for a picture, and for both as one vector.
    """
    if not (text and text.strip()) and image is None:
        raise InvalidReference("Nothing to search for.", advice="Give a text, an image, or both.")
    where = (where or Where()).model_copy(update={} if owner is None else {"owner": owner})
    active = {space.role: space for space, is_active in publishing.spaces(lab.ledger) if is_active}
    share = weights or _default_weights(bool(text), image is not None, active)
    rankings = _rankings(lab, active, text, image, where, joined=bool(share.get(Role.MULTIMODAL)))
    to_targets = _images_of(lab) if by == "image" else _products_of(lab)
    fused = _fuse({role: to_targets(role, matches) for role, matches in rankings.items()}, share)
    best = sorted(fused.items(), key=lambda pair: (-pair[1].score, pair[0]))[:k]
    describe = hits.describe_images if by == "image" else hits.describe_products
    shown = {hit.id: hit for hit in describe(lab.ledger, [target for target, _ in best])}
    return [
        shown[target].model_copy(update={"score": round(found.score, 6), "why": found.why})
        for target, found in best
        if target in shown
    ]


class _Found:
    """A target's score so far, and each role's part in it."""

    def __init__(self) -> None:
        self.score = 0.0
        self.why: dict[str, dict[str, float]] = {}


def _rankings(
    lab: Lab, active: Mapping[Role, Space], text: str | None, image: Path | None, where: Where, *, joined: bool
) -> dict[str, list[Match]]:
    """By role. `joined`: pictures with what is said of them as well, for queries of either kind."""
    found: dict[str, list[Match]] = {}
    text = text if text and text.strip() else None
    vectors = {} if image is None else _encode_image(lab, image)
    if text:
        texts = [active[role] for role in (Role.UNDERSTANDING, Role.TEXT) if role in active]
        if texts:
            vector = lab.models.text_encoder.embed([text], "query")[0]
            for space in texts:
                found[space.role.value] = lab.index.search(space, vector, CANDIDATES, where)
            found["keyword"] = _interleave([lab.index.keyword(s, join_sizes(text), CANDIDATES, where) for s in texts])
        if image is None and (tower := lab.models.text_tower):  # a picture says better what to look for among pictures
            for space in _made_by(lab.models.encoder, active, {Role.VISUAL}):
                vector = tower.encode_queries([text])[0]
                found[space.role.value] = lab.index.search(space, vector, CANDIDATES, where)
    if image is not None:
        spaces = _made_by(lab.models.encoder, active, vectors)
        if not spaces and PIXEL_ROLES & set(active):
            raise Configuration(
                "What is searchable was made by another encoder than the chosen one.",
                advice="Set SWATCHBOOK_ENCODER and its model back, or ingest the documents again with the new one.",
            )
        for space in spaces:
            found[space.role.value] = lab.index.search(space, vectors[space.role], CANDIDATES, where)
    if (
        joined
        and (both := active.get(Role.MULTIMODAL))
        and (tower := lab.models.text_tower)
        and tower.joined == both.tag
    ):
        vector = _join(tower, text, vectors.get(Role.VISUAL))
        found[both.role.value] = lab.index.search(both, vector, CANDIDATES, where)
    return found


def _join(tower: TextTower, text: str | None, seen: Vectors | None) -> Vectors:
    """What is asked for, in the space of the role `multimodal`: (dimension,) of a text, of a picture, or of both."""
    if seen is not None and text is None:
        return seen
    asked = tower.encode_queries([text or ""]) if seen is None else tower.join(seen[None], [text or ""])
    vector: Vectors = asked[0]
    return vector


def _made_by(encoder: ImageEncoder, active: Mapping[Role, Space], roles: Collection[Role]) -> list[Space]:
    """Of the active spaces of these roles, those where the encoder's vectors compare with what is there."""
    return [active[role] for role in roles if role in active and active[role].tag == encoder.tags.get(role)]


def _encode_image(lab: Lab, image: Path) -> dict[Role, Vectors]:
    if not image.is_file():
        raise InvalidReference(f"{image}: no such file.", advice="Give a picture file.")
    encoder = lab.models.encoder
    (decoded,) = lab.decoders.decode([image], encoder.side)
    if isinstance(decoded, Failure):
        raise decoded
    return {role: vectors[0] for role, vectors in encoder.encode([decoded]).items() if role in PIXEL_ROLES}


def _default_weights(text: bool, image: bool, active: Mapping[Role, Space]) -> dict[str, float]:
    """A text query's, an image query's, or the mean of both."""
    for_image = IMAGE_WEIGHTS if Role.STRUCTURE in active else IMAGE_WEIGHTS_WITHOUT_STRUCTURE
    parts = [weights for weights, given in ((TEXT_WEIGHTS, text), (for_image, image)) if given]
    total = defaultdict[str, float](float)
    for weights in parts:
        for role, weight in weights.items():
            total[role] += weight / len(parts)
    return dict(total)


Ranked = list[tuple[str, float]]
"""(target id, the match's own score), best first, each target once."""


def _fuse(rankings: Mapping[str, Ranked], weights: Mapping[str, float]) -> dict[str, _Found]:
    found = defaultdict[str, _Found](_Found)
    whole = sum(weights.get(role, 0.0) for role, ranked in rankings.items() if ranked)
    for role, ranked in rankings.items():
        for rank, (target, own) in _with_ranks(ranked):
            share = weights.get(role, 0.0) / whole * (_RANK_OFFSET + 1) / (_RANK_OFFSET + rank) if whole else 0.0
            found[target].score += share
            found[target].why[role] = {"rank": rank, "score": round(own, 4), "share": round(share, 6)}
    return {target: f for target, f in found.items() if f.score > 0}


def _with_ranks(ranked: Ranked) -> Iterator[tuple[int, tuple[str, float]]]:
    """Ranks from 1; what scores alike ranks alike: pictures of one saying, the images of one chunk."""
    rank, before = 0, None
    for place, (target, own) in enumerate(ranked, start=1):
        if (score := round(own, 6)) != before:
            rank, before = place, score
        yield rank, (target, own)


def _interleave(lists: Sequence[list[Match]]) -> list[Match]:
    """Several keyword results as one: BM25 scores of different collections do not compare, ranks do."""
    return [m for rank in range(max(map(len, lists), default=0)) for found in lists for m in found[rank : rank + 1]]


def _own_score(match: Match) -> float:
    """Similarity for a vector match (1 - cosine distance), BM25 for a keyword match."""
    return 1 - match.distance if match.distance is not None else match.score or 0.0


ToTargets = Callable[[str, list[Match]], Ranked]


def _images_of(lab: Lab) -> ToTargets:
    """Images as they are; chunks stand for the images linked to them."""

    def to_images(role: str, matches: list[Match]) -> Ranked:
        linked = hits.images_of_chunks(lab.ledger, [m.id for m in matches]) if role in {"text", "keyword"} else {}
        return _first_of(matches, lambda m: linked.get(m.id, []) if m.id in linked or role == "text" else [m.id])

    return to_images


def _products_of(lab: Lab) -> ToTargets:
    """A product ranks as its best image or chunk."""

    def to_products(role: str, matches: list[Match]) -> Ranked:
        ids = [m.id for m in matches]
        by_chunk = hits.products_of_chunks(lab.ledger, ids) if role in {"text", "keyword"} else {}
        by_image = hits.products_of_images(lab.ledger, ids) if role != "text" else {}
        return _first_of(matches, lambda m: [*by_chunk.get(m.id, []), *by_image.get(m.id, [])])

    return to_products


def _first_of(matches: Sequence[Match], targets: Callable[[Match], Sequence[str]]) -> Ranked:
    ranked: dict[str, float] = {}
    for match in matches:
        for target in targets(match):
            ranked.setdefault(target, _own_score(match))
    return list(ranked.items())
