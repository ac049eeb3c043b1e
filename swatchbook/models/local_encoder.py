"""The local image encoder as a model of the profile `local`: tags, dimensions, picture size and batches.

It makes `visual`, `color` and `texture`; the formulas of the vectors are in `models/images/descriptors.py`.
"""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from swatchbook.domain.records import Role
from swatchbook_base.arrays import Pixels, Vectors

SIDE: Final = 160  # pixels: enough for five octaves of texture, and large JPEGs can be decoded at reduced scale
BATCH: Final = 5  # pictures that a thread describes at a time: their intermediate planes fit the CPU's cache
DIMENSIONS: Final[Mapping[Role, int]] = {Role.VISUAL: 1_100, Role.COLOR: 473, Role.TEXTURE: 222}
TAGS: Final[Mapping[Role, str]] = {role: f"descriptors@1/{role}-{SIDE}" for role in DIMENSIONS}


class DescriptorEncoder:
    """An `ImageEncoder` without learned weights. A picture's vectors do not depend on its batch."""

    tags = TAGS
    dimensions = DIMENSIONS
    side = SIDE

    def __init__(self) -> None:
        from swatchbook.models.images import descriptors  # imports numpy, which reading a tag does not need

        self._descriptors = descriptors
        self._tables = descriptors.build_tables()
        self._threads = ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="describe")

    def encode(self, pictures: Sequence[Pixels]) -> Mapping[Role, Vectors]:
        """Return role -> (n, dimension) float32, unit length, in input order."""
        import numpy as np

        if not pictures:
            return {role: np.empty((0, dimension), np.float32) for role, dimension in DIMENSIONS.items()}
        batches = (pictures[start : start + BATCH] for start in range(0, len(pictures), BATCH))
        parts = list(self._threads.map(self._encode, batches))
        return {role: np.concatenate([part[role] for part in parts]) for role in DIMENSIONS}

    def _encode(self, pictures: Sequence[Pixels]) -> Mapping[Role, Vectors]:
        return self._descriptors.compute_vectors(pictures, SIDE, self._tables)
