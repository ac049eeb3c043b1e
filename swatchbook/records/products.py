"""Products: found, described, and linked to pictures and text."""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from swatchbook.records.base import Box, Record
from swatchbook.records.pages import FailedPage, Scans, Table


class Evidence(Record):
    """Why something was said: the rule, what it saw and where."""

    rule: str
    page: int | None = None
    text: str | None = None
    detail: dict[str, str | float] = Field(default_factory=dict)


class Card(Record):
    """One occurrence of a product on a page: its heading or caption and the place that it speaks for."""

    page: int
    bbox: Box  # of the name
    region: Box  # of the part of the page that belongs to it
    text: str


class FoundProduct(Record):
    """Stage 2A: a product and where it stands. `raw_name` is as printed, `name` cleaned."""

    name: str
    raw_name: str
    category: str | None = None
    code: str | None = None
    variants: tuple[str, ...] = ()
    grain: Literal["family", "product", "variant", "part"] = "product"
    parent: int | None = None  # index into the discovery's products
    first_page: int
    last_page: int
    pages: tuple[int, ...]
    cards: tuple[Card, ...] = ()
    confidence: float = Field(ge=0, le=1)
    evidence: tuple[Evidence, ...] = ()


PAGE_CUT = "page cut"
"""Rule of the evidence that a model was not shown all of a page."""


class Discovery(Record):
    """Stage 2A's whole result. Without products, `note` says what is needed; it never says "no products"."""

    products: tuple[FoundProduct, ...]
    rejected: tuple[Evidence, ...] = ()
    note: str | None = None
    scans: Scans = Scans()
    lost: tuple[FailedPage, ...] = ()  # pages that could not be read, or why it is the layout rules' alone


class Description(Record):
    """Stage 2B: a product's metadata with the page it was read from, and its tables. `rejected`: what a model said and
    no page does; `lost`: why it is the layout rules' alone though a model was to say it.
    """

    metadata: dict[str, str]
    tables: tuple[Table, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    rejected: tuple[Evidence, ...] = ()
    lost: tuple[FailedPage, ...] = ()


class Product(Record):
    id: str
    name: str
    category: str | None
    code: str | None
    variants: tuple[str, ...]
    first_page: int
    last_page: int
    pages: tuple[int, ...]
    metadata: dict[str, str]
    confidence: float
    evidence: tuple[Evidence, ...]
    grain: str = "product"
    parent: str | None = None


class LinkKind(StrEnum):
    IMAGE_PRODUCT = "image_product"
    IMAGE_CHUNK = "image_chunk"
    CHUNK_PRODUCT = "chunk_product"


class Link(Record):
    """A scored relation with its reasons. `image_*` links start at a placement, `chunk_product` at a chunk."""

    kind: LinkKind
    source: str
    target: str
    score: float = Field(ge=0, le=1)
    evidence: tuple[Evidence, ...] = ()
