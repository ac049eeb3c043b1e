"""Generated materials: patterns in palettes, each with as many different pieces as wanted."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Field = NDArray[np.float64]
"""(side, side) from 0 to 1: where the second colour of a palette shows."""


def noise(rng: np.random.Generator, side: int, grain: float, stretch: float = 1.0) -> Field:
    """Smooth noise with lumps of `grain` pixels, `stretch` times longer down than across."""
    rows, columns = max(2, round(side / grain / stretch)), max(2, round(side / grain))
    lumps = Image.fromarray(rng.normal(size=(rows + 2, columns + 2)).astype(np.float32))
    field = np.asarray(lumps.resize((side, side), Image.Resampling.BICUBIC), np.float64)
    return (field - field.min()) / (np.ptp(field) or 1)


def wood(rng: np.random.Generator, side: int) -> Field:
    x = np.linspace(0, 14, side)[None, :] + 3 * noise(rng, side, side / 3, 4)
    return 0.35 + 0.3 * np.sin(2 * np.pi * x) * noise(rng, side, side / 5, 3) + 0.25 * noise(rng, side, 3, 25)


def marble(rng: np.random.Generator, side: int) -> Field:
    bend = noise(rng, side, side / 3) + 0.3 * noise(rng, side, side / 12)
    return np.exp(-60 * np.abs(bend - bend.mean() - 0.12)) * 0.9 + 0.1 * noise(rng, side, side / 6)


def terrazzo(rng: np.random.Generator, side: int) -> Field:
    field = np.zeros((side, side))
    y, x = np.mgrid[:side, :side]
    for row, column, size in zip(*rng.integers(0, side, (2, 220)), rng.integers(6, 22, 220), strict=True):
        top, left = max(0, row - size), max(0, column - size)
        part = np.s_[top : row + size, left : column + size]
        near = np.abs(y[part] - row) + 0.7 * np.abs(x[part] - column) + 0.4 * np.abs(y[part] - row + x[part] - column)
        field[part][near < size] = rng.uniform(0.4, 1)
    return field


def speckle(rng: np.random.Generator, side: int) -> Field:
    return (noise(rng, side, 4) > 0.66).astype(float) * 0.9 + 0.1 * noise(rng, side, 2)


def weave(rng: np.random.Generator, side: int) -> Field:
    y, x = np.mgrid[:side, :side] / 9
    over = (np.floor(x) + np.floor(y)) % 2
    thread = np.where(over == 1, np.sin(np.pi * (x % 1)), np.sin(np.pi * (y % 1)))
    return 0.15 + 0.6 * thread + 0.25 * noise(rng, side, 2)


def stripes(rng: np.random.Generator, side: int) -> Field:
    x = np.arange(side) + rng.uniform(0, 60)
    return np.broadcast_to((x % 60 < 24).astype(float), (side, side)) * 0.9 + 0.05 * noise(rng, side, 2)


def checks(rng: np.random.Generator, side: int) -> Field:
    y, x = np.mgrid[:side, :side] + rng.uniform(0, 80, (2, 1, 1))
    return ((y // 40 + x // 40) % 2) * 0.9 + 0.05 * noise(rng, side, 2)


def bricks(rng: np.random.Generator, side: int) -> Field:
    y, x = np.mgrid[:side, :side] + rng.uniform(0, 100, (2, 1, 1))
    row = y // 34
    joint = (y % 34 < 4) | ((x + 45 * (row % 2)) % 90 < 4)
    return joint * 0.85 + ~joint * (0.15 * noise(rng, side, 6))


def concrete(rng: np.random.Generator, side: int) -> Field:
    return 0.6 * noise(rng, side, side / 7) + 0.25 * noise(rng, side, side / 30) + 0.1 * noise(rng, side, 2)


def plain(rng: np.random.Generator, side: int) -> Field:
    return 0.02 * noise(rng, side, side / 2)


PATTERNS: Mapping[str, Callable[[np.random.Generator, int], Field]] = {
    f.__name__: f for f in (wood, marble, terrazzo, speckle, weave, stripes, checks, bricks, concrete, plain)
}

PALETTES: Mapping[str, tuple[tuple[int, int, int], tuple[int, int, int]]] = {
    "carrara": ((236, 236, 234), (120, 124, 130)), "oak": ((202, 165, 118), (139, 98, 58)),
    "slate": ((70, 76, 82), (128, 134, 138)), "terracotta": ((186, 98, 66), (226, 190, 160)),
    "sage": ((158, 172, 148), (92, 110, 88)), "navy": ((38, 52, 92), (186, 194, 212)),
}  # fmt: skip


def material(pattern: str, palette: str, piece: int = 0, side: int = 480) -> NDArray[np.uint8]:
    """(side, side, 3): a piece of this pattern in this palette; another number, another piece of the same."""
    rng = np.random.default_rng([piece, *pattern.encode(), *palette.encode()])
    share = np.clip(PATTERNS[pattern](rng, side), 0, 1)[..., None]
    first, second = (np.array(color, float) for color in PALETTES[palette])
    return np.clip(first * (1 - share) + second * share + rng.normal(0, 1.5, (side, side, 1)), 0, 255).astype(np.uint8)


def print_of(width: int, height: int) -> Image.Image:
    """A picture with structure at every scale, as print has it."""
    rng = np.random.default_rng(width)
    surface = np.full((height, width, 3), rng.uniform(60, 200, 3))
    for octave in range(7):
        lumps = rng.normal(0, 1, (max(1, height >> octave), max(1, width >> octave))).astype(np.float32)
        wave = Image.fromarray(lumps).resize((width, height), Image.Resampling.BICUBIC)
        surface += np.asarray(wave)[..., None] * 2.5 * 1.35**octave
    return Image.fromarray(surface.clip(0, 255).astype(np.uint8))
