"""What people ask for comes first: a scored table of the sample, so that every change of search shows what it cost."""

from pathlib import Path
from typing import Final

import pytest

from swatchbook.resources import Resources
from swatchbook.search.search import search
from tests.flows.conftest import Ingest

pytestmark = pytest.mark.stack

ASKED: Final = {
    "Terra Nova": (
        "Terra Nova", "full-body porcelain tile", "outdoor paving 20 mm thick", "river stone porcelain",
        "porcelain tile 60x120", "R10 slip rating", "33.1 kg",
    ),
    "Cimento": (
        "Cimento", "large-format concrete-look slab", "concrete look for walls", "frost resistant facade slab",
        "120 x 278 cm",
    ),
    "Medina": ("Medina", "hand-cut glazed tile", "glossy handmade wall tile for a bathroom", "tile 10x10"),
    "Palladio Terrazzo": (
        "Palladio Terrazzo", "cement-bound terrazzo", "terrazzo with marble chips", "slab 305 x 125 cm",
    ),
    "Carrara Luce": ("Carrara Luce", "natural marble", "polished white marble", "slip rating R9"),
    "Nordvik Oak": ("Nordvik Oak", "engineered oak floor", "herringbone wood floor", "oiled oak boards"),
    "Alentejo Cork": (
        "Alentejo Cork", "cork wall and floor covering", "warm quiet floor of cork", "rolls 100 x 800 cm",
    ),
    "Fjord Wool": ("Fjord Wool", "tufted wool carpet", "loop pile rug made to measure", "soft carpet"),
    "Solveig Linen": (
        "Solveig Linen", "upholstery and curtain fabric", "curtain fabric 142 cm wide", "washed linen",
    ),
    "Cordova Leather": ("Cordova Leather", "full-grain upholstery leather", "leather for sofas", "aniline hide"),
    "Lamina": ("Lamina", "brushed and hammered metal sheet", "hammered copper sheet", "brass surface for a bar front"),
}  # fmt: skip
"""By product of the sample: its name, what it is, and what its customers would write."""

MISSED: Final = {"slab 305 x 125 cm", "slip rating R9"}
"""Asked for, and another product comes first: shorter is better, longer is a loss."""


def test_the_product_that_is_asked_for_comes_first(resources: Resources, ingest: Ingest, catalogue: Path) -> None:
    ingest(catalogue)
    missed = {}
    for product, questions in ASKED.items():
        for asked in questions:
            (first,) = search(resources, text=asked, by="product", k=1)
            if first.title != product:
                missed[asked] = first.title
    assert missed.keys() == MISSED, missed
    pictures = {product: search(resources, text=product, k=1)[0].product for product in ASKED}
    assert {product: product for product in ASKED} == pictures
