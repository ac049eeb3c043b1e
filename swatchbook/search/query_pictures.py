"""Search with pictures: of the collection, as examples of what results should be like or unlike, or given by people.

A query moves towards the mean of the former and away from that of the latter (Rocchio 1971). Given pictures are kept in
the cache of previews, so that a URL can name them; they may be removed at any time.
"""

import hashlib
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from swatchbook.domain.errors import Failure, InvalidReference
from swatchbook.domain.records import PIXEL_ROLES, Role
from swatchbook.index.contract import Space
from swatchbook.previews import MAX_SIDE, encode_jpeg
from swatchbook.resources import Resources
from swatchbook.store.ledger.queries.image import owned_images
from swatchbook_base.arrays import Vectors

AWAY = 0.5  # the distance that a query moves away from what results should not be like, as a share of its own length


class Examples(NamedTuple):
    """Ids of images: results should be like those of `like`, and not like those of `unlike`."""

    like: Sequence[str] = ()
    unlike: Sequence[str] = ()

    def check(self, resources: Resources, owners: Sequence[str]) -> None:
        """Raise InvalidReference for an id in both lists, or one that none of the owners has (no owners: all)."""
        if not self.like and not self.unlike:
            return
        known = owned_images(resources.ledger, [*self.like, *self.unlike], owners)
        for image in (*self.like, *self.unlike):
            if image not in known:
                has = f"{' or '.join(owners)} has" if owners else "There is"
                raise InvalidReference(f"{has} no picture with the id {image!r}.", advice="Search results have ids.")
        if both := {*self.like} & {*self.unlike}:
            raise InvalidReference(f"The results cannot be both like and unlike image {min(both)}.")

    def queries(
        self, resources: Resources, active: Mapping[Role, Space], picture: Mapping[Role, Vectors]
    ) -> dict[Role, Vectors]:
        """Return role -> the query vector of the examples and a given picture, for the searched roles of pixels.

        Raises InvalidReference if an example has no vector in any of them.
        """
        found = {
            role: _unit_vectors(resources, active[role], self.like) for role in sorted(PIXEL_ROLES & active.keys())
        }
        for image in self.like:
            if not any(image in vectors for vectors in found.values()):
                raise InvalidReference(
                    f"Image {image} has no vectors.", advice="`swatchbook fill failed` embeds what is missing."
                )
        given = {role: [*vectors.values()] for role, vectors in found.items()}
        for role, vector in picture.items():
            given.setdefault(role, []).append(vector / np.linalg.norm(vector))
        return {role: np.mean(vectors, axis=0) for role, vectors in given.items() if vectors}

    def moved(self, resources: Resources, space: Space, query: Vectors) -> Vectors:
        """Return a query of a space of images, moved away from what results should not be like."""
        away = _unit_vectors(resources, space, self.unlike)
        if not away:
            return query
        moved: Vectors = query / np.linalg.norm(query) - AWAY * np.mean([*away.values()], axis=0)
        return moved.astype(np.float32)


def _unit_vectors(resources: Resources, space: Space, ids: Sequence[str]) -> dict[str, Vectors]:
    """Return image -> its vector of length 1, for images that have one in the space."""
    found = resources.index.fetch(space, ids) if ids else {}
    return {i: each.vector / np.linalg.norm(each.vector) for i, each in found.items()}


# --- pictures that people give ----------------------------------------------------------------------------------------


_SMALL_SIDE = 128  # pixels; the longest side of a small picture


def keep_query_picture(resources: Resources, path: Path) -> str:
    """Keep a picture to search with, and return its name (64 hexadecimal digits). Raises UnreadableImage."""
    (pixels,) = resources.decoders.decode([path], MAX_SIDE)
    if isinstance(pixels, Failure):
        raise pixels
    data = encode_jpeg(pixels)
    name = hashlib.sha256(data).hexdigest()
    resources.previews.put(_file(name), data)
    return name


def find_query_picture(resources: Resources, name: str) -> bytes | None:
    """Return a kept picture as JPEG, or None if it is no longer there."""
    return resources.previews.get(_file(name))


def small_query_picture(resources: Resources, name: str) -> bytes | None:
    """Return a kept picture as a JPEG of at most 128 pixels a side, or None if it is no longer there."""
    from PIL import Image

    if (data := find_query_picture(resources, name)) is None:
        return None
    picture, out = Image.open(io.BytesIO(data)), io.BytesIO()
    picture.thumbnail((_SMALL_SIDE, _SMALL_SIDE))
    picture.save(out, "JPEG")
    return out.getvalue()


def _file(name: str) -> str:
    return f"query.{name}-s{MAX_SIDE}.jpg"
