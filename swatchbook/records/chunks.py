"""Text chunks."""

from typing import Literal

from pydantic import Field

from swatchbook.records.base import Record, Sha256
from swatchbook.records.pages import Table


class Chunk(Record):
    """A piece of text. A parent is the section that its children are cut from; those with `embed` get a vector.

    What runs in the margins of many pages (`running`) belongs to the document, not to a product.
    """

    id: str
    parent: str | None
    ordinal: int
    kind: Literal["section", "text", "table", "running"]
    text: str
    text_key: Sha256
    headings: tuple[str, ...]
    pages: tuple[int, ...]
    embed: bool = True


class Chunks(Record):
    chunks: tuple[Chunk, ...]
    entities: tuple["Entity", ...] = ()


class Entity(Record):
    """A certificate, logo or specification table; apart from products."""

    id: str
    kind: Literal["specification", "certificate", "logo"]
    page: int
    name: str
    data: dict[str, str] = Field(default_factory=dict)
    table: Table | None = None
