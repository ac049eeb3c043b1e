"""The records of text chunks, and of entities: specification tables, certificates, logos."""

from typing import Literal

from pydantic import Field

from swatchbook.records.base import Record, Sha256
from swatchbook.records.pages import Table


class Chunk(Record):
    """A piece of text. Chunks with `embed` get a vector.

    A chunk of kind `running` is text that repeats in the margins of many pages; it belongs to no product.
    """

    id: str
    parent: str | None  # id of the section chunk that it is cut from
    ordinal: int  # position in the document
    kind: Literal["section", "text", "table", "running"]
    text: str
    text_key: Sha256
    headings: tuple[str, ...]
    pages: tuple[int, ...]  # numbers, from 1
    embed: bool = True


class Chunks(Record):
    """Result of stage 4."""

    chunks: tuple[Chunk, ...]
    entities: tuple["Entity", ...] = ()


class Entity(Record):
    """A certificate, logo or specification table that belongs to no product."""

    id: str
    kind: Literal["specification", "certificate", "logo"]
    page: int
    name: str
    data: dict[str, str] = Field(default_factory=dict)
    table: Table | None = None
