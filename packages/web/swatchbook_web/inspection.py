"""Collect what `inspect` shows of a page: its kind, placements, and places of products.

Placements have their states, reasons and links. `inspection_drawing.py` draws the pages.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.records import (
    COUNTED,
    Box,
    ImageState,
    LinkKind,
    LostState,
    Occurrence,
    PageDetails,
    PlacementState,
    Product,
    Record,
)
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.queries.document import read_products, show_document
from swatchbook.store.ledger.queries.document_parts import list_pages
from swatchbook.store.ledger.stored_documents import PDF, Document

Look = Literal["shown", "hidden", "decorative", "unreadable", "failed", "review", "skipped", "lost", "product"]
"""The meaning of a box: a placement's state, a picture of a `skipped` page, a `lost` picture, or a `product`'s place.

A placement that is shown is `failed` if its image has failed or was rejected, and `review` if its analysis is weak."""


class Drawn(NamedTuple):
    """The look of a box: the letter on it, its colour, its dashes and gaps in pixels, and its meaning."""

    letter: str
    color: str
    dashes: tuple[int, ...]
    meaning: str

    @property
    def css_dashes(self) -> str:
        return " ".join(map(str, self.dashes)) or "none"


DRAWN: Mapping[Look, Drawn] = {
    "shown": Drawn("S", "#0072b2", (), "shown"),
    "failed": Drawn("F", "#b3261e", (24, 5), "shown, but its image failed"),
    "review": Drawn("R", "#3f3fbf", (12, 3), "shown, but its analysis needs a review"),
    "hidden": Drawn("H", "#a84300", (10, 6), "hidden: not visible"),
    "decorative": Drawn("D", "#8a4fa3", (3, 4), "decorative: not embedded"),
    "unreadable": Drawn("U", "#404040", (14, 4, 3, 4), "unreadable"),
    "skipped": Drawn("K", "#6b6200", (18, 4, 2, 4), "of a skipped page"),
    "lost": Drawn("?", "#c4006a", (6, 3, 1, 3, 1, 3), "left out: looks like a picture"),
    "product": Drawn("P", "#00734f", (1, 3), "a product’s name, and its part of the page"),
}
"""How each box looks. Colour-blind people can use letter and dashes; white letters are readable on each colour."""

_FAILED = {ImageState.FAILED, ImageState.REJECTED}


class LinkedProduct(NamedTuple):
    """A product that a placement is linked to, and what the picture shows of it."""

    name: str
    score: float
    role: str | None


class Mark(Record):
    """A numbered box on a page. `state` is the image's; `products` are the linked ones."""

    number: int  # counts the marks of its page, from 1
    look: Look
    bbox: Box
    kind: str
    state: str | None = None
    reason: str | None = None
    caption: str | None = None
    products: tuple[LinkedProduct, ...] = ()
    image: str | None = None  # its id, if it is counted in the account
    lost: str | None = None  # a name for people such as 5:1, if it was seen and not taken

    @property
    def sign(self) -> str:
        """Return the sign on the box and before its line, such as 12S."""
        return f"{self.lost or self.number}{DRAWN[self.look].letter}"


class Card(Record):
    """A place of a product on a page. `number` counts the products of this page, from 1."""

    number: int
    product: str
    place: Occurrence


class PageView(Record):
    """A page with its marks, the products whose pages include it, and their places on it."""

    number: int
    label: str | None = None  # the number that people read on it, if it is another one
    kind: str | None = None  # None: the ingest did not come so far
    reason: str | None = None
    marks: tuple[Mark, ...] = ()
    products: tuple[Product, ...] = ()
    cards: tuple[Card, ...] = ()


