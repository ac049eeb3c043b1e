"""Small catalogues to teach: below each picture a loud line that is no name, then the name. Without it the layout rules
find no product.
"""

from collections.abc import Sequence
from pathlib import Path

from benchmarks import bare_ingest
from swatchbook.ledger.queries.document import read_products
from swatchbook.ledger.stored_documents import Document, list_documents
from swatchbook.resources import Resources
from tests.pdf.making import Paper, png
from tests.pdf.test_picture_like import photo

NAMES = (("Alder", "Birke"), ("Cedro", "Dune"), ("Esche", "Fjord"))
LEFT, RIGHT = 40, 220


def make(
    path: Path, names: Sequence[tuple[str, str]] = NAMES, *, font: str = "hebo", size: float = 9.0, priced: bool = False
) -> Path:
    """A catalogue with a page for each pair of names; `priced`: with codes and prices that no rule knows."""
    paper = Paper()
    for number, (page, (left, right)) in enumerate(zip(paper.pages(len(names)), names, strict=True)):
        page.insert_text((40, 50), f"Season {number + 1}", fontsize=22, fontname=font)
        for x, name, seed in ((LEFT, left, number), (RIGHT, right, number + 50)):
            page.insert_image((x, 100, x + 140, 220), stream=png(photo(seed)))
            page.insert_text((x, 240), "Wall tile", fontsize=size + 2, fontname=font)
            page.insert_text((x, 254), name, fontsize=size, fontname=font)
            page.insert_text((x, 268), f"A fine surface called {name.lower()}, for walls.", fontsize=7)
            if priced:
                page.insert_text((x, 284), f"design {name[0].lower()}-{number}", fontsize=6)
                page.insert_text((x + 80, 284), f"on request {seed + 12},-", fontsize=8)
    return paper.save(path)


def ingest(resources: Resources, path: Path) -> Document:
    """Ingest a catalogue without a flow, and return its document."""
    bare_ingest.main(path)
    (document,) = list_documents(resources.ledger, name=path.name)
    return document


def names_of(resources: Resources, document: Document) -> list[str]:
    return [product.name for product in read_products(resources.ledger, document.id)]
