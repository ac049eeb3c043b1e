"""What arithmetic can say about how a picture looks: colours by name, pattern, texture, contrast, quality.

It names nothing that it does not measure: material, finish, dimensions and the like stay empty.
Lightness here is luma / 2.55 (BT.601), close to L* for what it is used for, and a tenth of its price.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from swatchbook.arrays import Pixels
from swatchbook.images.cielab import rgb_cube, srgb_to_lab
from swatchbook.records import Analysis, ColorShare

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
"""Names that people search materials by, each at its middle in sRGB. A colour is called by the nearest in CIELAB."""

LUMA: Final = np.array([0.299, 0.587, 0.114], np.float32) / np.float32(2.55)
COLOR_BITS: Final = 5
LEAST_SHARE: Final = 0.04  # of a colour worth naming
MOST_COLORS: Final = 5

# Thresholds, in lightness (0–100) where not said otherwise; the margins on the generated materials of the tests are
# wide: the nearest wrong value is at least a quarter away.
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
SCENE: Final = 0.75  # unevenness: above it are nine of ten catalogue scenes and cut-outs, and one marble in five
EDGE: Final = 10.0  # steepest step from which there is an edge to be sharp or blurred
FULL_SIZE: Final = 96.0  # pixels: geometric mean of the sides from which size no longer limits quality


class Measures(NamedTuple):
    """What is measured of a picture's lightness."""

    spread: float  # standard deviation
    range: float  # 5th to 95th percentile
    fine: float  # standard deviation within blocks of 4 × 4 pixels, root mean square
    stripes: float  # 0–1: how far all gradients share one direction
    grid: float  # 0–1: how far they share two directions at right angles
    lines: float  # 0–1: how far they do so within blocks of 8 × 8, whatever the direction
    period: float  # −1 to 1: how well it comes to lie on itself again when moved along an axis
    minority: float  # 0–0.5: share of the rarer side where light is parted from dark
    unevenness: float  # how far its ninths differ in gradient and lightness: a scene more than a surface


