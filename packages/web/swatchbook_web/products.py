"""The page of a product, at the address of its endpoint: variants, facts, pictures, pages with boxes, and forms.

The forms edit it, and show an error next to its field.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Literal, NamedTuple
from uuid import UUID

from fastapi import Form, Response
from pydantic import TypeAdapter, ValidationError

from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.product_edits import BY_HAND, describe_edit, edits_of, fact_values
from swatchbook.domain.records import (
    Box,
    EditRequest,
    Fact,
    LinkedPicture,
    PageDetails,
    Product,
    ProductDetails,
    ProductPicture,
    Variant,
    fold,
)
from swatchbook.domain.wrong_value import what_it_must_be
from swatchbook.ingest.sources.item_files import SHOP_ATTRIBUTES
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.edited_products import list_edits
from swatchbook.store.ledger.queries.document import read_products
from swatchbook.store.ledger.queries.document_parts import (
    describe_products,
    find_product,
    linked_pictures,
    list_pages,
    neighbours,
)
from swatchbook.store.ledger.stored_documents import PDF, get_document
from swatchbook.upkeep.export.product_rows import shows_variant
from swatchbook_service.document_parts import EditNumber, ProductId, make_edit, require_product, undo_edit
from swatchbook_service.documents import DocumentId
from swatchbook_service.parameters import RequestModel, SearchText
from swatchbook_web.pages import (
    Back,
    NegotiatedRoute,
    TheView,
    View,
    done,
    local_page,
    page_router,
    see_other,
    with_done,
)

_RENDERED = 12
"""Pages that are shown as pictures; those after them are links."""
_FIRST_PICTURES = 6
"""Pictures that are shown at once; the others are folded."""

_CHOICES = 60
"""Products to merge into that are shown at once; others are found by name."""

KNOWN_FACTS = (
    "price", "size", "material", "color", "finish", "brand", "condition", "category", "code", "weight", "thickness",
    "application",
)  # fmt: skip
"""Names that the field for a new fact offers: those that are filtered by, and frequent ones."""

_FIELDS: Mapping[str, str] = {
    "rename": "name", "merge": "other", "split": "after_page", "hide": "hide", "set_fact": "value",
}  # fmt: skip
"""Action -> the field that an edit which cannot be made is explained next to."""

_EDIT: TypeAdapter[EditRequest] = TypeAdapter(EditRequest)

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


class ProductForm(RequestModel):
    """An edit as a form of the page sends it; each action uses some of the fields. `other`: the id of a product."""

    action: Literal["rename", "merge", "split", "hide", "set_fact"]
    name: SearchText = ""
    after_page: SearchText = ""
    other: SearchText = ""
    fact: SearchText = ""
    value: SearchText = ""

    def edit_of(self, product: Product) -> EditRequest:
        """Return the edit of a product. Raises ValidationError."""
        fields: dict[str, object] = {"action": self.action, "product": product.id}
        match self.action:
            case "rename":
                fields["name"] = self.name
            case "merge":
                fields = {"action": "merge", "products": (self.other, product.id)}
            case "split":
                later = (page for page in product.pages if self.after_page.isdecimal() and page > int(self.after_page))
                fields |= {"name": self.name, "page": next(later, None)}
            case "set_fact":
                fields |= {"fact": self.fact, "value": self.value}
        return _EDIT.validate_python(fields)


class Problem(NamedTuple):
    """The error of a form: its action, the field and the message, and the form as it was sent."""

    action: str
    field: str
    message: str
    form: ProductForm


def show_product(view: TheView, product_id: ProductId) -> Response:
    """Return the page of a product."""
    return _render(view, require_product(view.resources, view.caller, product_id))


router.add_api_route("/products/{product_id}", show_product, methods=["GET"], route_class_override=NegotiatedRoute)


@router.post("/ui/products/{product_id}/edits")
def edit(view: TheView, product_id: ProductId, form: Annotated[ProductForm, Form()]) -> Response:
    """Make an edit, and go to the page of the product that it leaves; else return the form with what is wrong."""
    product = require_product(view.resources, view.caller, product_id)
    if form.action == "rename" and form.name.strip() == product.name:
        return see_other(view.link(f"/products/{product.id}"))
    try:
        made = make_edit(view.resources, view.caller, UUID(product.document_id), form.edit_of(product))
    except ValidationError as error:
        return _render(view, product, _describe(error, form))
    except InvalidReference as error:
        return _render(view, product, Problem(form.action, _FIELDS[form.action], error.message, form))
    told = done(form.action, product.document_id, made.edit.number)
    if form.action == "hide":
        return see_other(view.link(f"/ui/documents/{product.document_id}", done=told))
    return see_other(view.link(f"/products/{form.other if form.action == 'merge' else product.id}", done=told))


@router.post("/ui/products/{product_id}/edits/{edit_number}/undo")
def undo(view: TheView, product_id: ProductId, edit_number: EditNumber) -> Response:
    """Undo an edit of a product's document, and return to the product, or to the document if it is there no more."""
    product = require_product(view.resources, view.caller, product_id)
    undo_edit(view.resources, view.caller, UUID(product.document_id), edit_number)
    if find_product(view.resources.ledger, product.id):
        return see_other(view.link(f"/products/{product.id}"))
    return see_other(view.link(f"/ui/documents/{product.document_id}"))


