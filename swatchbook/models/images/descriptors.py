"""The formulas of the local vectors `color`, `texture` and `visual`: soft histograms in numpy, without learned weights.

Pixels are *counted* on a fine grid (integers, so the result is exact), the counts are *smoothed* by a fixed matrix, and
the *square root* is taken, so that the dot product of two blocks is the Bhattacharyya coefficient of distributions
(the Hellinger kernel: Arandjelović & Zisserman, CVPR 2012). No vector is zero, even of plain white or 1×1.

- `color`: the joint distribution of CIELAB, and that of (a*, b*) alone, which lighting changes less.
- `texture`: Basic Image Features (Crosier & Griffin, IJCV 88, 2010) of each octave, counted jointly with the octave
  above, and the gradient energy by octave and direction.
- `visual`: both, and the layout: colour and gradient direction in 3 × 3 cells (Lazebnik, Schmid & Ponce, CVPR 2006).

The tags in `models/local_encoder.py` promise the same vectors on every machine; sums in another order would move pixels
to other cells. `tests/models/images/test_descriptors.py` has vectors to compare with.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import asinh, pi, prod, sqrt
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from swatchbook.domain.records import Role
from swatchbook.models.images.pixels import rgb_cube, shrink, srgb_to_lab
from swatchbook_base.arrays import Pixels

RGB_BITS: Final = 6  # a step of 4 in 255 is less than JPEG keeps
COLOR_CELLS: Final = (16, 25, 25)  # cells of L*, a*, b*: odd, so that greys lie inside a cell
COLOR_BINS: Final = (8, 7, 7)
CHROMA_BINS: Final = (1, 9, 9)
LAYOUT_CELLS: Final = (8, 9, 9)
LAYOUT_BINS: Final = (4, 3, 3)
LAYOUT_SIDE: Final = 3  # parts per side
NEUTRAL: Final = 8.0  # a*, b* up to which chroma counts in full; beyond it logarithmically: materials are muted
SPREAD: Final = 0.6  # bins; the deviation of a bin's Gaussian
OCTAVES: Final = 5
FEATURES: Final = 7  # flat, slope, dark blob, dark line, saddle, light blob, light line
BLOB, LINE = 2, 3
STEPS: Final = 8  # steps of gradient: the first is below FLOOR, the others double
ANGLES: Final = 16  # fine directions over 180°
DIRECTIONS: Final = 8
FLATNESS: Final = 0.03  # ε of Crosier & Griffin: a slope below this share of the local brightness is flat
FLOOR: Final = 0.01  # gradient, as a share of the local brightness, that JPEG noise reaches
OCTAVE_SPREAD: Final = 0.9  # octaves; a closer view of the same material is similar
DARKNESS: Final = 16.0  # steps of 255 that are added to brightness before a division by it
LAYOUT_OCTAVE: Final = 2

LUMA: Final = np.array([0.299, 0.587, 0.114], np.float32)  # BT.601, as in JPEG
HALF_ROOT: Final = np.float32(sqrt(0.5))
STEP_BOUNDS: Final = (FLOOR / 2 * 2 ** np.arange(1, STEPS)).astype(np.float32)
"""The values of slope ÷ brightness from which a gradient is a step higher."""

ANGLE_BOUNDS: Final = np.tan(np.arange(1 - ANGLES // 2, ANGLES // 2) * (pi / ANGLES)).astype(np.float32)
"""The tangents at which a fine direction ends and the next begins, from −90° to 90°."""

NEAR_AXIS: Final = 3e-6  # fine directions from an axis or diagonal within which rounding may change the side
NEAR_BOUNDS: Final = np.tan(
    np.array([NEAR_AXIS, ANGLES / 4 - NEAR_AXIS, ANGLES / 4 + NEAR_AXIS, ANGLES / 2 - NEAR_AXIS]) * (pi / ANGLES)
).astype(np.float32)
"""The sizes of tangents at which those near an axis or a diagonal end or begin, in turn."""

COLOR: Final = prod(COLOR_BINS) + prod(CHROMA_BINS)
TEXTURE: Final = (OCTAVES - 1) * FEATURES**2 + OCTAVES * (DIRECTIONS // 2 + 1) + 1
LAYOUT: Final = LAYOUT_SIDE**2 * (prod(LAYOUT_BINS) + DIRECTIONS + 1)
VISUAL: Final = COLOR + TEXTURE + LAYOUT

Field = NDArray[np.float32]
Cells = NDArray[np.uint8] | NDArray[np.int32]
Axes = tuple[Field, Field, Field]


class Octave(NamedTuple):
    """Features and gradients at each of a picture's pixels in one octave."""

    feature: NDArray[np.uint8]  # (h, w) below FEATURES
    gradient: NDArray[np.uint8]  # (h, w) below STEPS * ANGLES


