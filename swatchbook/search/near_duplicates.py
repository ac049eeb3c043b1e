"""Find images of an owner that show nearly the same picture: in another size or compression, or a little brighter.

Hash or vectors alone would join drawings and handles that look alike, and a network takes a chair in two colours for
the same.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from swatchbook.domain.records import NearDuplicates, Role
from swatchbook.models import image_network
from swatchbook.resources import Resources
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.queries.search_results import add_labels, describe_images
from swatchbook.store.ledger.read_cache import ReadCache
from swatchbook.store.ledger.space_objects import HashedImage, hashed_images, vectors_of
from swatchbook.store.ledger.space_registry import active_spaces
from swatchbook_base.arrays import Vectors

MOST_BITS = 6  # bits, of 64, in which hashes of near-duplicates differ
LEAST_COSINES: Mapping[Role, float] = {Role.VISUAL: 0.98}
LEAST_COSINES_OF_NETWORK: Mapping[Role, float] = {Role.VISUAL: 0.9, Role.COLOR: 0.99}
"""Role -> least cosine of a near-duplicate; only the roles that are searched count."""

_PAIRS_AT_ONCE = 1 << 20  # pairs of hashes that are compared in 8 MB

SAME_SHAPE = 1.05  # the largest factor between the widths by height of near-duplicates


def describe_near_duplicates(resources: Resources, owner: str | None, most: int) -> NearDuplicates:
    """Return the `most` largest groups of near-duplicates of an owner, or of all owners, with each image's details."""
    groups = find_near_duplicates(resources, owner)
    listed = groups[:most]
    found = describe_images(resources.ledger, [id for group in listed for id in group])
    hits = {hit.id: hit for hit in add_labels(resources.ledger, found)}
    described = tuple(tuple(hits[id] for id in group if id in hits) for group in listed)
    return NearDuplicates(groups=described, more=len(groups) - len(listed))


def find_near_duplicates(resources: Resources, owner: str | None = None) -> list[tuple[str, ...]]:
    """Return groups of image ids that show nearly the same picture, each of one owner; the largest groups first.

    The first image of a group has most pixels, and each other one is a near-duplicate of it. An image is in one group.
    """
    images = sorted(hashed_images(resources.ledger, owner=owner), key=lambda one: (-one.width * one.height, one.id))
    groups = [tuple(one.id for one in group) for group in _group(resources.read_cache(), images) if len(group) > 1]
    return sorted(groups, key=lambda group: (-len(group), group))


def fold(known: ReadCache, ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the first image of each group of near-duplicates -> the others of its group, in the order given."""
    images = known.each(_hashed, ids)
    groups = _group(known, [images[id] for id in dict.fromkeys(ids) if id in images])
    others = {first.id: tuple(one.id for one in rest) for first, *rest in groups}
    return {id: others.get(id, ()) for id in dict.fromkeys(ids) if id in others or id not in images}


def _hashed(ledger: Ledger, ids: Sequence[str]) -> dict[str, HashedImage]:
    return {one.id: one for one in hashed_images(ledger, ids=ids)}


def _group(known: ReadCache, images: Sequence[HashedImage]) -> list[list[HashedImage]]:
    """Group images with their near-duplicates in the order given; an image without any is a group of its own."""
    hashes = np.array([one.phash for one in images], np.uint64)
    has_near = _have_near(hashes)
    spaces = _compared(known)
    near_keys = [images[place].content_key for place in np.flatnonzero(has_near).tolist()]
    for role, tag, _ in spaces:
        known.each(vectors_of, near_keys, role, tag)  # one query for what is compared below
    free = np.ones(len(images), bool)
    groups = list[list[HashedImage]]()
    for place, first in enumerate(images):
        if free[place]:
            free[place] = False
            others = list[int]()
            if has_near[place]:
                near = np.flatnonzero(free & (np.bitwise_count(hashes ^ hashes[place]) <= MOST_BITS)).tolist()
                others = _same_vectors(
                    known, spaces, images, place, [o for o in near if _may_be_same(first, images[o])]
                )
                free[others] = False
            groups.append([first, *(images[other] for other in others)])
    return groups


def _have_near(hashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Return whether each hash (n,) is near another one; most are not, and need no further look."""
    rows = max(1, _PAIRS_AT_ONCE // max(1, len(hashes)))
    blocks = (hashes[start : start + rows, None] for start in range(0, len(hashes), rows))
    counts = [np.count_nonzero(np.bitwise_count(block ^ hashes) <= MOST_BITS, axis=1) for block in blocks]
    return np.concatenate([np.zeros(0, int), *counts]) > 1  # each is near itself


def _may_be_same(a: HashedImage, b: HashedImage) -> bool:
    ratio = a.width * b.height / (a.height * b.width)
    return a.owner == b.owner and 1 / SAME_SHAPE <= ratio <= SAME_SHAPE


def _compared(known: ReadCache) -> list[tuple[Role, str, float]]:
    """Return (role, tag, least cosine) of the vectors that are compared; none without visual vectors."""
    active = known.once(lambda: active_spaces(known.ledger), "active spaces")
    tags = {role: space.space.tag for role, space in active.items()}
    if Role.VISUAL not in tags:
        return []
    by_network = tags[Role.VISUAL] == image_network.TAGS[Role.VISUAL]
    rule = LEAST_COSINES_OF_NETWORK if by_network else LEAST_COSINES
    return [(role, tags[role], least) for role, least in rule.items() if role in tags]


def _same_vectors(
    known: ReadCache,
    spaces: Sequence[tuple[Role, str, float]],
    images: Sequence[HashedImage],
    first: int,
    others: Sequence[int],
) -> list[int]:
    """Return the other images whose vectors are nearly those of the first one; images without vectors are left out."""
    places = list(others) if spaces else []
    for role, tag, least in spaces:
        vectors = known.each(vectors_of, [images[place].content_key for place in (first, *places)], role, tag)
        own = vectors.get(images[first].content_key)
        near = {} if own is None else {key: _cosine(own, other) >= least for key, other in vectors.items()}
        places = [place for place in places if near.get(images[place].content_key)]
    return places


def _cosine(a: Vectors, b: Vectors) -> float:
    return float(a @ b) / float(np.linalg.norm(a) * np.linalg.norm(b))
