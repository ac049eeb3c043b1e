"""The queries of a search: for each role a function that asks its active space, by the vectors of a text or picture."""

from collections.abc import Callable, Collection, Iterator, Mapping, Set
from itertools import islice
from pathlib import Path
from typing import Literal

from swatchbook.domain.errors import Failure, InvalidReference
from swatchbook.domain.records import PIXEL_ROLES, Role
from swatchbook.index.contract import Match, Space, Where
from swatchbook.index.terms import numbers_of
from swatchbook.models.protocols import TextTower
from swatchbook.models.registry import Models
from swatchbook.resources import Resources
from swatchbook.search.fusion import KEYWORD, NUMBER, ONE_MODEL, own_score
from swatchbook.search.relevance import without_function_words
from swatchbook.search.request import SearchRequest
from swatchbook.store.ledger.read_cache import ReadCache
from swatchbook.store.ledger.space_registry import active_spaces
from swatchbook_base.arrays import Pixels, Vectors

_CHECKED_SIDE = 64  # pixels; the side to which a picture is decoded to check that it is readable


def searched_spaces(known: ReadCache) -> Mapping[Role, Space]:
    """Return role -> the active space, which searches read."""
    return known.once(lambda: {role: each.space for role, each in active_spaces(known.ledger).items()}, active_spaces)


def keyword_spaces(active: Mapping[Role, Space]) -> list[Space]:
    """Return the spaces that keywords search: those of texts, and that of pictures, of which some may have no text."""
    of_pictures = (role for role in (Role.VISUAL, *sorted(PIXEL_ROLES)) if role in active)
    roles = [role for role in (Role.UNDERSTANDING, Role.TEXT) if role in active]
    return [active[role] for role in (*roles, *islice(of_pictures, 1))]


Ask = Callable[[int], list[Match]]  # a function that returns at most a given number of candidates of a role, best first


def role_queries(
    resources: Resources,
    active: Mapping[Role, Space],
    asked: SearchRequest,
    roles: Collection[str],
    filters: Callable[[Literal["image", "chunk"]], Where],
) -> dict[str, Ask]:
    """Return role -> its query, for the given roles that apply. Only their models are loaded, and run once.

    Each role is queried with the model of its active space, whatever the settings name. Raises Configuration if that
    model cannot be loaded.
    """
    queries: dict[str, Ask] = {}
    text, image, examples = asked.words, asked.image, asked.examples
    said_in = keyword_spaces(active)
    active = {role: space for role, space in active.items() if role in roles}

    def filters_in(space: Space) -> Where:
        return filters("chunk" if space.role is Role.TEXT else "image")

    def nearest(role: Role, vector: Vectors) -> Ask:
        space = active[role]
        moved = vector if role is Role.TEXT else examples.moved(resources, space, vector)
        return lambda most: resources.index.search(space, moved, most, filters_in(space))

    def keyword(text: str) -> Ask:
        def ask(most: int) -> list[Match]:
            found = [m for s in said_in for m in resources.index.keyword(s, text, most, filters_in(s))]
            return sorted(found, key=own_score, reverse=True)

        return ask

    if text:
        by_role = text_vectors(resources, active, text, by_picture=asked.by_picture)
        queries |= {role.value: nearest(role, vector) for role, vector in by_role.items()}
        if KEYWORD in roles and said_in:
            queries[KEYWORD] = keyword(without_function_words(text))
        if NUMBER in roles and said_in and (numbers := numbers_of(text)):
            queries[NUMBER] = keyword(numbers)
    picture, visual = ({}, None) if image is None else picture_vectors(resources, active, image)
    by_picture = examples.queries(resources, active, picture)
    queries |= {role.value: nearest(role, vector) for role, vector in by_picture.items()}
    tower = _tower(resources, active, Role.MULTIMODAL)
    if tower and (text or image is not None or Role.VISUAL in by_picture):
        visual = by_picture.get(Role.VISUAL) if visual is None else visual
        if image is not None and visual is None:
            visual = _encode_image(resources, resources.models_of(active[Role.MULTIMODAL].pair), image)[Role.VISUAL]
        queries[Role.MULTIMODAL.value] = nearest(Role.MULTIMODAL, _multimodal_query(tower, text, visual))
    return queries


def text_vectors(
    resources: Resources, active: Mapping[Role, Space], text: str, *, by_picture: bool
) -> dict[Role, Vectors]:
    """Return the query vectors of a text for the roles of texts, and for `visual` if nothing is asked by picture."""
    vectors = dict[Role, Vectors]()
    for models, roles in _by_models(resources, active, ONE_MODEL):
        vectors |= dict.fromkeys(roles, models.text_encoder.embed([text], "query")[0])
    # A query picture's own visual vector is the better query.
    if not by_picture and (tower := _tower(resources, active, Role.VISUAL)):
        vectors[Role.VISUAL] = tower.encode_queries([text])[0]
    return vectors


def picture_vectors(
    resources: Resources, active: Mapping[Role, Space], image: Path
) -> tuple[dict[Role, Vectors], Vectors | None]:
    """Return the query vectors of a picture file, and its `visual` one by the model that makes `multimodal`, if any."""
    groups = list(_by_models(resources, active, PIXEL_ROLES))
    if not groups:
        # An unreadable picture is refused even if nothing is searchable.
        _decode(resources, image, _CHECKED_SIDE)
    picture, visual = dict[Role, Vectors](), None
    for models, roles in groups:
        vectors = _encode_image(resources, models, image)
        picture |= {role: vectors[role] for role in roles}
        made_by = resources.models_of(active[Role.MULTIMODAL].pair) if Role.MULTIMODAL in active else None
        if Role.VISUAL in vectors and made_by is models:
            visual = vectors[Role.VISUAL]
    return picture, visual


def _by_models(
    resources: Resources, active: Mapping[Role, Space], roles: Set[Role]
) -> Iterator[tuple[Models, list[Role]]]:
    """Yield models, each with the roles whose active space it made: one model, except while models change."""
    grouped = dict[int, tuple[Models, list[Role]]]()
    for role in sorted(roles & active.keys()):
        models = resources.models_of(active[role].pair)
        grouped.setdefault(id(models), (models, []))[1].append(role)
    yield from grouped.values()


def _tower(resources: Resources, active: Mapping[Role, Space], role: Role) -> TextTower | None:
    """Return the text tower of the encoder that made a role's active space, None without either."""
    return resources.models_of(active[role].pair).text_tower if role in active else None


def _multimodal_query(tower: TextTower, text: str | None, visual: Vectors | None) -> Vectors:
    """Return the query vector (dimension,) of a text, a picture's `visual` vector, or both, for `multimodal`."""
    if visual is not None and text is None:
        return visual
    vectors = tower.encode_queries([text or ""]) if visual is None else tower.combine(visual[None], [text or ""])
    vector: Vectors = vectors[0]
    return vector


def _encode_image(resources: Resources, models: Models, image: Path) -> dict[Role, Vectors]:
    decoded = _decode(resources, image, models.encoder.side)
    return {role: vectors[0] for role, vectors in models.encoder.encode([decoded]).items() if role in PIXEL_ROLES}


def _decode(resources: Resources, image: Path, side: int) -> Pixels:
    if not image.is_file():
        raise InvalidReference(f"{image}: no such file.", advice="Give the path of a picture file.")
    (decoded,) = resources.decoders.decode([image], side)
    if isinstance(decoded, Failure):
        raise decoded
    return decoded
