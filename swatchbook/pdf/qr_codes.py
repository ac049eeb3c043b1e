"""Codes to scan (QR) among the pictures of a page: they say where to look, and show no product. They are read, on the
page as it is seen: shoes and shirts have "corner marks", too. It runs in the child, which imports OpenCV only for
pictures that may be one.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from swatchbook.geometry import Box, long_side, short_side

if TYPE_CHECKING:
    from PIL.Image import Image

SMALLEST, LARGEST = 25.0, 220.0  # points: phones read no smaller ones, posters have larger ones
SQUARE = 0.85  # width by height; texts stand below some
PLAIN_EDGE = 0.9  # of its edge in one colour: the quiet zone that a code needs
CODE_SIDE = 300  # pixels of a rendered code: five a module, and more
LEAST_FILLED = 0.3  # of the picture: smaller codes are printed on packages


def is_code(box: Box, traits: Mapping[str, float], render: Callable[[float], "Image"]) -> bool:
    """Whether a picture of a page is a code to scan. `render` paints its box with so many pixels a point."""
    if not SMALLEST <= short_side(box) <= LARGEST or short_side(box) < SQUARE * long_side(box):
        return False
    if traits["edge"] < PLAIN_EDGE:
        return False
    import cv2
    import numpy as np

    grey = np.asarray(render(CODE_SIDE / long_side(box)).convert("L"))
    try:
        text, corners, _ = cv2.QRCodeDetector().detectAndDecode(grey)
    except cv2.error:  # it fails on some corners that cannot be one code's
        return False
    return bool(text) and cv2.contourArea(corners[0]) >= LEAST_FILLED * grey.size
