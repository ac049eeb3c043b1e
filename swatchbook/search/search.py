"""Search: which roles and models are queried for a text, a picture or both, and how a match stands for images or
products; results are read from the ledger. Weights of roles: `fusion.py`. Filters: `index/rules.py`.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence, Set
from pathlib import Path
from typing import Literal

from swatchbook.arrays import Vectors
from swatchbook.errors import Configuration, Failure, InvalidReference
from swatchbook.index.base import Match, Space, Where
from swatchbook.index.size_words import join_sizes
from swatchbook.ledger.queries import search_results
from swatchbook.ledger.spaces import active_spaces
from swatchbook.models.base import TextTower
from swatchbook.models.registry import Models
from swatchbook.records import PIXEL_ROLES, Hit, Role, RoleTag
from swatchbook.resources import Resources
from swatchbook.search.fusion import CANDIDATES, KEYWORD, ONE_MODEL, Ranked, ToTargets, default_weights, fuse, own_score


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
    if the model of an active space cannot be loaded.
    """
    if not (text and text.strip()) and image is None:
        raise InvalidReference("Nothing to search for.", advice="Give a text, an image, or both.")
    where = (where or Where()).model_copy(update={} if owner is None else {"owner": owner})
    active = _active(resources)
    chosen = weights or default_weights(active, text=bool(text), image=image is not None)
    roles = {role for role, weight in chosen.items() if weight > 0}
    try:
        candidates = _candidates(resources, active, text, image, where, roles)
    except Configuration:  # a space that another one has replaced may have been dropped meanwhile
        if active == (now_active := _active(resources)):
            raise
        chosen = weights or default_weights(now_active, text=bool(text), image=image is not None)
        roles = {role for role, weight in chosen.items() if weight > 0}
        candidates = _candidates(resources, now_active, text, image, where, roles)
    fused = fuse(candidates, _images_of(resources) if by == "image" else _products_of(resources), chosen)
    best = sorted(fused.items(), key=lambda pair: (-pair[1].score, pair[0]))[:k]
    describe = search_results.describe_images if by == "image" else search_results.describe_products
    hits = {hit.id: hit for hit in describe(resources.ledger, [target for target, _ in best])}
    return [
        hits[target].model_copy(update={"score": round(fused_score.score, 6), "why": fused_score.why})
        for target, fused_score in best
        if target in hits
    ]


def _active(resources: Resources) -> dict[Role, Space]:
    """Return role -> the space that searches read."""
    return {role: each.space for role, each in active_spaces(resources.ledger).items()}


def _candidates(
    resources: Resources,
    active: Mapping[Role, Space],
    text: str | None,
    image: Path | None,
    where: Where,
    roles: Collection[str],
) -> dict[str, list[Match]]:
    """Return role -> matches, best first, for those of the roles that apply to the query. Only their models are loaded.

    Each role is queried with the model of its active space, whatever the settings name. Raises Configuration if that
    model cannot be loaded.
    """
    candidates: dict[str, list[Match]] = {}
    text = text if text and text.strip() else None
    text_spaces = [active[role] for role in (Role.UNDERSTANDING, Role.TEXT) if role in active]
    active = {role: space for role, space in active.items() if role in roles}

    def look(role: Role, vector: Vectors) -> None:
        candidates[role.value] = resources.index.search(active[role], vector, CANDIDATES, where)

    if text:
        for models, text_roles in _by_models(resources, active, ONE_MODEL):
            vector = models.text_encoder.embed([text], "query")[0]
            for role in text_roles:
                look(role, vector)
        if KEYWORD in roles:
            matches = [
                m for space in text_spaces for m in resources.index.keyword(space, join_sizes(text), CANDIDATES, where)
            ]
            candidates[KEYWORD] = sorted(matches, key=own_score, reverse=True)
        # with a query picture, its own visual vector is the better query
        if image is None and (tower := _tower(resources, active, Role.VISUAL)):
            look(Role.VISUAL, tower.encode_queries([text])[0])
    visual = None
    if image is not None:
        for models, pixel_roles in _by_models(resources, active, PIXEL_ROLES):
            vectors = _encode_image(resources, models, image)
            for role in pixel_roles:
                look(role, vectors[role])
            if Role.VISUAL in vectors and _makes(resources, active, Role.MULTIMODAL, models):
                visual = vectors[Role.VISUAL]
    if tower := _tower(resources, active, Role.MULTIMODAL):
        if image is not None and visual is None:
            visual = _encode_image(resources, resources.models_of(_pair(active[Role.MULTIMODAL])), image)[Role.VISUAL]
        look(Role.MULTIMODAL, _multimodal_query(tower, text, visual))
    return candidates


def _pair(space: Space) -> RoleTag:
    return RoleTag(role=space.role, tag=space.tag)


def _by_models(
    resources: Resources, active: Mapping[Role, Space], roles: Set[Role]
) -> Iterator[tuple[Models, list[Role]]]:
    """Yield models with those of the roles whose active space they made: one model, except while models change."""
    grouped = dict[int, tuple[Models, list[Role]]]()
    for role in sorted(roles & active.keys()):
        models = resources.models_of(_pair(active[role]))
        grouped.setdefault(id(models), (models, []))[1].append(role)
    yield from grouped.values()


def _makes(resources: Resources, active: Mapping[Role, Space], role: Role, models: Models) -> bool:
    return role in active and resources.models_of(_pair(active[role])) is models


def _tower(resources: Resources, active: Mapping[Role, Space], role: Role) -> TextTower | None:
    """Return the text tower of the encoder that made a role's active space, if both are there."""
    return resources.models_of(_pair(active[role])).text_tower if role in active else None


def _multimodal_query(tower: TextTower, text: str | None, visual: Vectors | None) -> Vectors:
    """Return the query vector (dimension,) of a text, a picture's `visual` vector, or both, for `multimodal`."""
    if visual is not None and text is None:
        return visual
    vectors = tower.encode_queries([text or ""]) if visual is None else tower.combine(visual[None], [text or ""])
    vector: Vectors = vectors[0]
    return vector


def _encode_image(resources: Resources, models: Models, image: Path) -> dict[Role, Vectors]:
    if not image.is_file():
        raise InvalidReference(f"{image}: no such file.", advice="Give the path of a picture file.")
    (decoded,) = resources.decoders.decode([image], models.encoder.side)
    if isinstance(decoded, Failure):
        raise decoded
    return {role: vectors[0] for role, vectors in models.encoder.encode([decoded]).items() if role in PIXEL_ROLES}


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
