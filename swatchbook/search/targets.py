"""Map the images and chunks that a role finds to results: images, products or chunks."""

from collections.abc import Callable, Mapping, Sequence

from swatchbook.domain.records import ResultKind, Role
from swatchbook.index.contract import Match
from swatchbook.search.fusion import BY_TERMS, Ranked, ToTargets, own_score
from swatchbook.store.ledger.queries import search_results
from swatchbook.store.ledger.read_cache import ReadCache


def _images_of(known: ReadCache) -> ToTargets:
    """Return a function that maps matches to images: a chunk leads to the images linked to it."""

    def to_images(role: str, matches: Sequence[Match]) -> Ranked:
        ids = [m.id for m in matches]
        linked = known.each(search_results.images_of_chunks, ids) if role == Role.TEXT or role in BY_TERMS else {}
        return _first_of(matches, lambda m: linked.get(m.id, []) if m.id in linked or role == Role.TEXT else [m.id])

    return to_images


def _products_of(known: ReadCache) -> ToTargets:
    """Return a function that maps matches to products: a product ranks as its best image or chunk."""

    def to_products(role: str, matches: Sequence[Match]) -> Ranked:
        ids = [m.id for m in matches]
        by_chunk = known.each(search_results.products_of_chunks, ids) if role == Role.TEXT or role in BY_TERMS else {}
        by_image = known.each(search_results.products_of_images, ids) if role != Role.TEXT else {}
        return _first_of(matches, lambda m: [*by_chunk.get(m.id, []), *by_image.get(m.id, [])])

    return to_products


def _chunks_of(known: ReadCache) -> ToTargets:
    """Return a function that maps matches to chunks: an image leads to the chunks linked to it."""

    def to_chunks(role: str, matches: Sequence[Match]) -> Ranked:
        linked = known.each(search_results.chunks_of_images, [m.id for m in matches]) if role != Role.TEXT else {}
        return _first_of(matches, lambda m: linked.get(m.id, [m.id]))

    return to_chunks


def _first_of(matches: Sequence[Match], targets: Callable[[Match], Sequence[str]]) -> Ranked:
    ranked: dict[str, float] = {}
    for match in matches:
        for target in targets(match):
            ranked.setdefault(target, own_score(match))
    return list(ranked.items())


TARGETS: Mapping[ResultKind, Callable[[ReadCache], ToTargets]] = {
    "image": _images_of,
    "product": _products_of,
    "chunk": _chunks_of,
}
"""Kind of results -> the function that maps the matches of a role to them."""
