import os
import subprocess
import sys
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from PIL import Image

from swatchbook.domain.records import Role
from swatchbook.models.local_encoder import DIMENSIONS, SIDE, DescriptorEncoder
from swatchbook_base.arrays import Pixels
from tests.models.images.materials import PALETTES, PATTERNS, material
from tests.tables import rows_of

ENCODER = DescriptorEncoder()
KEYS = [(pattern, palette) for pattern in PATTERNS for palette in PALETTES]


def fit(image: Image.Image) -> Pixels:
    small = image.copy()
    small.thumbnail((SIDE, SIDE), Image.Resampling.HAMMING)
    return np.asarray(small)


EXTREMES = [
    np.full((40, 60, 3), 255, np.uint8), np.zeros((40, 60, 3), np.uint8), np.array([[[255, 0, 0]]], np.uint8),
    np.zeros((1, 160, 3), np.uint8), np.full((160, 1, 3), 200, np.uint8),
    np.indices((160, 160)).sum(axis=0)[..., None].repeat(3, axis=2).astype(np.uint8) % 2 * 255,
]  # fmt: skip


def check(vectors: Mapping[Role, NDArray[np.float32]], count: int) -> None:
    assert {role: block.shape for role, block in vectors.items()} == {r: (count, d) for r, d in DIMENSIONS.items()}
    for block in vectors.values():
        assert block.dtype == np.float32
        assert np.isfinite(block).all()
        assert np.linalg.norm(block, axis=1) == pytest.approx(1, abs=1e-5)


@given(
    st.lists(
        st.tuples(st.integers(1, 40), st.integers(1, 40)).flatmap(lambda size: arrays(np.uint8, (*size, 3))),
        min_size=1,
        max_size=4,
    )
)
def test_any_pixels_have_unit_vectors(pictures: list[Pixels]) -> None:
    check(ENCODER.encode(pictures), len(pictures))


def test_vectors_do_not_depend_on_the_batch() -> None:
    pictures = [fit(Image.fromarray(material(*key))) for key in KEYS[:7]] + EXTREMES
    together = ENCODER.encode(pictures)
    for place, picture in enumerate(pictures):
        for role, block in ENCODER.encode([picture]).items():
            assert np.abs(block[0] - together[role][place]).max() < 1e-5


def test_larger_pictures_are_shrunk_to_the_side() -> None:
    large = material("marble", "sage")
    found = ENCODER.encode([large, fit(Image.fromarray(large))])
    for role in DIMENSIONS:
        assert found[role][0] @ found[role][1] > 0.97


def test_vectors_do_not_depend_on_processes_or_threads() -> None:
    code = (
        "import sys; from tests.models.images.materials import material;"
        "from swatchbook.models.local_encoder import DescriptorEncoder;"
        "made = DescriptorEncoder().encode([material('marble', 'oak', side=160)] * 3);"
        "sys.stdout.buffer.write(made['visual'].tobytes())"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    there = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True).stdout
    here = ENCODER.encode([material("marble", "oak", side=160)] * 3)[Role.VISUAL]
    assert np.abs(np.frombuffer(there, np.float32).reshape(here.shape) - here).max() < 1e-5


def relief(height: int, width: int, seed: int) -> Pixels:
    """A picture with lumps of 1 to 32 pixels, computed with integers only, so that it is the same everywhere."""
    rng = np.random.default_rng(seed)
    picture = rng.integers(60, 120, 3) + np.zeros((height, width, 1), np.int64)
    for size in (1, 2, 4, 8, 16, 32):
        lumps = rng.integers(0, 21, (height // size + 1, width // size + 1, 3))
        picture += lumps.repeat(size, axis=0).repeat(size, axis=1)[:height, :width]
    return picture.astype(np.uint8)


def test_vectors_are_those_that_the_tags_promise() -> None:
    """The table has shapes of a relief and its vectors projected, by the first implementation of the tags."""
    for shape, projected in rows_of(__file__, "references"):
        found = ENCODER.encode([relief(*shape, seed=shape[1])])
        for role, expected in projected.items():
            assert project(found[Role(role)][0]) == pytest.approx(expected, abs=1e-5), shape


def project(vector: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return four sums of a vector's components with seeded signs: other components than expected change them all."""
    signs = np.random.default_rng(1).choice([-1.0, 1.0], (4, len(vector)))
    return np.asarray(signs @ vector)