@dataclass(frozen=True, slots=True)
class Tables:
    """The constant tables of the descriptors."""

    color_cell: NDArray[np.int32]  # (2^18,): RGB of 6 bits a channel -> cell of COLOR_CELLS
    layout_cell: NDArray[np.int32]  # (2^18,) -> cell of LAYOUT_CELLS
    color: Axes  # cells -> bins, for each axis
    chroma: Axes
    layout: Axes
    energy: Field  # (STEPS * ANGLES, DIRECTIONS): what a gradient cell adds to each direction


def build_tables() -> Tables:
    """Compute the constant tables."""
    lab = srgb_to_lab(rgb_cube(RGB_BITS))
    chroma = np.arcsinh(lab[:, 1:] / NEUTRAL) / (2 * asinh(110 / NEUTRAL)) + 0.5
    unit = np.concatenate([lab[:, :1] / 100, chroma], axis=1)
    return Tables(
        color_cell=_cells(unit, COLOR_CELLS),
        layout_cell=_cells(unit, LAYOUT_CELLS),
        color=_smoothing(COLOR_CELLS, COLOR_BINS),
        chroma=_smoothing(COLOR_CELLS, CHROMA_BINS),
        layout=_smoothing(LAYOUT_CELLS, LAYOUT_BINS),
        energy=_energy(),
    )


def compute_vectors(pictures: Sequence[Pixels], side: int, tables: Tables) -> dict[Role, Field]:
    """Return `color` (n, COLOR), `texture` (n, TEXTURE) and `visual` (n, VISUAL): float32, unit length.

    Larger pictures are shrunk to `side` pixels, a multiple of 2 ** (OCTAVES - 1).
    """
    shrunk = [shrink(picture, side) for picture in pictures]
    vectors = [_vectors(*pair, tables) for pair in zip(shrunk, _octaves(shrunk, side), strict=True)]
    return {role: np.stack([of_picture[role] for of_picture in vectors]) for role in vectors[0]}


def _vectors(picture: Pixels, octaves: Sequence[Octave], tables: Tables) -> dict[Role, Field]:
    rgb = _rgb_cells(picture)
    color, texture = _color(rgb, tables), _texture(octaves, tables)
    layout = _layout(picture.shape[:2], rgb, octaves[LAYOUT_OCTAVE].gradient, tables)
    visual = _concatenate((0.4, color), (0.3, texture), (0.3, layout))
    return {Role.COLOR: color, Role.TEXTURE: texture, Role.VISUAL: visual}


# --- the blocks -------------------------------------------------------------------------------------------------------


def _color(rgb: NDArray[np.int32], tables: Tables) -> Field:
    share = _count(tables.color_cell[rgb], prod(COLOR_CELLS))
    joint, chroma = _smooth(share, COLOR_CELLS, tables.color), _smooth(share, COLOR_CELLS, tables.chroma)
    return _concatenate((0.4, np.sqrt(joint)), (0.6, np.sqrt(chroma)))


def _texture(octaves: Sequence[Octave], tables: Tables) -> Field:
    pairs = np.stack([_count(_pairs(fine, coarse), FEATURES**2) for fine, coarse in pairwise(octaves)])
    energy = np.stack([_count(o.gradient, STEPS * ANGLES) for o in octaves]) @ tables.energy
    turned = np.abs(np.fft.rfft(energy)).astype(np.float32)  # the same however the picture is turned
    energies = np.append(_across(turned), np.float32(FLOOR))
    return _concatenate((0.6, np.sqrt(_across(pairs).ravel())), (0.4, np.sqrt(energies)))


def _pairs(fine: Octave, coarse: Octave) -> NDArray[np.uint8]:
    """Return (h, w) cells below FEATURES²: a pixel's feature, with that of the larger pixel around it one octave up."""
    height, width = fine.feature.shape
    around = coarse.feature.repeat(2, axis=0).repeat(2, axis=1)[:height, :width]
    pairs: NDArray[np.uint8] = fine.feature * np.uint8(FEATURES) + around
    return pairs


def _across(octaves: Field) -> Field:
    """Return (octaves, d), each octave mixed with its neighbours: a picture twice as near is the same material."""
    place = np.arange(len(octaves))
    mixed: Field = _gaussian((place[:, None] - place) / OCTAVE_SPREAD) @ octaves
    return mixed


