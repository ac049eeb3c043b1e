"""Small catalogues that share nothing with each other, so that each has its own pictures to make."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pymupdf
from PIL import Image

_A_PAGE = 4
_SIDE = 160  # pixels: a picture, not a decoration


MakePicture = Callable[[np.random.Generator], bytes]
"""One picture, as PNG or JPEG."""


def make_catalogue(path: Path, *, pictures: int, picture: MakePicture | None = None) -> Path:
    """A PDF with so many different pictures, four a page, all named after the file, each as `picture` makes it."""
    dice = np.random.default_rng(list(path.stem.encode()))
    book = pymupdf.open()
    for first in range(0, pictures, _A_PAGE):
        page = book.new_page()
        page.insert_text((50, 60), f"{path.stem.title()} tiles {first // _A_PAGE + 1}", fontsize=24)
        page.insert_text((50, 90), f"Porcelain floor tiles of the {path.stem.title()} range, 60 x 60 cm, matt.")
        for number in range(first, min(first + _A_PAGE, pictures)):
            row, column = divmod(number - first, 2)
            x, y = 50 + 260 * column, 120 + 320 * row
            page.insert_image(pymupdf.Rect(x, y, x + 230, y + 230), stream=(picture or _striped)(dice))
            page.insert_text((x, y + 250), f"{path.stem.title()} {number + 1}, matt porcelain", fontsize=10)
    book.save(path)
    return path


def squares(dice: np.random.Generator) -> bytes:
    """A few large squares, as PNG: a hundredth of a picture with noise, so that a small file store holds a thousand."""
    few = Image.fromarray(dice.integers(0, 256, (6, 6, 3), dtype=np.uint8))
    out = BytesIO()
    few.resize((120, 120), Image.Resampling.NEAREST).save(out, "PNG")
    return out.getvalue()


def _striped(dice: np.random.Generator) -> bytes:
    colours = dice.integers(0, 256, (2, 3))
    stripes = (np.arange(_SIDE) // dice.integers(4, 30)) % 2
    pixels = np.broadcast_to(colours[stripes], (_SIDE, _SIDE, 3)) + dice.integers(-20, 20, (_SIDE, _SIDE, 3))
    out = BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(out, "PNG")
    return out.getvalue()
