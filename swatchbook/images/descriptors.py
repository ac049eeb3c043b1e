"""The formulas of the local vectors `color`, `texture` and `visual`: histograms of CIELAB colour and of texture at five
scales, and how they are weighted. Signal processing in torch, no learned weights. `models/local_encoder.py` only
applies them.

Every block is a soft histogram, computed in three steps: pixels are *counted* on a fine grid (integers, so the result
is exact and the same in any batch), the counts are *smoothed* by a fixed non-negative matrix, and the *square root* is
taken, which makes the dot product of two blocks the Bhattacharyya coefficient of their distributions (the Hellinger
kernel: Arandjelović & Zisserman, "Three things everyone should know to improve object retrieval", CVPR 2012).
A histogram of at least one pixel is never zero, so no vector is zero, even of plain white, plain black or 1×1.

- `color`: the joint distribution of CIELAB, and that of (a*, b*) alone, which lighting changes less.
- `texture`: Basic Image Features (Crosier & Griffin, "Using Basic Image Features for Texture Classification",
  IJCV 88, 2010): each pixel of each octave is classified as flat, slope, dark or light blob, dark or light line, or
  saddle; counted jointly with the octave above. In addition the gradient energy by octave and direction.
- `visual`: both, and the layout: colour and gradient direction in 3 × 3 cells (the spatial pyramid of Lazebnik,
  Schmid & Ponce, CVPR 2006, at one level).

Pictures of any shape are put on a square canvas: each is continued beyond its edges by reflection, so that filters find
no false edge, and only the picture's pixels are counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import asinh, pi, prod, sqrt
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from swatchbook.images.cielab import rgb_cube, srgb_to_lab
from swatchbook.images.encoder_input import shrink
from swatchbook.records import Role

RGB_BITS: Final = 6  # a step of 4 in 255 is less than JPEG keeps
COLOR_CELLS: Final = (16, 25, 25)  # of L*, a*, b*: odd, so that greys lie inside a cell and not between two
COLOR_BINS: Final = (8, 7, 7)
CHROMA_BINS: Final = (1, 9, 9)
LAYOUT_CELLS: Final = (8, 9, 9)
LAYOUT_BINS: Final = (4, 3, 3)
LAYOUT_SIDE: Final = 3  # parts a side
NEUTRAL: Final = 8.0  # a*, b* up to which chroma counts in full; beyond it logarithmically: materials are muted
SPREAD: Final = 0.6  # of a bin's Gaussian, in bins

OCTAVES: Final = 5
FEATURES: Final = 7  # flat, slope, dark blob, dark line, saddle, light blob, light line
BLOB, LINE = 2, 3
STEPS: Final = 8  # of gradient: below FLOOR, then doubling
ANGLES: Final = 16  # fine directions over 180°
DIRECTIONS: Final = 8
FLATNESS: Final = 0.03  # ε of Crosier & Griffin: a slope below this share of the local brightness is flat
FLOOR: Final = 0.01  # gradient, as a share of the local brightness, that JPEG noise reaches
OCTAVE_SPREAD: Final = 0.9  # octaves: a closer view of the same material is similar
DARKNESS: Final = 16.0  # of 255, added to brightness before a division by it
LAYOUT_OCTAVE: Final = 2

COLOR: Final = prod(COLOR_BINS) + prod(CHROMA_BINS)
TEXTURE: Final = (OCTAVES - 1) * FEATURES**2 + OCTAVES * (DIRECTIONS // 2 + 1) + 1
LAYOUT: Final = LAYOUT_SIDE**2 * (prod(LAYOUT_BINS) + DIRECTIONS + 1)
VISUAL: Final = COLOR + TEXTURE + LAYOUT

Axes = tuple[Tensor, Tensor, Tensor]


@dataclass(frozen=True, slots=True)
class Canvas:
    """Pictures of several shapes, each in the upper left of a square."""

    pixels: Tensor  # (n, side, side, 3) uint8
    inside: Tensor  # (n, side, side) bool: whether the pixel is the picture's
    region: Tensor  # (n, side, side) int32: which of the picture's LAYOUT_SIDE² parts


@dataclass(frozen=True, slots=True)
class Octave:
    """Features and gradients at each pixel of one octave."""

    inside: Tensor  # (n, s, s) bool
    feature: Tensor  # (n, s, s) uint8 below FEATURES
    gradient: Tensor  # (n, s, s) int32 below STEPS * ANGLES


@dataclass(frozen=True, slots=True)
class Tables:
    """The constant tables of the descriptors."""

    color_cell: Tensor  # (2^18,) int32: RGB of 6 bits a channel -> cell of COLOR_CELLS
    layout_cell: Tensor  # (2^18,) int32 -> cell of LAYOUT_CELLS
    color: Axes  # cells -> bins, for each axis
    chroma: Axes
    layout: Axes
    energy: Tensor  # (STEPS * ANGLES, DIRECTIONS): what a gradient cell adds to each direction


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


def lay_out(pictures: Sequence[NDArray[np.uint8]], side: int) -> Canvas:
    """Put (h, w, 3) uint8 pictures on squares of `side` pixels: larger ones are shrunk, all continued by reflection."""
    pixels = np.empty((len(pictures), side, side, 3), np.uint8)
    inside = np.zeros((len(pictures), side, side), np.bool_)
    region = np.empty((len(pictures), side, side), np.int32)
    coordinate = np.arange(side)
    for n, picture in enumerate(shrink(picture, side) for picture in pictures):
        height, width, _ = picture.shape
        pixels[n, :height, :width] = picture
        pixels[n, height:, :width] = picture[_reflect(coordinate[height:], height)]
        pixels[n, :, width:] = pixels[n][:, _reflect(coordinate[width:], width)]
        inside[n, :height, :width] = True
        row, column = (np.minimum(coordinate * LAYOUT_SIDE // length, LAYOUT_SIDE - 1) for length in (height, width))
        region[n] = row[:, None] * LAYOUT_SIDE + column
    return Canvas(torch.from_numpy(pixels), torch.from_numpy(inside), torch.from_numpy(region))


def compute_vectors(canvas: Canvas, tables: Tables) -> dict[Role, Tensor]:
    """Return `color` (n, COLOR), `texture` (n, TEXTURE) and `visual` (n, VISUAL): float32, unit length."""
    octaves, rgb = _octaves(canvas), _rgb_cells(canvas)
    color = _color(canvas, rgb, tables)
    texture = _texture(octaves, tables)
    layout = _layout(canvas, rgb, octaves[LAYOUT_OCTAVE], tables)
    visual = _concatenate((0.4, color), (0.3, texture), (0.3, layout))
    return {Role.COLOR: color, Role.TEXTURE: texture, Role.VISUAL: visual}


# --- the blocks -------------------------------------------------------------------------------------------------------


def _color(canvas: Canvas, rgb: Tensor, tables: Tables) -> Tensor:
    share = _count(tables.color_cell[rgb], canvas.inside[:, ::2, ::2], prod(COLOR_CELLS))
    joint, chroma = _smooth(share, COLOR_CELLS, tables.color), _smooth(share, COLOR_CELLS, tables.chroma)
    return _concatenate((0.4, joint.sqrt()), (0.6, chroma.sqrt()))


def _texture(octaves: Sequence[Octave], tables: Tables) -> Tensor:
    pairs = torch.stack(
        [
            _count(fine.feature * FEATURES + _double(coarse.feature), fine.inside, FEATURES**2)
            for fine, coarse in pairwise(octaves)
        ],
        dim=1,
    )
    energy = torch.stack([_count(o.gradient, o.inside, STEPS * ANGLES) @ tables.energy for o in octaves], dim=1)
    turned = torch.fft.rfft(energy).abs()  # the same however the picture is turned
    floor = torch.full_like(turned[:, 0, :1], FLOOR)
    return _concatenate(
        (0.6, _across(pairs).flatten(1).sqrt()), (0.4, torch.cat([_across(turned).flatten(1), floor], dim=1).sqrt())
    )


def _across(octaves: Tensor) -> Tensor:
    """(n, octaves, d), each octave mixed with its neighbours: a picture twice as near is the same material."""
    count = octaves.shape[1]
    distance = torch.arange(count)[:, None] - torch.arange(count)
    weight = torch.exp(-0.5 * (distance / OCTAVE_SPREAD) ** 2)
    return (weight / weight.sum(dim=1, keepdim=True)) @ octaves


def _layout(canvas: Canvas, rgb: Tensor, octave: Octave, tables: Tables) -> Tensor:
    n, parts, colors, gradients = len(rgb), LAYOUT_SIDE**2, prod(LAYOUT_CELLS), STEPS * ANGLES
    cell = tables.layout_cell[rgb] + canvas.region[:, ::2, ::2] * colors
    share = _count(cell, canvas.inside[:, ::2, ::2], parts * colors)
    color = _smooth(share.view(-1, colors), LAYOUT_CELLS, tables.layout)

    step = 2**LAYOUT_OCTAVE
    share = _count(octave.gradient + canvas.region[:, ::step, ::step] * gradients, octave.inside, parts * gradients)
    share = share.view(-1, gradients)
    energy = torch.cat([share @ tables.energy, FLOOR * share.sum(dim=1, keepdim=True)], dim=1)
    return _concatenate((0.6, color.reshape(n, -1).sqrt()), (0.4, energy.reshape(n, -1).sqrt()))


def _octaves(canvas: Canvas) -> list[Octave]:
    luma = canvas.pixels.float() @ torch.tensor([0.299, 0.587, 0.114])  # BT.601, as JPEG has it
    inside, octaves = canvas.inside, []
    for _ in range(OCTAVES):
        octaves.append(_octave(luma, inside))
        luma = functional.avg_pool2d(luma, 2)
        inside = inside[:, ::2, ::2]
    return octaves


def _octave(luma: Tensor, inside: Tensor) -> Octave:
    """Compute features (equation 2 of Crosier & Griffin) and gradients from (n, s, s) float luma, 0–255.

    Derivatives are those of a Gaussian of variance 1/2, approximated by binomials. Every response is eight times that
    of the paper, which avoids dividing by the binomials' weights.
    """
    padded = functional.pad(luma, (1, 1, 1, 1), mode="replicate")
    smooth, first = _smooth_along(padded, 2), _first_along(padded, 2)
    s10, s01, s11 = _smooth_along(first, 1), _first_along(smooth, 1), _first_along(first, 1)
    s20, s02 = _smooth_along(_second_along(padded, 2), 1), _second_along(smooth, 1)

    bright = _smooth_along(smooth, 1) * 0.5 + 8 * DARKNESS
    slope = _length(s10, s01) * sqrt(0.5)
    bend = s20 + s02
    bent = bend.abs()
    saddle = _length(s20 - s02, s11 * 2)
    kind, best = torch.zeros_like(slope, dtype=torch.uint8), bright * FLATNESS
    for number, response in enumerate((slope * 2, bent, (saddle + bent) * sqrt(0.5), saddle), start=1):
        kind = torch.maximum(kind, (response > best).byte() * number)
        best = torch.maximum(response, best)
    light = (bend < 0) & ((kind == BLOB) | (kind == LINE))

    step = torch.log2(slope / bright * (2 / FLOOR) + 1e-9).clamp(0, STEPS - 1).int()
    angle = (torch.atan2(s01, s10) * (ANGLES / pi) + ANGLES).int() & (ANGLES - 1)
    return Octave(inside, kind + light.byte() * 3, step * ANGLES + angle)


def _smooth_along(x: Tensor, dim: int) -> Tensor:
    """Filter by 1 2 1 along an axis, which becomes shorter by 2."""
    before, here, after = _neighbours(x, dim)
    return torch.add(before + after, here, alpha=2)


def _first_along(x: Tensor, dim: int) -> Tensor:
    """Filter by −1 0 1 along an axis, which becomes shorter by 2."""
    before, _, after = _neighbours(x, dim)
    return after - before


def _second_along(x: Tensor, dim: int) -> Tensor:
    """Filter by 1 −2 1 along an axis, which becomes shorter by 2."""
    before, here, after = _neighbours(x, dim)
    return torch.add(before + after, here, alpha=-2)


def _neighbours(x: Tensor, dim: int) -> tuple[Tensor, Tensor, Tensor]:
    length = x.shape[dim] - 2
    return x.narrow(dim, 0, length), x.narrow(dim, 1, length), x.narrow(dim, 2, length)


def _length(x: Tensor, y: Tensor) -> Tensor:
    """Return √(x² + y²). torch.hypot, which also prevents overflow, takes three times as long."""
    return torch.addcmul(x * x, y, y).sqrt_()


# --- counting ---------------------------------------------------------------------------------------------------------


def _rgb_cells(canvas: Canvas) -> Tensor:
    """Return the RGB cell, (n, side / 2, side / 2) int32 below 2^18, of every second pixel of every second row."""
    red, green, blue = (canvas.pixels[:, ::2, ::2].int() >> (8 - RGB_BITS)).unbind(dim=-1)
    return (red << (2 * RGB_BITS)) + (green << RGB_BITS) + blue


def _count(cell: Tensor, inside: Tensor, cells: int) -> Tensor:
    """Count (n, h, w) cells: return (n, cells) float32, the share of each among the pixels inside."""
    n = len(cell)
    offset = torch.arange(n, dtype=torch.int32).view(-1, 1, 1) * cells
    outside = n * cells
    counts = torch.bincount(torch.where(inside, cell + offset, outside).flatten(), minlength=outside + 1)
    count = counts[:outside].view(n, cells).float()
    return count / count.sum(dim=1, keepdim=True)


def _smooth(share: Tensor, cells: tuple[int, int, int], axes: Axes) -> Tensor:
    """Smooth (n, cells) to (n, bins), axis by axis."""
    return torch.einsum("nijk,ix,jy,kz->nxyz", share.view(-1, *cells), *axes).flatten(1)


def _concatenate(*blocks: tuple[float, Tensor]) -> Tensor:
    """Concatenate blocks, each of unit length; the weight is the block's part of the cosine."""
    return torch.cat([sqrt(weight) * functional.normalize(block, dim=1) for weight, block in blocks], dim=1)


