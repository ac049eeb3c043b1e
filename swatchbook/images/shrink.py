"""Shrink a decoded picture to the longest side that a model needs, with Pillow's antialiased bilinear filter.

The picture may be larger because another model needs more pixels.
"""

import numpy as np
from PIL import Image

from swatchbook.arrays import Pixels


def shrink(picture: Pixels, side: int) -> Pixels:
    """Return a (h, w, 3) uint8 picture with its longest side at most `side` pixels; a smaller one is unchanged."""
    scale = side / max(picture.shape[:2])
    if scale >= 1:
        return picture
    height, width = (max(1, round(length * scale)) for length in picture.shape[:2])
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.BILINEAR))
