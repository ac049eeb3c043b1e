"""Make edits by hand that people request with ids: find the places on pages, record the edit, and publish at once."""

from collections.abc import Iterable

from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.product_edits import anchor_of
from swatchbook.domain.records import Edited, EditRequest, Product, fold
from swatchbook.ingest.publish import publish_soon
from swatchbook.resources import Resources
from swatchbook.store.ledger import edited_products
from swatchbook.store.ledger.edited_products import EDIT
from swatchbook.store.ledger.queries.document import read_products


def make_edit(resources: Resources, document: str, request: EditRequest, *, by: str) -> Edited:
    """Make an edit of a document's products, and publish it. Raises InvalidReference where it cannot be made."""
    products, fields = read_products(resources.ledger, document), request.model_dump()
    if "product" in fields:
        fields["product"] = anchor_of(choose_product(products, fields["product"]))
    if "products" in fields:
        fields["products"] = [anchor_of(choose_product(products, each)) for each in fields["products"]]
    stored = edited_products.record_edit(resources.ledger, document, EDIT.validate_python(fields), by=by)
    return Edited(edit=stored, published=publish_soon(resources, document))


def undo_edit(resources: Resources, document: str, number: int, *, by: str) -> Edited:
    """Undo an edit, and publish that. Raises InvalidReference for an unknown one and one that is undone already."""
    stored = edited_products.undo_edit(resources.ledger, document, number, by=by)
    return Edited(edit=stored, published=publish_soon(resources, document))


def choose_product(products: Iterable[Product], reference: str) -> Product:
    """Return the product with this id, name or unique prefix of an id. Raises InvalidReference for none or several."""
    products = list(products)
    for found in (
        [product for product in products if product.id == reference],
        [product for product in products if fold(product.name) == fold(reference)],
        [product for product in products if reference and product.id.startswith(reference)],
    ):
        if len(found) == 1:
            return found[0]
        if found:
            choices = ", ".join(f"{p.id[:8]} (page {p.first_page})" for p in found[:10])
            raise InvalidReference(f"{reference!r} may be several products: {choices}.", advice="Give its id.")
    raise InvalidReference(
        f"There is no product {reference!r} in this document.", advice="`swatchbook products DOCUMENT` lists them."
    )