@router.get("/ui/products/{product_id}/merge")
def choose_other(view: TheView, product_id: ProductId, name: SearchText = "") -> Response:
    """Return the products of the same document, with pictures, to merge a product into; those on near pages first."""
    product = require_product(view.resources, view.caller, product_id)
    named = [
        each
        for each in read_products(view.resources.ledger, product.document_id)
        if each.id != product.id and name.casefold().strip() in each.name.casefold()
    ]
    near = sorted(named, key=lambda each: (fold(each.name) != fold(product.name), _distance(each, product)))
    shown = describe_products(view.resources.ledger, [each.id for each in near[:_CHOICES]])
    return view.render("merge.html", product=product, name=name, choices=shown, more=len(near) - len(shown))


def _distance(one: Product, other: Product) -> int:
    """Return how many pages are between two products."""
    return max(one.first_page - other.last_page, other.first_page - one.last_page, 0)


def _describe(error: ValidationError, form: ProductForm) -> Problem:
    """Return the first problem of a form in words."""
    first = error.errors()[0]
    field = str(first["loc"][-1])
    field = "after_page" if field == "page" else field
    message = "Choose a page before its last one." if field == "after_page" else f"It {what_it_must_be(first)}."
    return Problem(form.action, field, message, form)


def _render(view: View, product: ProductDetails, problem: Problem | None = None) -> Response:
    ledger = view.resources.ledger
    document = get_document(ledger, product.document_id)
    linked = linked_pictures(ledger, product.id)
    facts = list_facts(product)
    before, after = neighbours(ledger, product)
    page = view.render(
        "product.html",
        status=422 if problem else 200,
        product=product,
        problem=problem,
        edits=[(each, describe_edit(each.edit)) for each in edits_of(product, list_edits(ledger, document.id))],
        known_facts=KNOWN_FACTS,
        document=document,
        editable=document.kind == PDF,
        facts=facts,
        linked=_best_of_each(linked),
        first_pictures=_FIRST_PICTURES,
        columns=[name for name in ("code", "size", "price") if any(getattr(each, name) for each in product.variants)],
        variants=[
            VariantRow(each, tuple(picture for picture in product.pictures if shows_variant(picture, each)))
            for each in product.variants
        ],
        sheets=_sheets(ledger, product, linked, facts) if document.kind == PDF else [],
        other_pages=product.pages[_RENDERED:],
        before=before,
        after=after,
    )
    page.headers["Vary"] = "Accept"
    return page


def list_facts(product: Product) -> list[ListedFact]:
    """Return category, code and the values of `metadata`, each with the places where it was read."""
    by_hand = {each.detail.get("key") for each in product.evidence if each.rule == BY_HAND}
    return [
        ListedFact(key, value, _places(product, key), key in by_hand)
        for key, value in fact_values(product).items()
        if key != SHOP_ATTRIBUTES
    ]


def _places(product: Product, key: str) -> tuple[Fact, ...]:
    """Return the places of a value, each once; for a value without a known place the pages of its evidence."""
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
    """Return the boxes of facts on a page, each once, with the names of the facts there."""
    names = dict[Box, list[str]]()
    for fact in facts:
        for place in fact.places:
            if place.page == page and place.bbox:
                names.setdefault(place.bbox, []).append(fact.key)
    return tuple((", ".join(dict.fromkeys(each)), box) for box, each in names.items())


@router.post("/ui/documents/{document_id}/edits/{edit_number}/undo")
def undo_by_form(
    view: TheView, document_id: DocumentId, edit_number: EditNumber, form: Annotated[Back, Form()]
) -> Response:
    """Undo an edit, and return to the page where that was asked for, else to the document."""
    undo_edit(view.resources, view.caller, document_id, edit_number)
    page = local_page(form.back, view.link(f"/ui/documents/{document_id}"))
    return see_other(with_done(page, done("undone")))
