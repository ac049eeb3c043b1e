"""Search: which roles and models are queried for a text, a picture or both, and how a match stands for images or
products; results are read from the ledger. Weights of roles: `fusion.py`. Filters: `index/rules.py`.
"""

from collections.abc import Callable, Collection, Mapping, Sequence, Set
from pathlib import Path
from typing import Literal

from swatchbook.arrays import Vectors
from swatchbook.errors import Configuration, Failure, InvalidReference
from swatchbook.index.base import Match, Space, Where
from swatchbook.index.size_words import join_sizes
from swatchbook.ledger import publishing
from swatchbook.ledger.queries import search_results
from swatchbook.models.base import TextTower
from swatchbook.models.registry import vector_tags
from swatchbook.records import PIXEL_ROLES, Hit, Role
from swatchbook.resources import Resources
from swatchbook.search.fusion import CANDIDATES, KEYWORD, ONE_MODEL, Ranked, ToTargets, default_weights, fuse, own_score
from swatchbook.settings import PREFIX


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
    """Return the k best images or products for a text, a picture, or both; best first.

    `owner` None searches all owners. `weights`: role name (or "keyword") -> weight, instead of the defaults. The role
    `multimodal` is searched only if `weights` name it, by one vector for the text, the picture, or both.
    Raises InvalidReference for an empty query, UnreadableImage for an unreadable picture, IndexDown, and Configuration
    if the searchable vectors come from other models than the chosen ones.
    """
    if not (text and text.strip()) and image is None:
        raise InvalidReference("Nothing to search for.", advice="Give a text, an image, or both.")
    where = (where or Where()).model_copy(update={} if owner is None else {"owner": owner})
    active = {space.role: space for space, is_active in publishing.spaces(resources.ledger) if is_active}
    weights = weights or default_weights(active, text=bool(text), image=image is not None)
    candidates = _candidates(
        resources, active, text, image, where, {role for role, weight in weights.items() if weight > 0}
    )
    fused = fuse(candidates, _images_of(resources) if by == "image" else _products_of(resources), weights)
    best = sorted(fused.items(), key=lambda pair: (-pair[1].score, pair[0]))[:k]
    describe = search_results.describe_images if by == "image" else search_results.describe_products
    hits = {hit.id: hit for hit in describe(resources.ledger, [target for target, _ in best])}
    return [
        hits[target].model_copy(update={"score": round(fused_score.score, 6), "why": fused_score.why})
        for target, fused_score in best
        if target in hits
    ]


def _candidates(
    resources: Resources,
    active: Mapping[Role, Space],
    text: str | None,
    image: Path | None,
    where: Where,
    roles: Collection[str],
) -> dict[str, list[Match]]:
    """Return role -> matches, best first, for those of the roles that apply to the query. Only their models are loaded.

    Raises Configuration if no space that the query could be compared with is of the chosen models.
    """
    candidates: dict[str, list[Match]] = {}
    text = text if text and text.strip() else None
    text_spaces = [active[role] for role in (Role.UNDERSTANDING, Role.TEXT) if role in active]
    tags = vector_tags(resources.settings)
    active = {role: space for role, space in active.items() if role in roles}
    usable = {role: space for role, space in active.items() if space.tag == tags.get(role)}
    if text:
        _require_usable(ONE_MODEL, active, usable, "TEXT_ENCODER")
        if text_roles := ONE_MODEL & usable.keys():
            vector = resources.models.text_encoder.embed([text], "query")[0]
            for role in text_roles:
                candidates[role.value] = resources.index.search(usable[role], vector, CANDIDATES, where)
        if KEYWORD in roles:
            matches = [
                m for space in text_spaces for m in resources.index.keyword(space, join_sizes(text), CANDIDATES, where)
            ]
            candidates[KEYWORD] = sorted(matches, key=own_score, reverse=True)
        # with a query picture, its own visual vector is the better query
        if image is None and Role.VISUAL in usable and (tower := resources.models.text_tower):
            vector = tower.encode_queries([text])[0]
            candidates[Role.VISUAL.value] = resources.index.search(usable[Role.VISUAL], vector, CANDIDATES, where)
    vectors = {} if image is None else _encode_image(resources, image)
    if image is not None:
        _require_usable(PIXEL_ROLES, active, usable, "ENCODER")
        for role in vectors.keys() & usable.keys():
            candidates[role.value] = resources.index.search(usable[role], vectors[role], CANDIDATES, where)
    if Role.MULTIMODAL in usable and (tower := resources.models.text_tower):
        vector = _multimodal_query(tower, text, vectors.get(Role.VISUAL))
        candidates[Role.MULTIMODAL.value] = resources.index.search(usable[Role.MULTIMODAL], vector, CANDIDATES, where)
    return candidates


def _require_usable(roles: Set[Role], active: Mapping[Role, Space], usable: Mapping[Role, Space], setting: str) -> None:
    """Raise Configuration if these roles have active spaces, but none is of the chosen model."""
    if not roles & usable.keys() and roles & active.keys():
        model = setting.lower().replace("_", " ")
        raise Configuration(
            f"The searchable vectors come from another {model} than the chosen one.",
            advice=f"Set {PREFIX}{setting} and its model back, or ingest the documents again with the new one.",
        )


def _multimodal_query(tower: TextTower, text: str | None, visual: Vectors | None) -> Vectors:
    """Return the query vector (dimension,) of a text, a picture's `visual` vector, or both, for `multimodal`."""
    if visual is not None and text is None:
        return visual
    vectors = tower.encode_queries([text or ""]) if visual is None else tower.combine(visual[None], [text or ""])
    vector: Vectors = vectors[0]
    return vector


def _encode_image(resources: Resources, image: Path) -> dict[Role, Vectors]:
    if not image.is_file():
        raise InvalidReference(f"{image}: no such file.", advice="Give the path of a picture file.")
    encoder = resources.models.encoder
    (decoded,) = resources.decoders.decode([image], encoder.side)
    if isinstance(decoded, Failure):
        raise decoded
    return {role: vectors[0] for role, vectors in encoder.encode([decoded]).items() if role in PIXEL_ROLES}


def _images_of(resources: Resources) -> ToTargets:
    """Return a function that maps matches to images: a chunk stands for the images linked to it."""

    def to_images(role: str, matches: Sequence[Match]) -> Ranked:
        linked = (
            search_results.images_of_chunks(resources.ledger, [m.id for m in matches])
            if role in {Role.TEXT, KEYWORD}
            else {}
        )
        return _first_of(matches, lambda m: linked.get(m.id, []) if m.id in linked or role == Role.TEXT else [m.id])

    return to_images


def _products_of(resources: Resources) -> ToTargets:
    """Return a function that maps matches to products: a product ranks as its best image or chunk."""

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
