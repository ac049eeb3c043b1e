import io
import os
import subprocess
import sys
from collections.abc import Callable, Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from PIL import Image

from swatchbook.images.pixels import srgb_to_lab
from swatchbook.models.local_encoder import DIMENSIONS, SIDE, DescriptorEncoder
from swatchbook.records import Role
from swatchbook_base.arrays import Pixels
from tests.images.materials import PALETTES, PATTERNS, material
from tests.tables import rows_of

ENCODER = DescriptorEncoder()
KEYS = [(pattern, palette) for pattern in PATTERNS for palette in PALETTES]
PATTERN, PALETTE = (np.array(names) for names in zip(*KEYS, strict=True))

Change = Callable[[Image.Image], Image.Image]


def recompressed(image: Image.Image, quality: int) -> Image.Image:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return Image.open(out).convert("RGB")


def tinted(image: Image.Image, *factors: float) -> Image.Image:
    return Image.fromarray((np.asarray(image) * factors).clip(0, 255).astype(np.uint8))


CHANGES: Mapping[str, Change] = {
    "same": lambda image: image,
    "crop": lambda image: image.crop((100, 60, 400, 360)),
    "wide crop": lambda image: image.crop((0, 100, 480, 380)),
    "nearer by half": lambda image: image.crop((40, 60, 360, 380)),
    "small": lambda image: image.resize((150, 150), Image.Resampling.BICUBIC),
    "darker": lambda image: tinted(image, 0.85, 0.85, 0.85),
    "brighter": lambda image: tinted(image, 1.12, 1.12, 1.12),
    "warmer": lambda image: tinted(image, 1.05, 1.0, 0.93),
    "JPEG 25": lambda image: recompressed(image, 25),
    "blurred": lambda image: image.resize((240, 240), Image.Resampling.BOX).resize(image.size),
    "turned": lambda image: image.transpose(Image.Transpose.ROTATE_90),
}


def fit(image: Image.Image) -> Pixels:
    small = image.copy()
    small.thumbnail((SIDE, SIDE), Image.Resampling.HAMMING)
    return np.asarray(small)


def recall(queries: NDArray[np.float32], gallery: NDArray[np.float32], label: NDArray[np.str_]) -> float:
    """Share of queries whose nearest in the gallery bears the same label."""
    return float((label[(queries @ gallery.T).argmax(axis=1)] == label).mean())


def recall_elsewhere(
    queries: NDArray[np.float32], gallery: NDArray[np.float32], label: NDArray[np.str_], other: NDArray[np.str_]
) -> float:
    """The recall without gallery items that have the same `other`: colour must be found in other patterns."""
    likeness = np.where(other[:, None] == other[None, :], -1, queries @ gallery.T)
    return float((label[likeness.argmax(axis=1)] == label).mean())


def scores(changed: Mapping[str, list[Pixels]], gallery: Mapping[Role, NDArray[np.float32]]) -> list[list[float]]:
    identity = np.arange(len(KEYS)).astype(np.str_)
    rows = []
    for pictures in changed.values():
        found = ENCODER.encode(pictures)
        rows.append([
            recall(found[Role.COLOR], gallery[Role.COLOR], PALETTE),
            recall_elsewhere(found[Role.COLOR], gallery[Role.COLOR], PALETTE, PATTERN),
            recall(found[Role.TEXTURE], gallery[Role.TEXTURE], PATTERN),
            recall_elsewhere(found[Role.TEXTURE], gallery[Role.TEXTURE], PATTERN, PALETTE),
            recall(found[Role.VISUAL], gallery[Role.VISUAL], identity),
        ])  # fmt: skip
    return rows


