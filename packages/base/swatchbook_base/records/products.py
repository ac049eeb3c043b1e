"""The records of products as found and as described, of evidence, and of links to images and text."""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from swatchbook_base.geometry import Box
from swatchbook_base.records.pages import FailedPage, Scans, Table
from swatchbook_base.records.record import Record, fold, identity


class Evidence(Record):
    """The reason for a result: the rule that fired, and the text and page it was applied to."""

    rule: str
    page: int | None = None
    text: str | None = None
    detail: dict[str, str | float] = Field(default_factory=dict)


class Occurrence(Record):
    """A place where a product occurs: its heading, card or code on a page, and the region that belongs to it."""

    page: int
    bbox: Box  # box of the name
    region: Box  # the part of the page that belongs to it
    text: str


class Variant(Record):
    """A colour, size or finish of a product, or a part of it: data of the product, which never counts as a product.

    `bbox` is that of the text that names it, on `page`. `options`: what makes it up, as (name, value): ("Size", "S").
    `facts`: what is known of it alone, as (key, value).
    """

    grain: Literal["variant", "part"] = "variant"
    name: str
    code: str | None = None
    size: str | None = None
    price: str | None = None
    page: int | None = None
    bbox: Box | None = None
    options: tuple[tuple[str, str], ...] = ()
    facts: tuple[tuple[str, str], ...] = ()


def variant_id(product: str, variant: Variant) -> str:
    """Return the id of a variant of a product. Its name is folded, so a change of case or spacing keeps the id."""
    return identity("variant", product, fold(variant.name), fold(variant.code or ""))


class Fact(Record):
    """A value as printed, with its label, page and box. The box of a value in a table is the table's."""

    key: str
    value: str
    label: str
    page: int
    bbox: Box | None
    rule: str


BY_TEACHING = "taught"
"""Rule of facts that a taught reading finds: they count instead of all others of their key."""


class FoundProduct(Record):
    """A product that stage 2A found, and its pages. `raw_name` is the name as printed, `name` the cleaned one.

    `family` is what it shares with other products: a heading, or the beginning of their names. `taught`: its code and
    price as a taught reading finds them.
    """

    name: str
    raw_name: str
    category: str | None = None
    code: str | None = None
    family: str | None = None
    variants: tuple[Variant, ...] = ()
    first_page: int
    last_page: int
    pages: tuple[int, ...]
    occurrences: tuple[Occurrence, ...] = ()
    confidence: float = Field(ge=0, le=1)
    evidence: tuple[Evidence, ...] = ()
    taught: tuple[Fact, ...] = ()


PAGE_CUT = "page cut"
"""Rule of evidence that the text of a page was cut before it was sent to a model."""


DISAGREEMENT = "disagreement"
"""Rule of evidence that the layout rules and the language model disagree about a product: a person should look."""


class Discovery(Record):
    """Result of stage 2A. If it has no products, `note` names what is needed to find them.

    `rejected`: texts that were nearly names. `unsure`: pages that look like products, although the layout does not show
    which: they need a vision model or a person. `sure`: the fitted probability that the products are good (F1 of at
    least 0.8), or, without products, that there are none; None where a language model or a person has chosen them.
    """

    products: tuple[FoundProduct, ...]
    rejected: tuple[Evidence, ...] = ()
    unsure: tuple[int, ...] = ()
    note: str | None = None
    sure: float | None = Field(default=None, ge=0, le=1)
    scans: Scans = Scans()
    lost: tuple[FailedPage, ...] = ()  # pages that could not be read, or why the language model's answer is missing


class Description(Record):
    """Result of stage 2B: a product's metadata, the pages it was read from (`evidence`), and its tables.

    `rejected` lists values of the language model that no page contains; `lost` has the reason for a missing answer.
    """

    metadata: dict[str, str]
    tables: tuple[Table, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    rejected: tuple[Evidence, ...] = ()
    lost: tuple[FailedPage, ...] = ()
    facts: tuple[Fact, ...] = ()  # facts that the layout rules found: each value of `metadata`
    variants: tuple[Variant, ...] = ()  # those that its text lists, else those that were found with it


class Product(Record):
    """A product as it is stored in the ledger."""

    id: str
    name: str
    category: str | None
    code: str | None
    variants: tuple[Variant, ...]
    first_page: int
    last_page: int
    pages: tuple[int, ...]
    metadata: dict[str, str]
    confidence: float
    evidence: tuple[Evidence, ...]
    family: str | None = None
    occurrences: tuple[Occurrence, ...] = ()  # none where only its pages are known
    facts: tuple[Fact, ...] = ()  # the places of the values of `metadata`


class LinkKind(StrEnum):
    IMAGE_PRODUCT = "image_product"
    IMAGE_CHUNK = "image_chunk"
    CHUNK_PRODUCT = "chunk_product"


PictureRole = Literal["photo", "variant", "drawing", "detail", "scene"]
"""What a picture shows of its product.

In this order: the product or a swatch of it, the product in another colour or finish, lines with its form and measures,
a part of it, or its use, in a room."""


class Link(Record):
    """A scored relation with its reasons. `image_*` links start at a placement, `chunk_product` links at a chunk."""

    kind: LinkKind
    source: str
    target: str
    score: float = Field(ge=0, le=1)
    evidence: tuple[Evidence, ...] = ()
    role: PictureRole | None = Field(default=None, description="What the picture shows of the product.")
    shared: bool = Field(default=False, description="Whether the picture is linked to other products, too.")
