"""The page of a product, at the address of its endpoint: its variants, facts, pictures with their links, and the pages
of its catalogue with its boxes.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from fastapi import Response

from interface.service.document_parts import ProductId, require_product
from interface.web.pages import NegotiatedRoute, TheView, View, page_router
from swatchbook.export.products import shows_variant
from swatchbook.ledger.database import Ledger
from swatchbook.ledger.documents import PDF, get_document
from swatchbook.ledger.queries.document_parts import list_pages
from swatchbook.ledger.queries.products import linked_pictures, neighbours
from swatchbook.product_edits import BY_HAND
from swatchbook.records import Box, Fact, LinkedPicture, PageDetails, Product, ProductDetails, ProductPicture, Variant

_RENDERED = 12
"""Pages that are shown as pictures; those after them are links."""
_FIRST_PICTURES = 6
"""Pictures that are shown at once; the others are folded."""

router = page_router()


class ListedFact(NamedTuple):
    """A field of a product, the places that its value was read from, and whether a person has set it."""

    key: str
    value: str
    places: tuple[Fact, ...]
    by_hand: bool

    @property
    def pages(self) -> tuple[int, ...]:
        """The pages that the value was read from, each once."""
        return tuple(sorted({place.page for place in self.places}))


class Sheet(NamedTuple):
    """A page of the catalogue with the boxes of a product: of its name and region, its pictures and its facts."""

    page: PageDetails
    regions: tuple[Box, ...]
    pictures: tuple[LinkedPicture, ...]
    facts: tuple[tuple[str, Box], ...]  # names of the facts that stand in a box


class VariantRow(NamedTuple):
    """A variant of a product with the pictures whose captions name it."""

    variant: Variant
    pictures: tuple[ProductPicture, ...]


def show_product(view: TheView, product_id: ProductId) -> Response:
    """Return the page of a product."""
    return _render(view, require_product(view.resources, view.caller, product_id))


router.add_api_route("/products/{product_id}", show_product, methods=["GET"], route_class_override=NegotiatedRoute)


def _render(view: View, product: ProductDetails) -> Response:
    ledger = view.resources.ledger
    document = get_document(ledger, product.document_id)
    linked = linked_pictures(ledger, product.id)
    facts = list_facts(product)
    before, after = neighbours(ledger, product)
    page = view.render(
        "product.html",
        product=product,
        document=document,
        editable=document.kind == PDF,
        facts=facts,
        linked=_best_of_each(linked),
        first_pictures=_FIRST_PICTURES,
        variants=[VariantRow(each, _pictures_of(each, product.pictures)) for each in product.variants],
        sheets=_sheets(ledger, product, linked, facts) if document.kind == PDF else [],
        other_pages=product.pages[_RENDERED:],
        before=before,
        after=after,
    )
    page.headers["Vary"] = "Accept"
    return page


def list_facts(product: Product) -> list[ListedFact]:
    """Return category, code and the values of `metadata`, each with the places where it was read."""
    given = {"category": product.category, "code": product.code, **product.metadata}
    by_hand = {each.detail.get("key") for each in product.evidence if each.rule == BY_HAND}
    return [
        ListedFact(key, value, _places(product, key), key in by_hand)
        for key, value in given.items()
        if value is not None
    ]


def _places(product: Product, key: str) -> tuple[Fact, ...]:
    """Return where a value stands, each place once; of a value without a known place the pages of its evidence."""
    known = [fact for fact in product.facts if fact.key == key and not (fact.rule == BY_HAND and fact.bbox is None)]
    read = [
        Fact(key=key, value="", label="", page=each.page, bbox=None, rule=each.rule)
        for each in product.evidence
        if each.page and each.rule != BY_HAND and each.detail.get("key") == key
    ]
    return tuple({(fact.page, fact.bbox): fact for fact in known or read}.values())


def _best_of_each(linked: Iterable[LinkedPicture]) -> list[LinkedPicture]:
    """Return the best link of each image; links are in the order of their scores."""
    best = dict[str, LinkedPicture]()
    for each in linked:
        best.setdefault(each.image, each)
    return list(best.values())


def _pictures_of(variant: Variant, pictures: Iterable[ProductPicture]) -> tuple[ProductPicture, ...]:
    return tuple(picture for picture in pictures if shows_variant(picture, variant))


def _sheets(
    ledger: Ledger, product: ProductDetails, linked: Sequence[LinkedPicture], facts: Sequence[ListedFact]
) -> list[Sheet]:
    """Return the first pages of a product with its boxes, those whose size is known."""
    rendered = product.pages[:_RENDERED]
    if not rendered:
        return []
    listed = list_pages(ledger, product.document_id, after=(rendered[0] - 1,), limit=rendered[-1] - rendered[0] + 1)
    return [
        Sheet(
            page=page,
            regions=tuple(each.region for each in product.occurrences if each.page == page.number),
            pictures=tuple(each for each in linked if each.page == page.number),
            facts=_boxes_of(facts, page.number),
        )
        for _, page in listed
        if page.number in rendered and page.width and page.height
    ]


def _boxes_of(facts: Iterable[ListedFact], page: int) -> tuple[tuple[str, Box], ...]:
    """Return the boxes of facts on a page, each once, with the names of the facts that stand there."""
    names = dict[Box, list[str]]()
    for fact in facts:
        for place in fact.places:
            if place.page == page and place.bbox:
                names.setdefault(place.bbox, []).append(fact.key)
    return tuple((", ".join(dict.fromkeys(each)), box) for box, each in names.items())
