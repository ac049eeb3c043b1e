"""Draw a page's boxes on its picture, and a list of what they mean next to it; all text from documents is escaped."""

from html import escape
from pathlib import Path

from swatchbook.domain.errors import UnreadableDocument
from swatchbook.domain.records import Box, Drawing, DrawnBox, FailedPage, Product, SeenPage, page_name
from swatchbook.resources import Resources
from swatchbook.store.ledger.stored_documents import Document
from swatchbook.upkeep.export.atomic_file import atomic_file
from swatchbook_base.one_line import one_line, shorten
from swatchbook_web.inspection import DRAWN, LinkedProduct, Look, Mark, PageView, inspect, stored_file

PAGE_SIDE = 1_000
"""Pixels of a page's longer side: small print can be read."""

_CAPTION = 160  # the most characters of a caption that are printed


def write_png(resources: Resources, document: Document, page: int, to: Path) -> None:
    """Write the picture of a page with its boxes, and their meanings next to it.

    Raises InvalidReference for a document without pages and a path that cannot be written, FileMissing, DiskFull, and
    UnreadableDocument if the page cannot be rendered.
    """
    (view,) = inspect(resources.ledger, document, page)
    settings = resources.settings
    to.parent.mkdir(parents=True, exist_ok=True)
    with resources.files.local(stored_file(document)) as path, atomic_file(to) as file:
        (seen,) = resources.catalogue.look(path, {page: [mark.bbox for mark in view.marks]}, settings)
        if isinstance(seen, FailedPage):
            raise UnreadableDocument(f"Page {page} cannot be rendered: {seen.message}")
        file.write(resources.catalogue.draw_page(path, page, drawing_of(view, seen), settings, side=PAGE_SIDE))


def drawing_of(view: PageView, seen: SeenPage) -> Drawing:
    """Return the drawing for the picture of one page: its boxes, and the list next to it as HTML without styles.

    What else looks like a picture, now that the page is rendered, is marked, too.
    """
    unplaced = enumerate(seen.unplaced, start=len(view.marks) + 1)
    marks = [*view.marks, *(Mark(number=n, look="lost", bbox=one.bbox, kind="") for n, one in unplaced)]
    boxes = [_drawn_box(card.place.bbox, f"P{card.number}", "product") for card in view.cards]
    boxes += [_drawn_box(mark.bbox, mark.sign, mark.look) for mark in marks]
    lines = [f"<h3>Page {_text(page_name(view.number, view.label))}</h3>"]
    lines += [f"<p>{_text(kind)}</p>"] if (kind := _kind(view)) else []
    lines += [_line(mark.sign, mark.look, _about(mark)) for mark in marks]
    lines += [
        _line(f"P{number}", "product", f"{product.name}, pages {_range(product)}")
        for number, product in enumerate(view.products, start=1)
    ]
    return Drawing(boxes=tuple(boxes), notes="".join(lines))


def _drawn_box(box: Box, sign: str, look: Look) -> DrawnBox:
    return DrawnBox(bbox=box, sign=sign, color=DRAWN[look].color, dashes=DRAWN[look].dashes)


def _line(sign: str, look: Look, text: str) -> str:
    return f'<p><b style="color: {DRAWN[look].color}">{sign}</b> {_text(text)}</p>'


def _about(mark: Mark) -> str:
    products = ", ".join(f"{product.name} {_score(product)}" for product in mark.products)
    parts = (mark.look, mark.kind, mark.reason or mark.state, shorten(mark.caption or "", _CAPTION), products)
    return " · ".join(filter(None, parts))


def _kind(view: PageView) -> str:
    """Return the kind of a page, and why it is of that kind."""
    about = {None: "nothing of it is stored: the ingest did not come so far", "lost": "could not be read"}
    return about.get(view.kind, f"{view.kind} page") + (f": {view.reason}" if view.reason else "")


def _score(product: LinkedProduct) -> str:
    return f"{product.role or ''} {product.score:.2f}".strip()


def _range(product: Product) -> str:
    first, last = product.first_page, product.last_page
    return str(first) if first == last else f"{first}–{last}"


def _text(text: str) -> str:
    """Return text from a document as one escaped line."""
    return escape(one_line(text))