def _layout(shape: tuple[int, int], rgb: NDArray[np.int32], gradient: NDArray[np.uint8], tables: Tables) -> Field:
    parts, colors, gradients = LAYOUT_SIDE**2, prod(LAYOUT_CELLS), STEPS * ANGLES
    share = _count(tables.layout_cell[rgb] + _region(shape, 2) * colors, parts * colors)
    color = np.stack([_smooth(part, LAYOUT_CELLS, tables.layout) for part in share.reshape(parts, colors)])

    cell = gradient + _region(shape, 2**LAYOUT_OCTAVE) * gradients
    share = _count(cell, parts * gradients).reshape(parts, gradients)
    energy = np.concatenate([share @ tables.energy, FLOOR * share.sum(axis=1, keepdims=True)], axis=1)
    return _concatenate((0.6, np.sqrt(color.ravel())), (0.4, np.sqrt(energy.ravel())))


def _region(shape: tuple[int, int], step: int) -> NDArray[np.int32]:
    """Return the part of an (h, w) picture, below LAYOUT_SIDE², of each `step`-th pixel of each `step`-th row."""
    row, column = (np.arange(0, length, step, dtype=np.int32) * LAYOUT_SIDE // length for length in shape)
    region: NDArray[np.int32] = row[:, None] * LAYOUT_SIDE + column
    return region


# --- texture of a pixel -----------------------------------------------------------------------------------------------


def _octaves(pictures: Sequence[Pixels], side: int) -> list[list[Octave]]:
    """Return the octaves of each picture. They are computed together: with few long steps threads wait less."""
    luma: Field = np.stack([_luma(picture, side) for picture in pictures])
    shapes = [picture.shape[:2] for picture in pictures]
    octaves: list[list[Octave]] = [[] for _ in pictures]
    for number in range(OCTAVES):
        if number:
            luma = (luma[:, ::2, ::2] + luma[:, ::2, 1::2] + luma[:, 1::2, ::2] + luma[:, 1::2, 1::2]) / np.float32(4)
            shapes = [((height + 1) // 2, (width + 1) // 2) for height, width in shapes]
        feature, gradient = _classify(luma)
        for n, (height, width) in enumerate(shapes):
            octaves[n].append(Octave(feature[n, :height, :width], gradient[n, :height, :width]))
    return octaves


def _luma(picture: Pixels, side: int) -> Field:
    """Return the (side, side) luma of a picture, 0–255, continued by reflection."""
    red, green, blue = (picture[:, :, channel] * weight for channel, weight in enumerate(LUMA))
    height, width = picture.shape[:2]
    return np.pad(red + green + blue, ((0, side - height), (0, side - width)), mode="symmetric")


def _classify(luma: Field) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return features (equation 2 of Crosier & Griffin) and gradients, as in Octave, of (n, s, s) luma, 0–255.

    Derivatives are those of a Gaussian of variance 1/2, approximated by binomials. Every response is eight times that
    of the paper, which avoids dividing by the binomials' weights.
    """
    smooth, first, second = _filter_along(np.pad(luma, ((0, 0), (1, 1), (1, 1)), mode="edge"), 2)
    (s00, s01, s02), (s10, s11, _), (s20, _, _) = (_filter_along(x, 1) for x in (smooth, first, second))
    bright = s00 * np.float32(0.5) + np.float32(8 * DARKNESS)
    slope: Field = _length(s10, s01) * HALF_ROOT
    bend = s20 + s02
    bent = np.abs(bend)
    saddle = _length(s20 - s02, s11 * 2)

    kind, best = np.zeros(luma.shape, np.uint8), bright * FLATNESS
    for number, response in enumerate((slope * 2, bent, (saddle + bent) * HALF_ROOT, saddle), start=1):
        np.maximum(kind, (response > best).view(np.uint8) * np.uint8(number), out=kind)
        np.maximum(response, best, out=best)
    light = (bend < 0) & ((kind == BLOB) | (kind == LINE))

    step = _count_reached(slope / bright, STEP_BOUNDS)
    return kind + light.view(np.uint8) * np.uint8(3), step * np.uint8(ANGLES) + _angle(s10, s01, step)


def _angle(x: Field, y: Field, step: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the fine direction of each gradient (x, y), (n, s, s) uint8 below ANGLES; any where step is 0.

    Comparing tangents is much faster than an arc tangent. Those near an axis or a diagonal, where edges often lie, are
    decided as arc tangents in float32, so that rounding does not change their side.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        tangent: Field = y / x
    angle = (_count_reached(tangent, ANGLE_BOUNDS) + np.uint8(ANGLES // 2)) % np.uint8(ANGLES)
    near = (_count_reached(np.abs(tangent), NEAR_BOUNDS) % 2 == 0) & (step > 0)
    radians = np.arctan2(y[near], x[near], dtype=np.float64).astype(np.float32)
    angle[near] = (radians * np.float32(ANGLES / pi) + np.float32(ANGLES)).astype(np.uint8) % ANGLES
    return angle


def _filter_along(x: Field, axis: int) -> tuple[Field, Field, Field]:
    """Filter by 1 2 1, by −1 0 1 and by 1 −2 1 along an axis, which becomes shorter by 2.

    Not with OpenCV, which adds in another order on other processors: that would move pixels to other cells.
    """
    length = x.shape[axis] - 2
    before, here, after = (x[(slice(None),) * axis + (slice(at, at + length),)] for at in range(3))
    around, twice = before + after, here + here
    return around + twice, after - before, around - twice


def _length(x: Field, y: Field) -> Field:
    """Return √(x² + y²); |x| where y is 0, unlike OpenCV's: straight edges have responses that must be equal."""
    length: Field = np.sqrt(x * x + y * y)
    return length


def _count_reached(field: Field, bounds: Field) -> NDArray[np.uint8]:
    """Return how many bounds each value reaches, in the field's shape; none for NaN."""
    count, reached = np.zeros(field.shape, np.uint8), np.empty(field.shape, np.bool_)
    for bound in bounds:
        np.greater_equal(field, bound, out=reached)
        np.add(count, reached.view(np.uint8), out=count)
    return count


# --- counting ---------------------------------------------------------------------------------------------------------


def _rgb_cells(picture: Pixels) -> NDArray[np.int32]:
    """Return the RGB cell, (h / 2, w / 2) int32 below 2^18, of every second pixel of every second row."""
    red, green, blue = (picture[::2, ::2, channel].astype(np.int32) >> (8 - RGB_BITS) for channel in range(3))
    cells: NDArray[np.int32] = (red << (2 * RGB_BITS)) + (green << RGB_BITS) + blue
    return cells


def _count(cell: Cells, cells: int) -> Field:
    """Return the share of each cell number among (h, w) cells: (cells,) float32."""
    share: Field = np.bincount(cell.ravel(), minlength=cells).astype(np.float32) / np.float32(cell.size)
    return share


def _smooth(share: Field, cells: tuple[int, int, int], axes: Axes) -> Field:
    """Smooth (cells,) to (bins,), axis by axis."""
    first, second, third = axes
    by_first = (first.T @ share.reshape(cells[0], -1)).reshape(-1, *cells[1:])
    bins: Field = (second.T @ by_first @ third).ravel()
    return bins


def _concatenate(*blocks: tuple[float, Field]) -> Field:
    """Concatenate blocks, each of unit length; the weight is the block's part of the cosine."""
    return np.concatenate([block * np.float32(sqrt(weight) / np.linalg.norm(block)) for weight, block in blocks])


# --- the tables -------------------------------------------------------------------------------------------------------


def _cells(unit: Field, cells: tuple[int, int, int]) -> NDArray[np.int32]:
    """Return (m,) cell numbers for (m, 3) coordinates from 0 to 1."""
    index = np.clip((unit * cells).astype(np.int64), 0, np.array(cells) - 1)
    numbers: NDArray[np.int32] = np.ravel_multi_index(tuple(index.T), cells).astype(np.int32)
    return numbers


def _smoothing(cells: tuple[int, int, int], bins: tuple[int, int, int]) -> Axes:
    """Return a (cells, bins) matrix for each axis: a Gaussian at each bin's centre, rows of sum 1."""

    def axis(cells: int, bins: int) -> Field:
        return _gaussian(((np.arange(cells)[:, None] + 0.5) / cells * bins - (np.arange(bins) + 0.5)) / SPREAD)

    first, second, third = (axis(c, b) for c, b in zip(cells, bins, strict=True))
    return first, second, third


def _gaussian(deviations: NDArray[np.float64]) -> Field:
    """Return the weights of a Gaussian at these numbers of standard deviations, rows of sum 1."""
    weight = np.exp(-0.5 * deviations**2)
    shares: Field = (weight / weight.sum(axis=1, keepdims=True)).astype(np.float32)
    return shares


def _energy() -> Field:
    """Return (STEPS * ANGLES, DIRECTIONS): the energy that each gradient cell adds to each direction."""
    magnitude = FLOOR * 2 ** (np.arange(STEPS) - 0.5)
    magnitude[0] = 0.0
    apart = (np.arange(ANGLES)[:, None] + 0.5) / ANGLES - np.arange(DIRECTIONS) / DIRECTIONS
    apart = np.abs(apart - np.round(apart)) * DIRECTIONS  # around the half circle, in directions
    direction = np.maximum(1 - apart, 0)
    energy: Field = (magnitude[:, None, None] * direction).reshape(STEPS * ANGLES, DIRECTIONS).astype(np.float32)
    return energy
