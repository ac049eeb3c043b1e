"""The records of editions: what one offers, and how two of them differ."""

from typing import Literal

from pydantic import Field

from swatchbook_base.geometry import Box
from swatchbook_base.records.record import Record

Editions = Literal["newest", "all"]
"""Whether a search leaves out what only older editions of documents show."""


class ListedProduct(Record):
    """A product as a comparison names it."""

    id: str
    name: str
    code: str | None = None
    page: int


class PrintedPrice(Record):
    """A price as printed, its amounts in their order, and the codes of its currencies, as far as it names them."""

    text: str
    amounts: tuple[float, ...]
    currencies: tuple[str, ...] = ()


class ShownPicture(Record):
    """A picture of a product: the key of its content, and its place."""

    key: str
    page: int
    box: Box


class EditionProduct(Record):
    """The compared parts of a product. `prices`, `sizes`: variant -> as printed; "" is the product itself."""

    listed: ListedProduct
    category: str | None = None
    prices: dict[str, PrintedPrice] = Field(default_factory=dict)
    sizes: dict[str, str] = Field(default_factory=dict)
    pictures: tuple[ShownPicture, ...] = ()


class Edition(Record):
    """A document to compare: its products in order, and the content keys of all pictures that it shows."""

    id: str
    name: str
    products: tuple[EditionProduct, ...]
    pictures: frozenset[str]


class Difference(Record):
    """One difference of a product: as printed before and after; None: not printed. `variant`: which, if it is one's."""

    field: Literal["name", "price", "size"]
    variant: str | None = None
    before: str | None
    after: str | None


class ProductChange(Record):
    """A product of both editions with its differences. `by`: by what the two were matched."""

    before: ListedProduct
    after: ListedProduct
    by: Literal["code", "name", "picture"]
    differences: tuple[Difference, ...]


class ComparedDocument(Record):
    """One of two documents that are compared."""

    id: str
    name: str


class EditionDiff(Record):
    """The differences between the products of two documents. `renamed` products may have other differences, too."""

    before: ComparedDocument
    after: ComparedDocument
    added: tuple[ListedProduct, ...]
    removed: tuple[ListedProduct, ...]
    renamed: tuple[ProductChange, ...]
    changed: tuple[ProductChange, ...]
    unchanged: int
    pictures: int  # of the document `after`
    pictures_unchanged: int  # those of them that `before` shows too, so that their vectors are there


class EditionReport(Record):
    """A run's comparison with the older edition of its document: counts, and the first differences as lines."""

    edition_of: ComparedDocument
    added: int
    removed: int
    renamed: int
    changed: int
    unchanged: int
    pictures: int
    pictures_unchanged: int
    pictures_embedded: int  # of which this run made anything
    lines: tuple[str, ...]
