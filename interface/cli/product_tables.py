"""Print the tables of `swatchbook products`: a document's products, its edits, and the result of an edit.

Edits that no longer change anything are marked.
"""

from rich.console import Group, RenderableType
from rich.text import Text

from interface.cli.terminal import cell, clean, owner_flag, table
from swatchbook.ledger.database import Ledger
from swatchbook.ledger.documents import Document
from swatchbook.ledger.product_edits import list_edits
from swatchbook.ledger.queries.products import list_products
from swatchbook.product_edits import describe_edit
from swatchbook.records import Edited, ProductDetails, Record, StoredEdit
from swatchbook.truncate import page_numbers

_PORTION = 500


class Listed(Record):
    """The products of a document, in order, and all edits of them."""

    products: tuple[ProductDetails, ...]
    edits: tuple[StoredEdit, ...]


def listed_products(ledger: Ledger, document: str) -> Listed:
    """Return all products of a document, and its edits."""
    products, after = list[ProductDetails](), None
    while portion := list_products(ledger, document, after=after, limit=_PORTION):
        products += [product for _, product in portion]
        after = portion[-1][0]
    return Listed(products=tuple(products), edits=tuple(list_edits(ledger, document)))


def draw_products(listed: Listed) -> RenderableType:
    """Return tables of products and edits."""
    figures = ("pictures", "confidence")
    rows = table("id", "product", "category", "code", "pages", *figures, "look at", right=figures)
    for product in listed.products:
        rows.add_row(
            cell(product.id[:8], "dim"), cell(product.name, "bold"), cell(product.category or ""),
            cell(product.code or ""), cell(page_numbers(product.pages)), cell(len(product.pictures)),
            cell(f"{product.confidence:.2f}"), cell(" ".join(product.look_at), "yellow"),
        )  # fmt: skip
    parts: list[RenderableType] = [rows if listed.products else Text("No products.", "dim")]
    parts += [_edit_line(each) for each in listed.edits]
    return Group(*parts)


def draw_edited(done: Edited, document: Document) -> RenderableType:
    """Return the edit that was made or undone, and what is left to do."""
    line = _edit_line(done.edit)
    if done.published:
        return line
    later = f"It is not published yet: swatchbook retry {document.id[:13]}{owner_flag(document.owner)}"
    return Group(line, Text(later, "dim"))


def _edit_line(stored: StoredEdit) -> Text:
    what = f"{stored.number}. {clean(describe_edit(stored.edit))} · {clean(stored.by)}"
    if stored.undone_at is not None:
        return Text(f"{what} · undone by {clean(stored.undone_by or '')}", "dim")
    if stored.problem is not None:
        return Text(f"{what} · changes nothing: {clean(stored.problem)}", "yellow")
    return Text(what)
