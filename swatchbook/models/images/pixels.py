"""Shrink decoded pictures, and convert colours to CIELAB, where Euclidean distance is the difference people see."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from swatchbook_base.arrays import Pixels

_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
"""The matrix from linear sRGB to XYZ (IEC 61966-2-1)."""

_WHITE = _XYZ.sum(axis=1)  # the D65 white, computed from the matrix so that greys get a* = b* = 0 exactly


def srgb_to_lab(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Convert (..., 3) uint8 sRGB to (..., 3) float32: L* 0–100, a* and b* about −110 to 100 (CIE 15:2004, D65, 2°)."""
    value = np.arange(256) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)[rgb]
    ratio = linear @ (_XYZ.T / _WHITE)
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = f[..., 0], f[..., 1], f[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1).astype(np.float32)


def rgb_cube(bits: int) -> NDArray[np.uint8]:
    """Return (2^(3·bits), 3) uint8: the centre colour of every cell when each channel keeps its `bits` highest bits."""
    step = 1 << (8 - bits)
    axis = np.arange(0, 256, step) + step // 2
    return np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3).astype(np.uint8)


def shrink(picture: Pixels, side: int) -> Pixels:
    """Return a (h, w, 3) uint8 picture with its longest side at most `side` pixels; a smaller one is unchanged."""
    scale = side / max(picture.shape[:2])
    if scale >= 1:
        return picture
    height, width = (max(1, round(length * scale)) for length in picture.shape[:2])
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.BILINEAR))
