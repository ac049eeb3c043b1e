"""The records of a folder's items with their pictures, and counts of items that were processed, skipped or failed.

A known item is a dataclass, because every run reads all of them, and validating 100,000 takes seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import AliasChoices, Field

from swatchbook.domain.records.items import Role
from swatchbook_base.records.images import Extraction
from swatchbook_base.records.pages import Chunk
from swatchbook_base.records.products import Link, Product
from swatchbook_base.records.record import Record, Sha256


@dataclass(frozen=True, slots=True)
class Stamp:
    """The size, time and inode that identify an unchanged file. `read_ns`: when its bytes were read.

    Times are nanoseconds since 1970. A picture from a URL is identified by its URL alone: time and inode are 0.
    """

    size: int
    mtime_ns: int
    inode: int
    read_ns: int


@dataclass(frozen=True, slots=True)
class SourcePicture:
    """A picture that an item names. Without a stamp it could not be opened or fetched, and is tried again each time.

    `content_key` is None where there is no picture to use; the item's placement then has the reason. `described`: a
    sidecar describes it.
    """

    path: str
    stamp: Stamp | None
    content_key: Sha256 | None
    described: bool = False


class GivenVector(Record):
    """A vector of a picture that a source already has, under one of our tags: float32 numbers, little endian."""

    role: Role
    tag: str
    data: bytes


@dataclass(frozen=True, slots=True)
class SourceItem:
    """An item of a source as the ledger knows it. `digest` is the hash of its title, metadata and missing pictures.

    `number` counts the items of a source in the order in which they came, `product` is the id of its product, if it is
    one; `kind` and `message` are those of a failure before any of its pictures was read.
    """

    item: str
    key: Sha256
    number: int
    generation: str
    digest: Sha256
    product: str | None
    pictures: tuple[SourcePicture, ...]
    kind: str | None = None
    message: str | None = None


class ReadItem(Record):
    """An item to be saved, with its product, its text, the placements of its pictures, and the links between them.

    `vectors`: content key -> the vector that its source has of this picture.
    """

    source: SourceItem
    product: Product | None
    chunk: Chunk | None
    extraction: Extraction
    links: tuple[Link, ...]
    vectors: Mapping[Sha256, GivenVector] = {}


class Scan(Record):
    """Result of stage 5 for a folder or scraped batch.

    `skipped`: unchanged and complete items; `left`: items that are gone from it, `removed`: how many of these were
    removed. `read` counts the pictures whose bytes were read. `doubts` are what a person should look at.
    """

    skipped: int = 0
    read: int = 0
    moved: int = 0
    left: int = 0
    removed: int = 0
    doubts: tuple[str, ...] = ()


class ItemCounts(Record):
    """The items of a source. Always: total = processed + skipped + partial + bare + failed + pending.

    Processed and skipped ones have all of their pictures, and skipped ones had them before. Partial ones have some, and
    bare ones none: they are products like the others. Failed ones cannot be read. Of `left` ones, which are no longer
    in their source, no other count knows.
    """

    total_items: int = 0
    processed_items: int = 0
    skipped_items: int = 0
    partial_items: int = 0
    bare_items: int = 0
    failed_items: int = 0
    pending_items: int = 0
    left_items: int = 0
    incomplete_ids: tuple[str, ...] = Field(
        default=(),
        validation_alias=AliasChoices("incomplete_ids", "failed_ids"),  # as stored reports of earlier versions have it
        description="The first 1,000 that are failed, partial or bare.",
    )
    duration_seconds: float = 0.0


# --- plans of batches -------------------------------------------------------------------------------------------------


class AbsentField(Record):
    """A field that a mapping names and none of the items has, as a sentence. `refused`: it is not read so."""

    problem: str
    refused: bool


class PlannedItem(Record):
    """An item as it would be read. `problem` is why it would fail; `lacks_files`: pictures of it are missing."""

    item: str
    title: str
    code: str | None
    metadata: dict[str, str]
    pictures: tuple[str, ...]
    problem: str | None
    lacks_files: bool


class IncompleteItem(Record):
    """An item that would fail or lack pictures, and why."""

    item: str
    problem: str


class UnknownField(Record):
    """A field that is not read, with the beginning of its value in one of the items."""

    name: str
    example: str


class BatchPlan(Record):
    """The way in which a batch would be read.

    `fields` maps names of ours to the fields from which they are read; `choices` are all its fields. `looked_at` is the
    number of items whose fields were read. Of the first `judged` items, all unless there are `more`, `failing` would
    fail and `lacking` have not all of their pictures, of which the first are named. `absent` are fields that the given
    mapping names and no item has. `mapping` is `fields` as the YAML file that `ingest --mapping` takes. `letters` are
    what to check of files that are not UTF-8.
    """

    name: str
    format: str | None = None
    looked_at: int
    judged: int
    more: bool
    failing: int
    lacking: int
    incomplete_items: tuple[IncompleteItem, ...]
    items: tuple[PlannedItem, ...]
    absent: tuple[AbsentField, ...] = ()
    letters: tuple[str, ...] = ()
    fields: Mapping[str, tuple[str, ...]] = {}
    unknown: tuple[UnknownField, ...] = ()
    choices: tuple[str, ...] = ()
    mapping: str = ""


# --- events of object stores ------------------------------------------------------------------------------------------


EventState = Literal["waiting", "done", "ignored", "dead"]


class ObjectEvent(Record):
    """A recorded event. Times are Unix seconds; `message`: why it is ignored or dead, or why the last try failed."""

    id: str
    owner: str | None
    url: str
    source: str | None
    event: str
    state: EventState
    document: str | None
    failure_kind: str | None
    message: str | None
    tries: int
    next_try_at: float | None
    at: float
