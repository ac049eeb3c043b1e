"""Objects to put into an index."""

from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from swatchbook.index.contract import IndexObject, Payload


def number_id(number: int) -> str:
    return str(UUID(int=number + 1))


def unit_vectors(count: int, dimension: int, seed: int = 0) -> NDArray[np.float32]:
    rows = np.random.default_rng(seed).normal(size=(count, dimension))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def made(count: int, dimension: int = 8, seed: int = 0, **payload: object) -> list[IndexObject]:
    """`count` objects with the ids 1, 2, … and vectors that depend on the seed alone."""
    shown = Payload.model_validate({"owner": "ann", "kind": "image", **payload})
    vectors = unit_vectors(count, dimension, seed)
    return [IndexObject(number_id(i), vector, shown) for i, vector in enumerate(vectors)]
