"""Search: one query per role that applies, fused by score, shown from the ledger."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence, Set
from pathlib import Path
from typing import Literal

from swatchbook.arrays import Vectors
from swatchbook.errors import Configuration, Failure, InvalidReference
from swatchbook.index.base import Match, Space, Where
from swatchbook.index.sizes import join_sizes
from swatchbook.ledger import publishing
from swatchbook.ledger.queries import search_results
from swatchbook.models.base import TextTower
from swatchbook.models.registry import vector_tags
from swatchbook.records import PIXEL_ROLES, Hit, Role
from swatchbook.resources import Resources
from swatchbook.search.fusion import CANDIDATES, KEYWORD, ONE_MODEL, Ranked, ToTargets, fuse, own_score
from swatchbook.settings import PREFIX

TEXT_WEIGHTS: Mapping[str, float] = {"understanding": 0.35, "text": 0.25, KEYWORD: 0.25, "visual": 0.15}
IMAGE_WEIGHTS: Mapping[str, float] = {"visual": 0.6, "structure": 0.4}
IMAGE_WEIGHTS_WITHOUT_STRUCTURE: Mapping[str, float] = {"visual": 0.6, "color": 0.2, "texture": 0.2}


def search(
    resources: Resources,
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
    Raises InvalidReference for an empty query, UnreadableImage for a broken one, IndexDown; Configuration where other
    models than the chosen ones have made what is searchable. The role `multimodal` is asked where `weights` name it,
    for a text, for a picture, and for both as one vector.
    """
    if not (text and text.strip()) and image is None:
        raise InvalidReference("Nothing to search for.", advice="Give a text, an image, or both.")
    where = (where or Where()).model_copy(update={} if owner is None else {"owner": owner})
    active = {space.role: space for space, is_active in publishing.spaces(resources.ledger) if is_active}
    share = weights or _default_weights(bool(text), image is not None, active)
    candidates = _candidates(
        resources, active, text, image, where, {role for role, weight in share.items() if weight > 0}
    )
    fused = fuse(candidates, _images_of(resources) if by == "image" else _products_of(resources), share)
    best = sorted(fused.items(), key=lambda pair: (-pair[1].score, pair[0]))[:k]
    describe = search_results.describe_images if by == "image" else search_results.describe_products
    shown = {hit.id: hit for hit in describe(resources.ledger, [target for target, _ in best])}
    return [
        shown[target].model_copy(update={"score": round(found.score, 6), "why": found.why})
        for target, found in best
        if target in shown
    ]


def _candidates(
    resources: Resources,
    active: Mapping[Role, Space],
    text: str | None,
    image: Path | None,
    where: Where,
    asked: Collection[str],
) -> dict[str, list[Match]]:
    """By role, best first: of those asked for, the ones that apply to the query. No other model is loaded.

    Raises Configuration where other models than the chosen ones made all that the query could be compared with.
    """
    found: dict[str, list[Match]] = {}
    text = text if text and text.strip() else None
    texts = [active[role] for role in (Role.UNDERSTANDING, Role.TEXT) if role in active]
    made = vector_tags(resources.settings)
    active = {role: space for role, space in active.items() if role in asked}
    there = {role: space for role, space in active.items() if space.tag == made.get(role)}
    if text:
        _require_some(ONE_MODEL, active, there, "TEXT_ENCODER")
        if compared := ONE_MODEL & there.keys():
            vector = resources.models.text_encoder.embed([text], "query")[0]
            for role in compared:
                found[role.value] = resources.index.search(there[role], vector, CANDIDATES, where)
        if KEYWORD in asked:
            matches = [
                m for space in texts for m in resources.index.keyword(space, join_sizes(text), CANDIDATES, where)
            ]
            found[KEYWORD] = sorted(matches, key=own_score, reverse=True)
        # a picture says better what to look for among pictures
        if image is None and Role.VISUAL in there and (tower := resources.models.text_tower):
            vector = tower.encode_queries([text])[0]
            found[Role.VISUAL.value] = resources.index.search(there[Role.VISUAL], vector, CANDIDATES, where)
    vectors = {} if image is None else _encode_image(resources, image)
    if image is not None:
        _require_some(PIXEL_ROLES, active, there, "ENCODER")
        for role in vectors.keys() & there.keys():
            found[role.value] = resources.index.search(there[role], vectors[role], CANDIDATES, where)
    if Role.MULTIMODAL in there and (tower := resources.models.text_tower):
        vector = _join(tower, text, vectors.get(Role.VISUAL))
        found[Role.MULTIMODAL.value] = resources.index.search(there[Role.MULTIMODAL], vector, CANDIDATES, where)
    return found


def _require_some(roles: Set[Role], active: Mapping[Role, Space], there: Mapping[Role, Space], setting: str) -> None:
    """Raises Configuration if something is searchable in these roles and nothing of it by the chosen model."""
    if not roles & there.keys() and roles & active.keys():
        what = setting.lower().replace("_", " ")
        raise Configuration(
            f"What is searchable was made by another {what} than the chosen one.",
            advice=f"Set {PREFIX}{setting} and its model back, or ingest the documents again with the new one.",
        )


def _join(tower: TextTower, text: str | None, seen: Vectors | None) -> Vectors:
    """What is asked for, in the space of the role `multimodal`: (dimension,) of a text, of a picture, or of both."""
    if seen is not None and text is None:
        return seen
    asked = tower.encode_queries([text or ""]) if seen is None else tower.combine(seen[None], [text or ""])
    vector: Vectors = asked[0]
    return vector


def _encode_image(resources: Resources, image: Path) -> dict[Role, Vectors]:
    if not image.is_file():
        raise InvalidReference(f"{image}: no such file.", advice="Give a picture file.")
    encoder = resources.models.encoder
    (decoded,) = resources.decoders.decode([image], encoder.side)
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


def _images_of(resources: Resources) -> ToTargets:
    """Images as they are; chunks stand for the images linked to them."""

    def to_images(role: str, matches: Sequence[Match]) -> Ranked:
        linked = (
            search_results.images_of_chunks(resources.ledger, [m.id for m in matches])
            if role in {Role.TEXT, KEYWORD}
            else {}
        )
        return _first_of(matches, lambda m: linked.get(m.id, []) if m.id in linked or role == Role.TEXT else [m.id])

    return to_images


def _products_of(resources: Resources) -> ToTargets:
    """A product ranks as its best image or chunk."""

    def to_products(role: str, matches: Sequence[Match]) -> Ranked:
        ids = [m.id for m in matches]
        by_chunk = search_results.products_of_chunks(resources.ledger, ids) if role in {Role.TEXT, KEYWORD} else {}
        by_image = search_results.products_of_images(resources.ledger, ids) if role != Role.TEXT else {}
        return _first_of(matches, lambda m: [*by_chunk.get(m.id, []), *by_image.get(m.id, [])])

    return to_products


def _first_of(matches: Sequence[Match], targets: Callable[[Match], Sequence[str]]) -> Ranked:
    ranked: dict[str, float] = {}
    for match in matches:
        for target in targets(match):
            ranked.setdefault(target, own_score(match))
    return list(ranked.items())
