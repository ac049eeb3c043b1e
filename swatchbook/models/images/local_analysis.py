"""The rules of the local analyst: names of colours, and formulas for pattern, texture, contrast, sharpness and quality.

Lightness here is luma / 2.55 (BT.601), which is close enough to L* for these measures and ten times as fast.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from swatchbook.domain.records import Analysis, ColorShare
from swatchbook.models.images.pixels import rgb_cube, srgb_to_lab
from swatchbook_base.arrays import Pixels

PALETTE: Final = {
    "white": "f4f4f2", "ivory": "efe6d0", "cream": "f3e3b8", "beige": "d8c3a5", "sand": "c2a878",
    "light grey": "c8c9c9", "grey": "949698", "dark grey": "65686b", "anthracite": "3b3f43", "black": "141414",
    "greige": "b7ab9e", "taupe": "8a7b6f", "brown": "7a4f31", "dark brown": "43291d", "walnut brown": "5d4332",
    "oak brown": "b58a5a", "terracotta": "bb6044", "rust": "8e3f22", "red": "c0212b", "burgundy": "661c2b",
    "pink": "e5a5b1", "orange": "e5782a", "apricot": "efb98f", "ochre": "c28a2e", "yellow": "efcb37",
    "olive": "77753c", "green": "3f8548", "light green": "a5cf93", "sage": "9dad93", "dark green": "24452f",
    "mint": "bfe3d0", "teal": "22706f", "turquoise": "43b5b5", "light blue": "a9c9e3", "blue": "2f65ad",
    "grey blue": "72889c", "navy": "1f2c50", "dark blue": "161f8c", "cobalt blue": "2a3fd0",
    "purple": "6b3c80", "lilac": "b9a1cb", "magenta": "c0308f",
}  # fmt: skip
"""Colour names that people search by, each with its sRGB centre. A colour gets the name that is nearest in CIELAB."""

LUMA: Final = np.array([0.299, 0.587, 0.114], np.float32) / np.float32(2.55)
COLOR_BITS: Final = 5
LEAST_COLOR_SHARE: Final = 0.04  # share of the picture; colours with less are not named
MOST_COLORS: Final = 5

# Thresholds, in lightness (0–100) unless noted. On the generated materials of the tests the nearest wrong value is at
# least a quarter away.
PLAIN: Final = 1.5  # spread
LOW_CONTRAST, HIGH_CONTRAST = 10.0, 35.0  # range
EVEN: Final = 1.0  # fine
GRAINED: Final = 0.7  # fine / spread
DIRECTED: Final = 0.7  # stripes
SQUARE: Final = 0.6  # grid
LINED: Final = 0.7  # lines
REPEATED: Final = 0.7  # period
SPARSE: Final = 0.3  # minority
SPECKLED: Final = 0.3  # fine / spread
SCENE: Final = 0.75  # unevenness: nine of ten catalogue scenes and cut-outs exceed it, and one marble in five
EDGE: Final = 10.0  # steepest step; with less there is no edge that could be sharp or blurred
FULL_SIZE: Final = 96.0  # pixels, geometric mean of the sides: larger pictures lose no quality by size


class Measures(NamedTuple):
    """Measures of a picture's lightness."""

    spread: float  # standard deviation
    range: float  # 5th to 95th percentile
    fine: float  # standard deviation within blocks of 4 × 4 pixels, root mean square
    stripes: float  # 0–1: how much all gradients share one direction
    grid: float  # 0–1: how much they share two directions at right angles
    lines: float  # 0–1: how much they share one direction within blocks of 8 × 8 pixels
    period: float  # −1 to 1: how well the picture matches itself when shifted along an axis
    minority: float  # 0–0.5: the smaller of the shares of light and dark pixels
    unevenness: float  # how much its ninths differ in gradient and lightness: more in a scene than in a surface