def inspect(ledger: Ledger, document: Document, page: int | None = None) -> Sequence[PageView]:
    """Return what is known of a document's pages, or of one page.

    Raises InvalidReference for a source that has no pages, for one that was not read yet, and for a page that it lacks.
    """
    page_count = require_pages(document)
    known = {details.number: details for _, details in list_pages(ledger, document.id, limit=page_count)}
    if page is not None and not 1 <= page <= page_count:
        named = (details.number for details in known.values() if str(page) in (details.label or "").split("–"))
        advice = next((f"Page {number} of the PDF has the printed number {page}." for number in named), None)
        raise InvalidReference(f"{document.name} has no page {page}: it has {page_count}.", advice=advice)
    shown = show_document(ledger, document.id)
    products = tuple(read_products(ledger, document.id))
    marks = _marks(shown, {product.id: product.name for product in products})
    numbers = range(1, page_count + 1) if page is None else (page,)
    return [_view(number, known.get(number), marks.get(number, ()), products) for number in numbers]


def require_pages(document: Document) -> int:
    """Return the number of a document's pages.

    Raises InvalidReference for a source that has no pages, and for one that was not read yet.
    """
    if document.kind != PDF:
        raise InvalidReference(
            f"{document.name} has no pages: it is a {_SOURCES[document.kind]}.",
            advice="`swatchbook show` lists its items and pictures.",
        )
    if document.page_count is None:
        why = f": {document.message}" if document.message else "."
        raise InvalidReference(
            f"{document.name} has not been read yet{why}", advice="`swatchbook fill failed` continues it."
        )
    return document.page_count


_SOURCES = {"folder": "folder of pictures", "batch": "scraped batch", "table": "imported table"}


def _view(number: int, known: PageDetails | None, marks: Sequence[Mark], products: Sequence[Product]) -> PageView:
    here = tuple(product for product in products if number in product.pages)
    skipped = [
        Mark(number=n, look="skipped", bbox=picture.bbox, kind="")
        for n, picture in enumerate(known.pictures if known else (), start=len(marks) + 1)
    ]
    seen = [each for each in (known.lost_pictures if known else ()) if each.state is LostState.SEEN]
    lost = [
        Mark(number=n, look="lost", bbox=each.bbox, kind="", lost=each.id)
        for n, each in enumerate(seen, start=len(marks) + len(skipped) + 1)
    ]
    return PageView(
        number=number,
        **({name: getattr(known, name) for name in ("label", "kind", "reason")} if known else {}),
        marks=(*marks, *skipped, *lost),
        products=here,
        cards=tuple(
            Card(number=number_here, product=product.name, place=place)
            for number_here, product in enumerate(here, start=1)
            for place in product.occurrences
            if place.page == number
        ),
    )


def _marks(shown: Mapping[str, Any], names: Mapping[str, str]) -> dict[int, list[Mark]]:
    """Return page -> its placements in reading order, numbered."""
    linked = defaultdict[str, list[LinkedProduct]](list)
    for link in shown["links"]:
        if link["kind"] == LinkKind.IMAGE_PRODUCT and link["target"] in names:
            linked[link["source"]].append(LinkedProduct(names[link["target"]], link["score"], link["role"]))
    marks = defaultdict[int, list[Mark]](list)
    for image in shown["images"]:
        messages = (item["failure"]["message"] for item in image["items"] if item["failure"])
        failed_items = "; ".join(dict.fromkeys(messages)) or None
        for place in image["placements"]:
            on_page = marks[place["page"]]
            look = _look(PlacementState(place["state"]), image["status"], needs_review=image["needs_review"])
            on_page.append(
                Mark(
                    number=len(on_page) + 1,
                    look=look,
                    bbox=place["bbox"],
                    kind=place["kind"],
                    state=image["status"] if place["state"] == PlacementState.SHOWN else None,
                    reason=place["reason"] or (failed_items if look == "failed" else None),
                    caption=place["caption"],
                    products=tuple(linked[place["id"]]),
                    image=image["id"] if place["state"] in COUNTED else None,
                )
            )
    return marks


def _look(state: PlacementState, status: str, *, needs_review: bool) -> Look:
    if state is PlacementState.SHOWN and needs_review and status not in _FAILED:
        return "review"
    return "failed" if state is PlacementState.SHOWN and status in _FAILED else state.value


def stored_file(document: Document) -> str:
    """Return the key of the document's PDF. Raises InvalidReference if it was never stored."""
    if document.file is None:
        raise InvalidReference(f"The file of {document.name} is not stored.", advice="Ingest it again.")
    return document.file
