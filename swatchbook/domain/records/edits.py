"""The records of edits by hand, with which a person changes the products of a document.

An edit names products and pictures by page and box, never by id, so that it still holds when the document is processed
again. `swatchbook/domain/product_edits.py` applies edits.
"""

from typing import Annotated, Generic, Literal, TypeVar

from pydantic import AfterValidator, Field, StringConstraints

from swatchbook_base.geometry import Box
from swatchbook_base.records.products import Link, Product
from swatchbook_base.records.record import Record

Words = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=r"^[^\x00-\x1f]*$")
]
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
    """The place of a product's name, or of a picture.

    `name` decides between products at one place, and finds those without a box.
    """

    page: int
    box: Box | None = None
    name: str = ""


Reference = TypeVar("Reference", Anchor, str)
"""How an edit names a product or picture: by its place, as it is kept, or by its id, as people ask for it."""


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


class Assign(Record, Generic[Reference]):
    """Say which products a picture shows: these, and no others. Without any it belongs to no product."""

    action: Literal["assign"] = "assign"
    picture: Reference
    products: tuple[Reference, ...] = Field(default=(), max_length=100)


class Add(Record):
    """Add a product that was not found. The box of its name or card tells it from others of its page."""

    action: Literal["add"] = "add"
    page: PageNumber
    name: Words
    box: tuple[Points, Points, Points, Points] | None = Field(
        default=None, description="x0, y0, x1, y1 in points from the top left of the page."
    )
    category: Words | None = None


class Reject(Record, Generic[Reference]):
    """Remove what is not a product."""

    action: Literal["reject"] = "reject"
    product: Reference


class SetFact(Record, Generic[Reference]):
    """Give a fact of a product another value, or add the fact."""

    action: Literal["set_fact"] = "set_fact"
    product: Reference
    fact: FactName
    value: Words


class RemoveFact(Record, Generic[Reference]):
    """Remove a fact of a product."""

    action: Literal["remove_fact"] = "remove_fact"
    product: Reference
    fact: FactName


Edit = Annotated[
    Rename[Anchor]
    | Merge[Anchor]
    | Split[Anchor]
    | Assign[Anchor]
    | Add
    | Reject[Anchor]
    | SetFact[Anchor]
    | RemoveFact[Anchor],
    Field(discriminator="action"),
]
"""An edit as it is kept."""

EditRequest = Annotated[
    Rename[str] | Merge[str] | Split[str] | Assign[str] | Add | Reject[str] | SetFact[str] | RemoveFact[str],
    Field(discriminator="action"),
]
"""An edit as people ask for it: products and pictures by id."""


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


class PicturePlace(Record):
    """A shown picture's placement: its id, page and box."""

    id: str
    page: int
    box: Box


class Assembly(Record):
    """The products and links of a document."""

    products: tuple[Product, ...]
    links: tuple[Link, ...]