@pytest.mark.nightly
def test_same_material_is_found_however_it_was_taken() -> None:
    """Recall at 1 among 60 materials: colour by palette, texture by pattern, visual by the very material."""
    originals = [Image.fromarray(material(*key)) for key in KEYS]
    gallery = ENCODER.encode([fit(image) for image in originals])
    changed = {name: [fit(change(image)) for image in originals] for name, change in CHANGES.items()}
    changed["another piece"] = [fit(Image.fromarray(material(*key, 1))) for key in KEYS]
    table = scores(changed, gallery)

    header = f"{'':16}colour  elsewhere  texture  elsewhere  visual"
    lines = [f"{name:16}" + "   ".join(f"{v:6.2f}" for v in row) for name, row in zip(changed, table, strict=True)]
    shown = "\n".join([header, *lines])
    print(shown)
    color, color_elsewhere, texture, texture_elsewhere, visual = np.array(table).T
    assert color.min() >= 0.95, shown
    assert color_elsewhere.min() >= 0.93, shown
    assert texture.min() >= 0.93, shown
    assert texture_elsewhere.min() >= 0.90, shown
    assert visual.min() >= 0.88, shown
    assert visual.mean() >= 0.98, shown


EXTREMES = [
    np.full((40, 60, 3), 255, np.uint8),
    np.zeros((40, 60, 3), np.uint8),
    np.array([[[255, 0, 0]]], np.uint8),
    np.zeros((1, 160, 3), np.uint8),
    np.full((160, 1, 3), 200, np.uint8),
    np.indices((160, 160)).sum(axis=0)[..., None].repeat(3, axis=2).astype(np.uint8) % 2 * 255,
]


def check(vectors: Mapping[Role, NDArray[np.float32]], count: int) -> None:
    assert {role: block.shape for role, block in vectors.items()} == {r: (count, d) for r, d in DIMENSIONS.items()}
    for block in vectors.values():
        assert block.dtype == np.float32
        assert np.isfinite(block).all()
        assert np.linalg.norm(block, axis=1) == pytest.approx(1, abs=1e-5)


def test_plain_black_tiny_and_narrow_pictures_have_unit_vectors() -> None:
    check(ENCODER.encode(EXTREMES), len(EXTREMES))
    for picture in EXTREMES:
        check(ENCODER.encode([picture]), 1)


@given(
    st.lists(
        st.tuples(st.integers(1, 40), st.integers(1, 40)).flatmap(lambda size: arrays(np.uint8, (*size, 3))),
        min_size=1,
        max_size=4,
    )
)
def test_any_pixels_have_unit_vectors(pictures: list[Pixels]) -> None:
    check(ENCODER.encode(pictures), len(pictures))


def test_white_black_and_red_are_told_apart_by_color_not_by_texture() -> None:
    plain = ENCODER.encode([np.full((50, 50, 3), color, np.uint8) for color in (255, 0, (200, 30, 30))])
    assert (plain[Role.COLOR] @ plain[Role.COLOR].T)[np.triu_indices(3, 1)].max() < 0.7
    assert (plain[Role.TEXTURE] @ plain[Role.TEXTURE].T).min() > 0.999


def test_only_visual_depends_on_the_layout() -> None:
    """Halves changing places keep colours and textures, but not the layout."""
    left, right = material("wood", "oak", side=160)[:, :80], material("speckle", "navy", side=160)[:, :80]
    first, second = np.concatenate([left, right], axis=1), np.concatenate([right, left], axis=1)
    found = ENCODER.encode([first, second])
    assert found[Role.COLOR][0] @ found[Role.COLOR][1] > 0.999
    assert found[Role.TEXTURE][0] @ found[Role.TEXTURE][1] > 0.99
    assert found[Role.VISUAL][0] @ found[Role.VISUAL][1] < 0.95


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


def test_another_process_with_another_number_of_threads_makes_the_same_vectors() -> None:
    code = (
        "import sys; from tests.images.materials import material;"
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


def test_cielab_matches_published_values() -> None:
    """Of sRGB's primaries, white and a middle grey (Bruce Lindbloom's calculator, D65)."""
    rgb = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [119, 119, 119], [0, 0, 0]], np.uint8)
    expected = [[53.24, 80.09, 67.20], [87.73, -86.18, 83.18], [32.30, 79.19, -107.86]]
    expected += [[100, 0, 0], [50.03, 0, 0], [0, 0, 0]]
    assert np.abs(srgb_to_lab(rgb) - expected).max() < 0.05
