"""Find QR codes among the pictures of a page, because they show no product (in the child process).

A code is read from the page as it is seen, since shoes and shirts have "corner marks", too.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from swatchbook_base.geometry import Box, long_side, short_side

if TYPE_CHECKING:
    from PIL.Image import Image

SMALLEST, LARGEST = 25.0, 220.0  # points; phones read no smaller codes, and larger ones are on posters
SQUARE = 0.85  # the least width over height; some have text below
PLAIN_EDGE = 0.9  # the least share of its edge in one colour: the quiet zone that a code needs
CODE_SIDE = 300  # pixels of a rendered code: five or more for each module
LEAST_FILLED = 0.3  # the least share of the picture; smaller codes are printed on packages


def is_code(box: Box, traits: Mapping[str, float], render: Callable[[float], "Image"]) -> bool:
    """Return whether a picture of a page is a QR code. `render` paints its box at a given number of pixels a point."""
    if not SMALLEST <= short_side(box) <= LARGEST or short_side(box) < SQUARE * long_side(box):
        return False
    if traits["edge"] < PLAIN_EDGE:
        return False
    import cv2
    import numpy as np

    grey = np.asarray(render(CODE_SIDE / long_side(box)).convert("L"))
    try:
        text, corners, _ = cv2.QRCodeDetector().detectAndDecode(grey)
    except cv2.error:  # OpenCV fails on some corners that cannot be those of a code
        return False
    return bool(text) and cv2.contourArea(corners[0]) >= LEAST_FILLED * grey.size