def _double(coarse: Tensor) -> Tensor:
    """Enlarge (n, s, s) to (n, 2s, 2s), repeating each value for 2 × 2 pixels."""
    n, side, _ = coarse.shape
    return coarse[:, :, None, :, None].expand(n, side, 2, side, 2).reshape(n, 2 * side, 2 * side)


# --- the tables -------------------------------------------------------------------------------------------------------


def _cells(unit: NDArray[np.float32], cells: tuple[int, int, int]) -> Tensor:
    """Return (m,) cell numbers for (m, 3) coordinates from 0 to 1."""
    index = np.clip((unit * cells).astype(np.int64), 0, np.array(cells) - 1)
    return torch.from_numpy(np.ravel_multi_index(tuple(index.T), cells).astype(np.int32))


def _smoothing(cells: tuple[int, int, int], bins: tuple[int, int, int]) -> Axes:
    """Return a (cells, bins) matrix for each axis: a Gaussian at each bin's centre, rows of sum 1."""

    def axis(cells: int, bins: int) -> Tensor:
        distance = (torch.arange(cells)[:, None] + 0.5) / cells * bins - (torch.arange(bins) + 0.5)
        weight = torch.exp(-0.5 * (distance / SPREAD) ** 2)
        return weight / weight.sum(dim=1, keepdim=True)

    first, second, third = (axis(c, b) for c, b in zip(cells, bins, strict=True))
    return first, second, third


def _energy() -> Tensor:
    """Return (STEPS * ANGLES, DIRECTIONS): the energy that each gradient cell adds to each direction."""
    magnitude = FLOOR * 2 ** (torch.arange(STEPS) - 0.5)
    magnitude[0] = 0.0
    apart = (torch.arange(ANGLES)[:, None] + 0.5) / ANGLES - torch.arange(DIRECTIONS) / DIRECTIONS
    apart = (apart - apart.round()).abs() * DIRECTIONS  # around the half circle, in directions
    direction = torch.clamp(1 - apart, min=0)
    return (magnitude[:, None, None] * direction).reshape(STEPS * ANGLES, DIRECTIONS)


def _reflect(coordinate: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    """Map coordinates to 0…length−1 by reflection at both ends: 0 1 2 2 1 0 0 1 …"""
    turn = coordinate % (2 * length)
    return np.minimum(turn, 2 * length - 1 - turn)
