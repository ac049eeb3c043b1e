"""Search with pictures of the collection, as examples of what results should be like or unlike.

A query moves towards the mean of the former and away from that of the latter (Rocchio 1971).
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.records import PIXEL_ROLES, Role
from swatchbook.index.contract import Space
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