class ColorNames:
    """Which name of PALETTE is nearest in CIELAB to each colour of 5 bits a channel."""

    def __init__(self) -> None:
        self.names = tuple(PALETTE)
        middles = srgb_to_lab(np.array([list(bytes.fromhex(code)) for code in PALETTE.values()], np.uint8))
        cube = srgb_to_lab(rgb_cube(COLOR_BITS))
        squares = (cube**2).sum(axis=1)[:, None] - 2 * cube @ middles.T + (middles**2).sum(axis=1)
        self._nearest = squares.argmin(axis=1).astype(np.uint8)

    def of(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(n, 3) sRGB to (n,) places in `names`."""
        red, green, blue = (pixels >> (8 - COLOR_BITS)).astype(np.intp).T
        places: NDArray[np.uint8] = self._nearest[(red << 2 * COLOR_BITS) + (green << COLOR_BITS) + blue]
        return places


def describe(picture: Pixels, named: ColorNames) -> Analysis:
    """What is measured, in words. `confidence`: the share of the picture that its named colours cover."""
    shares = colors(picture, named)
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


def colors(picture: Pixels, named: ColorNames) -> tuple[ColorShare, ...]:
    """Colours of at least LEAST_SHARE, the largest first, each with the mean of the pixels called so."""
    pixels = picture.reshape(-1, 3)
    name = named.of(pixels)
    count = np.bincount(name, minlength=len(named.names))
    found = []
    for number in np.argsort(-count, kind="stable")[:MOST_COLORS]:
        if count[number] >= LEAST_SHARE * len(pixels):
            mean = pixels[name == number].mean(axis=0).round().astype(int)
            share = int(count[number] / len(pixels) * 1000) / 1000  # rounded down: shares never sum to more than 1
            found.append(ColorShare(name=named.names[number], share=share, hex="#{:02x}{:02x}{:02x}".format(*mean)))
    return tuple(found)


def measure(lightness: NDArray[np.float32]) -> Measures:
    """Measures of (h, w) lightness, 0–100. A picture of fewer than 10 pixels a side is taken for flat.

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
    return Measures(
        spread=float(lightness.std()),
        range=float(high - low),
        fine=float(np.sqrt(_blocks(lightness, 4).var(axis=(1, 3)).mean())),
        stripes=float(abs(double.sum())) / total,
        grid=float(abs(fourfold.sum())) / total,
        lines=float(np.abs(_blocks(double, 8).sum(axis=(1, 3))).sum()) / total,
        period=max(period(lightness), period(lightness.T)),
        minority=min(dark, 1 - dark),
        unevenness=_deviation(np.sqrt(energy)) + float(_ninths(lightness).std() / max(lightness.std(), 1e-6)),
    )


def _deviation(field: NDArray[np.float32]) -> float:
    """Standard deviation of the means of its ninths, relative to the mean of all."""
    means = _ninths(field)
    return float(means.std() / max(means.mean(), 1e-6))


def _ninths(field: NDArray[np.float32]) -> NDArray[np.float32]:
    """(3, 3) means of three by three equal parts."""
    rows, columns = field.shape[0] // 3, field.shape[1] // 3
    return np.asarray(field[: rows * 3, : columns * 3].reshape(3, rows, 3, columns).mean(axis=(1, 3)))


def _blocks(field: NDArray[Any], size: int) -> NDArray[Any]:
    """(h, w) to (h // size, size, w // size, size); what does not fill a block is left out."""
    rows, columns = field.shape[0] // size, field.shape[1] // size
    return field[: rows * size, : columns * size].reshape(rows, size, columns, size)


def period(field: NDArray[np.float32]) -> float:
    """The highest autocorrelation of the rows beyond its first valley, up to half the width; 0 for a flat field."""
    width = field.shape[1]
    rows = field - field.mean()
    power = np.abs(np.fft.rfft(rows, 2 * width, axis=1)) ** 2  # Wiener–Khinchin
    correlation = np.fft.irfft(power.mean(axis=0))[: width // 2] / np.arange(width, width - width // 2, -1)
    if correlation[0] < 1e-3:
        return 0.0
    rising = np.flatnonzero(np.diff(correlation) > 0)
    return float(correlation[rising[0] :].max() / correlation[0]) if len(rising) else 0.0


def is_scene(m: Measures) -> bool:
    """Whether its parts differ too much to be one surface; then it has no pattern and no texture of its own."""
    return m.spread >= PLAIN and m.unevenness > SCENE


def pattern(m: Measures) -> str | None:
    """The word for what is measured; None where no measure is decisive, and for scenes."""
    if m.spread < PLAIN:
        return "plain"
    if is_scene(m):
        return None
    if m.stripes > DIRECTED:
        return "striped" if m.period > REPEATED else "grained"
    if m.period > REPEATED:
        if m.grid < SQUARE:
            return "woven"
        return "tiled" if m.minority < SPARSE else "chequered"
    if m.minority < SPARSE:
        if m.lines > LINED:
            return "veined"
        return "speckled" if m.fine > SPECKLED * m.spread else None
    return None if m.fine > SPECKLED * m.spread else "mottled"


def textures(m: Measures) -> tuple[str, ...]:
    """How the surface looks, not how it feels: even, fine-grained or coarse-grained, and whether it has a direction."""
    if is_scene(m):
        return ()
    grain = "even" if m.fine < EVEN else "fine-grained" if m.fine > GRAINED * m.spread else "coarse-grained"
    return (grain, "directional") if m.stripes > DIRECTED and m.spread >= PLAIN else (grain,)


def contrast(m: Measures) -> str:
    """low, medium or high."""
    return "low" if m.range < LOW_CONTRAST else "high" if m.range > HIGH_CONTRAST else "medium"


def quality(lightness: NDArray[np.float32]) -> float:
    """0–1: size × exposure × sharpness.

    Size: geometric mean of the sides against FULL_SIZE. Exposure: loses up to half as all of it nears black or blown
    out. Sharpness: the steepest steps (99th percentile) against those of the picture at a quarter of its size; a sharp
    edge is as steep in both, a blurred one a quarter. Without an edge nothing can be blurred.
    """
    height, width = lightness.shape
    size = min(1.0, float(np.sqrt(height * width)) / FULL_SIZE)
    lost = max(float((lightness < 2).mean()), float((lightness > 99.5).mean()))
    exposure = 1 - 0.5 * lost**4
    return round(size * exposure * (0.25 + 0.75 * sharpness(lightness)), 3)


def sharpness(lightness: NDArray[np.float32]) -> float:
    if min(lightness.shape) < 16:
        return 1.0
    steep, steep_from_afar = _steepest(lightness), _steepest(_blocks(lightness, 4).mean(axis=(1, 3)))
    if steep_from_afar < EDGE:
        return 1.0
    return min(1.0, max(0.0, (steep / steep_from_afar - 0.25) / 0.5))


def _steepest(field: NDArray[np.float32]) -> float:
    across, down = np.abs(field[:, 2:] - field[:, :-2]), np.abs(field[2:] - field[:-2])
    return float(max(np.percentile(across, 99), np.percentile(down, 99)))
