"""A picture that the image network recognises without any photograph: a clock with its figures and hands."""

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from swatchbook_base.arrays import Pixels


def drawn_clock(ground: str = "white") -> Pixels:
    """Return a clock on a ground of this colour, (400, 400, 3) uint8."""
    image = Image.new("RGB", (400, 400), ground)
    draw = ImageDraw.Draw(image)
    draw.ellipse((40, 40, 360, 360), fill="white", outline="black", width=14)
    for hour in range(1, 13):
        angle = math.pi * (hour / 6 - 0.5)
        place = 200 + 122 * math.cos(angle), 200 + 122 * math.sin(angle)
        draw.text(place, str(hour), fill="black", font=ImageFont.load_default(30), anchor="mm")
    draw.line((200, 200, 200, 110), fill="black", width=8)
    draw.line((200, 200, 265, 235), fill="black", width=10)
    return np.asarray(image)
