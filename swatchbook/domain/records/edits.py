"""The records of edits by hand, with which a person changes the products of a document.

An edit names products by page and box, never by id, so that it still holds when the document is processed
again. `swatchbook/domain/product_edits.py` applies edits.
"""

from typing import Annotated, Generic, Literal, TypeVar

from pydantic import AfterValidator, Field, StringConstraints

from swatchbook_base.geometry import Box
from swatchbook_base.records.products import Link, Product
from swatchbook_base.records.record import Record

ONE_LINE = r"^[^\x00-\x1f]*$"
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=ONE_LINE)]
Points = Annotated[float, Field(ge=-100_000, le=100_000, allow_inf_nan=False)]
PageNumber = Annotated[int, Field(ge=1, le=1_000_000)]


def _fact_name(given: str) -> str:
    """Return the name of a fact as `metadata` has it: small letters, `_` for spaces. Raises ValueError for the name."""
    name = "_".join(given.casefold().split())
    if name == "name":
        raise ValueError("The name of a product is changed by renaming it.")
    return name


FactName = Annotated[Words, StringConstraints(max_length=100), AfterValidator(_fact_name)]
"""Name of a fact, such as `size` or `slip_rating`; `category` and `code` are those of the product."""


class Anchor(Record):
    """The place of a product's name.

    `name` decides between products at one place, and finds those without a box.
    """

    page: int
    box: Box | None = None
    name: str = ""


Reference = TypeVar("Reference", Anchor, str)
"""How an edit names a product: by its place, as it is kept, or by its id, as people ask for it."""


class Rename(Record, Generic[Reference]):
    """Give a product another name."""

    action: Literal["rename"] = "rename"
    product: Reference
    name: Words


class Merge(Record, Generic[Reference]):
    """Make one product of several: the first one, with the pages, pictures and texts of all."""

    action: Literal["merge"] = "merge"
    products: tuple[Reference, ...] = Field(min_length=2, max_length=100)


class Split(Record, Generic[Reference]):
    """Make two products of one: the second has the pages from `page` on, with their pictures and texts."""

    action: Literal["split"] = "split"
    product: Reference
    page: PageNumber
    name: Words


class Hide(Record, Generic[Reference]):
    """Hide what is not a product; `undo` shows it again."""

    action: Literal["hide"] = "hide"
    product: Reference


class SetFact(Record, Generic[Reference]):
    """Give a fact of a product another value, or add the fact; an empty value removes it."""

    action: Literal["set_fact"] = "set_fact"
    product: Reference
    fact: FactName
    value: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500, pattern=ONE_LINE)]


Edit = Annotated[
    Rename[Anchor] | Merge[Anchor] | Split[Anchor] | Hide[Anchor] | SetFact[Anchor], Field(discriminator="action")
]
"""An edit as it is kept."""

EditRequest = Annotated[Rename[str] | Merge[str] | Split[str] | Hide[str] | SetFact[str], Field(discriminator="action")]
"""An edit as people ask for it: products by id."""


class StoredEdit(Record):
    """An edit with its number in the document, who made it and when (Unix seconds).

    `problem`: why it changes nothing now, as when its product is no longer found. An undone edit is kept.
    """

    number: int
    edit: Edit
    by: str
    at: float
    problem: str | None = None
    undone_by: str | None = None
    undone_at: float | None = None


class Edited(Record):
    """An edit that was made or undone. `published`: whether searches show it already."""

    edit: StoredEdit
    published: bool


class Assembly(Record):
    """The products and links of a document."""

    products: tuple[Product, ...]
    links: tuple[Link, ...]
