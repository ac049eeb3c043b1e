"""A small catalogue in two editions: one product costs more, one has another name, one is gone, one is new."""

from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pymupdf
from PIL import Image


class Offer(NamedTuple):
    """A product as a catalogue prints it, with the number of its picture."""

    name: str
    price: str
    size: str
    picture: int


COVER = 1  # number of a picture that no product has
FIRST = (
    Offer("Alder", "EUR 12.50", "60 x 120 cm", 2), Offer("Birke", "EUR 20.00", "30 x 60 cm", 3),
    Offer("Cedro", "EUR 31.00", "30 x 60 cm", 4), Offer("Dune", "EUR 44.00", "60 x 60 cm", 5),
    Offer("Ember", "EUR 58.00", "20 x 20 cm", 6), Offer("Fjord", "EUR 61.00", "15 x 90 cm", 7),
)  # fmt: skip
SECOND = (
    Offer("Alder", "EUR 14.00", "60 × 120 cm", 2),  # dearer; the same size in another spelling
    Offer("Birke", "EUR 20.00", "30 x 90 cm", 3),  # another size
    Offer("Cedrella", "EUR 31.00", "30 x 60 cm", 4),  # another name
    Offer("Ember", "EUR 58.00", "20 x 20 cm", 6),  # Dune before it is gone
    Offer("Fjord", "EUR 61.00", "15 x 90 cm", 7),
    Offer("Grove", "EUR 70.00", "60 x 60 cm", 8),  # new
)


def make_edition(path: Path, offers: Iterable[Offer], *, year: int) -> Path:
    """Write a catalogue as PDF: a cover, and for each product a page with its picture, name and specification."""
    book = pymupdf.open()
    cover = book.new_page()
    cover.insert_image(pymupdf.Rect(40, 40, 555, 400), stream=_picture(COVER))
    cover.insert_text((60, 480), "Lumen & Oak", fontsize=44)
    cover.insert_text((60, 520), f"Catalogue {year}", fontsize=18)
    for number, offer in enumerate(offers, 2):
        page = book.new_page()
        page.insert_image(pymupdf.Rect(40, 40, 555, 400), stream=_picture(offer.picture))
        page.insert_text((60, 450), offer.name, fontsize=30)
        specification = (("Material:", "porcelain stoneware"), ("Size:", offer.size), ("Price:", offer.price))
        for line, (label, value) in enumerate(specification):
            page.insert_text((60, 490 + 18 * line), label, fontsize=9, fontname="hebo")
            page.insert_text((160, 490 + 18 * line), value, fontsize=9)
        page.insert_text((60, 570), f"{offer.name} is quiet and warm, and lasts. It comes in one format.", fontsize=10)
        page.insert_text((60, 820), f"Lumen & Oak · {number}", fontsize=7)
    book.save(path)
    return path


def _picture(number: int) -> bytes:
    """Return soft blotches as PNG; each number is another picture, the same in every edition."""
    blotches = np.random.default_rng(number).integers(0, 256, (9, 12, 3), np.uint8)
    out = BytesIO()
    Image.fromarray(blotches).resize((480, 360), Image.Resampling.BICUBIC).save(out, "PNG")
    return out.getvalue()
