"""The records of the HTTP service's answers, which endpoints send and clients read.

It imports no web framework. (Products, images and pages: `swatchbook/domain/records/details.py`; search results:
`domain/records/reports.py`.)
"""

from typing import Literal

from pydantic import BaseModel, Field

from swatchbook.domain.records import (
    Chunk,
    CollectionState,
    DocumentImage,
    DocumentState,
    DocumentStatus,
    Entity,
    IngestOptions,
    Link,
    ObjectEvent,
    PageDetails,
    ProductDetails,
    Record,
    ReviewImage,
    RunReport,
    ShownState,
    Stage,
    StoredEdit,
    Trashed,
)


class Parts(Record):
    """Which parts of the service respond. `troubles`: what keeps documents from being worked on."""

    database: Literal["ok", "down"]
    index: Literal["ok", "down"]
    prefect: Literal["ok", "down", "not configured"]
    troubles: tuple[str, ...]


class ShownCoverage(CollectionState):
    """The state of a collection, with that of the service; the address of Prefect's UI, if runs are shown there."""

    parts: Parts
    prefect_ui: str | None


class ListedStates(Record):
    """A page of documents with their accounts, newest first; `next` is the cursor of the next page, null at the end."""

    documents: tuple[DocumentState, ...]
    next: str | None


class Progress(Record):
    """Progress of the live run: `done` of `total` units of a step, towards `stage`. Ages in seconds."""

    stage: Stage | None
    done: int
    total: int
    note: str | None
    step: str = ""
    unit: str = ""
    sentence: str = Field(default="", description="What it does at the moment: Reading page 12 of 27.")
    heartbeat_age: float
    progress_age: float


class ListedDocument(Record):
    """A document in the list. Times in Unix seconds, `size` in bytes."""

    id: str
    owner: str
    name: str
    status: DocumentStatus
    shown: ShownState | None = Field(default=None, description="Its state in words, the same as everywhere else.")
    stage: Stage
    percent: float = Field(description="Overall progress, 0–100.")
    message: str | None
    failure_kind: str | None
    due_at: float | None
    size: int
    page_count: int | None
    created_at: float
    updated_at: float
    edition_of: str | None = Field(default=None, description="The document whose newer edition it is.")
    superseded_by: str | None = Field(default=None, description="Its newer edition: searches leave this one out.")


class ShownDocument(ListedDocument):
    """A document with its options, progress and report."""

    options: IngestOptions
    generation: str | None
    progress: Progress | None = Field(description="Progress of the live run, if there is one.")
    report: RunReport


class Uploaded(Record):
    """A stored document: its file and its row survive any crash."""

    id: str = Field(description="Document id; see `GET /documents/{id}` for its progress.")
    owner: str
    name: str
    status: DocumentStatus | Literal["deleted"]


class Accepted(Record):
    """The request is stored and will be processed in the background."""

    id: str
    status: DocumentStatus
    message: str


class ReceivedEvents(Record):
    """How many events of the message are new."""

    received: int


class ListedEvents(Record):
    """A page of events of object stores, the latest first; `next` is the cursor of the next page, null on the last."""

    events: tuple[ObjectEvent, ...]
    next: str | None


class ListedTrash(Record):
    """The documents in the trash, the latest first."""

    documents: tuple[Trashed, ...]


class AcceptedDocuments(Record):
    """The request is stored; these documents will be processed."""

    documents: tuple[str, ...]


class AcceptedImage(Record):
    """The request is stored; these documents, which contain the image, will be processed."""

    id: str
    documents: tuple[str, ...]
    message: str


# --- pages of lists ---------------------------------------------------------------------------------------------------


class Listed(Record):
    """A page of documents, newest first; `next` is the cursor of the next page, null on the last."""

    documents: tuple[ListedDocument, ...]
    next: str | None


class ListedProducts(Record):
    """A page of a document's products, in order; `next` is the cursor of the next page, null on the last."""

    products: tuple[ProductDetails, ...]
    next: str | None


class ListedEntities(Record):
    """A page of a document's entities, in order; `next` is the cursor of the next page, null on the last."""

    entities: tuple[Entity, ...]
    next: str | None


class ListedChunks(Record):
    """A page of a document's chunks, in reading order; `next` is the cursor of the next page, null on the last."""

    chunks: tuple[Chunk, ...]
    next: str | None


class ListedLinks(Record):
    """A page of a document's links; `next` is the cursor of the next page, null on the last."""

    links: tuple[Link, ...]
    next: str | None


class ListedImages(Record):
    """A page of a document's images, in reading order; `next` is the cursor of the next page, null on the last."""

    images: tuple[DocumentImage, ...]
    next: str | None


class ListedPages(Record):
    """A page of a document's pages, by number; `next` is the cursor of the next page, null on the last."""

    pages: tuple[PageDetails, ...]
    next: str | None


class ListedEdits(Record):
    """A page of the edits by hand of a document's products, in the order in which they were made; `next` is the cursor
    of the next page, null on the last.
    """

    edits: tuple[StoredEdit, ...]
    next: str | None


ReviewChoice = Literal["accept", "reject"]
"""What a person can decide about an analysis."""


class ListedReviews(Record):
    """A page of the images that need a review; `next` is the cursor of the next page, null on the last."""

    images: tuple[ReviewImage, ...]
    next: str | None


# --- the service ------------------------------------------------------------------------------------------------------

PartState = Literal["ok", "down"]
DiskState = Literal["ok", "full"]


class Live(BaseModel):
    """The process is alive."""

    status: Literal["ok"] = "ok"


class Ready(BaseModel):
    """State of the parts that requests need. With `disk` `full`, searches are answered, but nothing new is taken in."""

    status: Literal["ready", "not ready"]
    database: PartState
    index: PartState
    disk: DiskState


class Stats(BaseModel):
    """Counts of the whole collection: its owners, documents by status, images by state."""

    owners: int
    documents: dict[str, int]
    images: dict[str, int]
    unpublished: int
    items_due: int
    documents_due: int
    oldest_due_seconds: float


class EmbeddingStats(BaseModel):
    """An image counts as embedded with its first vector. `stale`: role -> vectors made by another model than the one in
    the settings, or missing where searches look.
    """

    total_images: int
    with_embeddings: int
    without_embeddings: int
    coverage_percentage: float
    stale: dict[str, int]


class Health(BaseModel):
    """`degraded`: documents are not worked on, or late, or notices are not delivered; `troubles` says why. `down`:
    ledger or index is down, so requests fail.

    It is degraded when Prefect is down or lacks a deployment, when no worker polls a work pool, when a document has
    been due for more than two minutes, when the disk is full, and when an object that a bucket announced could not be
    ingested in the last day.
    """

    status: Literal["ok", "degraded", "down"]
    database: PartState
    index: PartState
    disk: DiskState
    prefect: Literal["ok", "down", "not configured"]
    troubles: tuple[str, ...]
    stats: Stats | None
    embedding_stats: EmbeddingStats | None


# --- errors -----------------------------------------------------------------------------------------------------------


class InvalidField(BaseModel):
    """One validation error and its place in the request."""

    where: str = Field(description="Path of the field, such as `query.k` or `body.force`.")
    what: str = Field(description="Error message.")


class Problem(BaseModel):
    """An error (RFC 9457). `kind` is the failure kind, as in reports; `id` finds the error in the service's log."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str | None = None
    kind: str | None = None
    advice: str | None = None
    errors: list[InvalidField] | None = None
    id: str | None = None