class ColorNames:
    """A table of the name in PALETTE that is nearest in CIELAB to each colour of 5 bits a channel."""

    def __init__(self) -> None:
        self.names = tuple(PALETTE)
        centres = srgb_to_lab(np.array([list(bytes.fromhex(code)) for code in PALETTE.values()], np.uint8))
        cube = srgb_to_lab(rgb_cube(COLOR_BITS))
        squares = (cube**2).sum(axis=1)[:, None] - 2 * cube @ centres.T + (centres**2).sum(axis=1)
        self._nearest = squares.argmin(axis=1).astype(np.uint8)

    def nearest(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return (n,) indices into `names` for (n, 3) sRGB pixels."""
        red, green, blue = (pixels >> (8 - COLOR_BITS)).astype(np.intp).T
        indices: NDArray[np.uint8] = self._nearest[(red << 2 * COLOR_BITS) + (green << COLOR_BITS) + blue]
        return indices


def analyse(picture: Pixels, color_names: ColorNames) -> Analysis:
    """Return an analysis of a (h, w, 3) uint8 picture; its confidence is the share that the named colours cover."""
    shares = colors(picture, color_names)
    lightness = picture.astype(np.float32) @ LUMA
    measures = measure(lightness)
    return Analysis(
        colors=shares,
        textures=textures(measures),
        pattern=pattern(measures),
        contrast=contrast(measures),
        confidence=round(min(1.0, sum(color.share for color in shares)), 3),
        quality=quality(lightness),
    )


def colors(picture: Pixels, color_names: ColorNames) -> tuple[ColorShare, ...]:
    """Return the colours with at least LEAST_COLOR_SHARE, the largest first, each with the mean of its pixels."""
    pixels = picture.reshape(-1, 3)
    name_of_pixel = color_names.nearest(pixels)
    count = np.bincount(name_of_pixel, minlength=len(color_names.names))
    shares = []
    for number in np.argsort(-count, kind="stable")[:MOST_COLORS]:
        if count[number] >= LEAST_COLOR_SHARE * len(pixels):
            mean = pixels[name_of_pixel == number].mean(axis=0).round().astype(int)
            share = int(count[number] / len(pixels) * 1000) / 1000  # rounded down: shares never sum to more than 1
            code = "#{:02x}{:02x}{:02x}".format(*mean)
            shares.append(ColorShare(name=color_names.names[number], share=share, hex=code))
    return tuple(shares)


def measure(lightness: NDArray[np.float32]) -> Measures:
    """Measure (h, w) lightness, 0–100. A picture with a side under 10 pixels counts as flat.

    Gradient directions are compared at twice their angle, where opposite ones agree (Bigün & Granlund, "Optimal
    orientation detection of linear symmetry", ICCV 1987), and at four times, where right angles agree, too.
    """
    if min(lightness.shape) < 10:
        return Measures(spread=0, range=0, fine=0, stripes=0, grid=0, lines=0, period=0, minority=0, unevenness=0)
    low, high = np.percentile(lightness, (5, 95))
    gx = lightness[1:-1, 2:] - lightness[1:-1, :-2]
    gy = lightness[2:, 1:-1] - lightness[:-2, 1:-1]
    energy = gx * gx + gy * gy
    double = (gx * gx - gy * gy) + 2j * gx * gy
    fourfold = double * double / np.maximum(energy, 1e-6)
    total = max(float(energy.sum()), 1e-6)
    dark = float((lightness < (low + high) / 2).mean())
    means = _ninths(np.sqrt(energy))
    return Measures(
        spread=float(lightness.std()),
        range=float(high - low),
        fine=float(np.sqrt(_blocks(lightness, 4).var(axis=(1, 3)).mean())),
        stripes=float(abs(double.sum())) / total,
        grid=float(abs(fourfold.sum())) / total,
        lines=float(np.abs(_blocks(double, 8).sum(axis=(1, 3))).sum()) / total,
        period=max(period(lightness), period(lightness.T)),
        minority=min(dark, 1 - dark),
        unevenness=float(means.std() / max(means.mean(), 1e-6))
        + float(_ninths(lightness).std() / max(lightness.std(), 1e-6)),
    )


def _ninths(field: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the (3, 3) means of three by three equal parts."""
    rows, columns = field.shape[0] // 3, field.shape[1] // 3
    return np.asarray(field[: rows * 3, : columns * 3].reshape(3, rows, 3, columns).mean(axis=(1, 3)))


def _blocks(field: NDArray[Any], size: int) -> NDArray[Any]:
    """Reshape (h, w) to (h // size, size, w // size, size); incomplete blocks are dropped."""
    rows, columns = field.shape[0] // size, field.shape[1] // size
    return field[: rows * size, : columns * size].reshape(rows, size, columns, size)


def period(field: NDArray[np.float32]) -> float:
    """Return the highest autocorrelation of rows beyond its first valley, up to half the width; 0 for a flat field."""
    width = field.shape[1]
    rows = field - field.mean()
    power = np.abs(np.fft.rfft(rows, 2 * width, axis=1)) ** 2  # Wiener–Khinchin
    correlation = np.fft.irfft(power.mean(axis=0))[: width // 2] / np.arange(width, width - width // 2, -1)
    if correlation[0] < 1e-3:
        return 0.0
    rising = np.flatnonzero(np.diff(correlation) > 0)
    return float(correlation[rising[0] :].max() / correlation[0]) if len(rising) else 0.0


def is_scene(measures: Measures) -> bool:
    """Whether the parts differ too much to be one surface; a scene has no pattern and no texture."""
    return measures.spread >= PLAIN and measures.unevenness > SCENE


def pattern(measures: Measures) -> str | None:
    """Return the name of the pattern; None if no measure is decisive, and for scenes."""
    if measures.spread < PLAIN:
        return "plain"
    if is_scene(measures):
        return None
    if measures.stripes > DIRECTED:
        return "striped" if measures.period > REPEATED else "grained"
    if measures.period > REPEATED:
        if measures.grid < SQUARE:
            return "woven"
        return "tiled" if measures.minority < SPARSE else "chequered"
    if measures.minority < SPARSE:
        if measures.lines > LINED:
            return "veined"
        return "speckled" if measures.fine > SPECKLED * measures.spread else None
    return None if measures.fine > SPECKLED * measures.spread else "mottled"


def textures(measures: Measures) -> tuple[str, ...]:
    """Return the look of the surface: even, fine-grained or coarse-grained, and "directional" if it has a direction."""
    if is_scene(measures):
        return ()
    coarse = "fine-grained" if measures.fine > GRAINED * measures.spread else "coarse-grained"
    grain = "even" if measures.fine < EVEN else coarse
    return (grain, "directional") if measures.stripes > DIRECTED and measures.spread >= PLAIN else (grain,)


def contrast(measures: Measures) -> str:
    """Return "low", "medium" or "high" for the range of lightness."""
    return "low" if measures.range < LOW_CONTRAST else "high" if measures.range > HIGH_CONTRAST else "medium"


def quality(lightness: NDArray[np.float32]) -> float:
    """Return the quality of (h, w) lightness, 0–1: size × exposure × sharpness.

    Size is the geometric mean of the sides relative to FULL_SIZE. Exposure decreases to a half as all pixels become
    black or white.
    """
    height, width = lightness.shape
    size = min(1.0, float(np.sqrt(height * width)) / FULL_SIZE)
    clipped = max(float((lightness < 2).mean()), float((lightness > 99.5).mean()))
    exposure = 1 - 0.5 * clipped**4
    return round(size * exposure * (0.25 + 0.75 * sharpness(lightness)), 3)


def sharpness(lightness: NDArray[np.float32]) -> float:
    """Return the sharpness of (h, w) lightness, 0–1; 1 without an edge.

    It compares the steepest steps (99th percentile) with those of the picture at a quarter of its size: a sharp edge is
    equally steep in both, a blurred one a quarter as steep.
    """
    if min(lightness.shape) < 16:
        return 1.0
    steep, steep_reduced = _steepest_steps(lightness), _steepest_steps(_blocks(lightness, 4).mean(axis=(1, 3)))
    if steep_reduced < EDGE:
        return 1.0
    return min(1.0, max(0.0, (steep / steep_reduced - 0.25) / 0.5))


def _steepest_steps(field: NDArray[np.float32]) -> float:
    across, down = np.abs(field[:, 2:] - field[:, :-2]), np.abs(field[2:] - field[:-2])
    return float(max(np.percentile(across, 99), np.percentile(down, 99)))
